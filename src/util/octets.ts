// XML text inside this process is octets: a string in which each character is a byte of UTF-8. It comes from the server's stream
// and goes out, to it and to Redis, as it is; and a text in another script does not make the engine keep, and search, all that it
// is joined with as a string of two bytes a character. Names, ids and addresses are text.

const NOT_ASCII = /[^\0-\x7f]/;

/** Whether it is text and octets at once. */
export function isAscii(text: string): boolean {
  return !NOT_ASCII.test(text);
}

const scratch = Buffer.allocUnsafe(4096);

/** The text that octets are. What is not UTF-8 in it becomes replacement characters. */
export function textOf(octets: string): string {
  if (!NOT_ASCII.test(octets)) return octets;
  const bytes = octets.length <= scratch.length ? scratch : Buffer.allocUnsafe(octets.length);
  return bytes.toString('utf8', 0, bytes.write(octets, 'latin1'));
}

/**
 * The same text in memory of its own. What was cut out of a text keeps all of that alive: an address that is remembered, 64 KiB of
 * the stream.
 */
export function ownCopy(text: string): string {
  // Nearly all are short, and ASCII: so it takes half the time.
  if (text.length <= scratch.length && !NOT_ASCII.test(text))
    return scratch.toString('latin1', 0, scratch.write(text, 'latin1'));
  // Half a surrogate pair is no UTF-8.
  return text.isWellFormed() ? Buffer.from(text).toString() : text;
}

/** A text as octets. Half a surrogate pair becomes a replacement character. */
export function encoded(text: string): string {
  if (!NOT_ASCII.test(text)) return text;
  if (text.length * 3 > scratch.length) return Buffer.from(text).toString('latin1');
  return scratch.toString('latin1', 0, scratch.write(text));
}
