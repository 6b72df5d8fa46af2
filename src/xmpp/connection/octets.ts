// What comes from the server is read as octets: a string in which each character is a byte of UTF-8. Markup, and most of all
// else, is ASCII, and the same in both; and one text in another script does not make the engine keep, and search, all that came
// with it as a string of two bytes a character.

const NOT_ASCII = /[^\x00-\x7f]/;
/** Numeric character references (XML 1.0 section 4.1). */
const REFERENCES = /&#(x[\da-fA-F]+|\d+);/g;
const FIRST_NOT_ASCII = 0x80;

/** Names and ids are so short that a loop is faster than an expression. */
const SHORT = 16;

function isAscii(text: string): boolean {
  if (text.length > SHORT) return !NOT_ASCII.test(text);
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) >= FIRST_NOT_ASCII) return false;
  return true;
}

const scratch = Buffer.allocUnsafe(4096);

/** Whether a text has octets of other characters than ASCII. The engine tells by 16 bytes at a time. */
export function hasOctets(text: string): boolean {
  return Buffer.byteLength(text) !== text.length;
}

/** The text that these octets are; what is not UTF-8 in it becomes replacement characters. */
export function decoded(octets: string): string {
  if (isAscii(octets)) return octets;
  const bytes = octets.length <= scratch.length ? scratch : Buffer.allocUnsafe(octets.length);
  return bytes.toString('utf8', 0, bytes.write(octets, 'latin1'));
}

/** The same with octets for references to other characters than ASCII, which would not be told from octets once they are read. */
export function withReferencesAsOctets(markup: string): string {
  if (!markup.includes('&#')) return markup;
  return markup.replace(REFERENCES, (reference, number: string) => {
    const code = Number(number.startsWith('x') ? `0${number}` : number);
    // What is no character is for the parser to refuse.
    const isText = code >= FIRST_NOT_ASCII && code <= 0x10ffff && String.fromCodePoint(code).isWellFormed();
    const isCharacter = isText && code !== 0xfffe && code !== 0xffff;
    return isCharacter ? Buffer.from(String.fromCodePoint(code)).toString('latin1') : reference;
  });
}
