// A message's children as a record has them: what nearly every client puts at their end takes 200 bytes, and here a character each.
import { NS } from '../../xmpp/stanza/namespaces.ts';

/** XML has no such characters (XML 1.0 section 2.2), so each stands for its text wherever it is met. */
const TEXTS: Readonly<Record<string, string>> = {
  '\x01': `<request xmlns="${NS.receipts}"/>`,
  '\x02': `<markable xmlns="${NS.markers}"/>`,
  '\x03': `<active xmlns="${NS.chatStates}"/>`,
  '\x04': `<store xmlns="${NS.hints}"/>`,
  '\x05': `<origin-id xmlns="${NS.sid}" id="`,
  '\x06': '"/>',
};
const ORIGIN_ID = TEXTS['\x05'] as string;
const PLAIN = /^[ -~]*$/;
const CLOSES = TEXTS['\x06'] as string;
/** An origin-id that is the message's id, as a record has that. */
const SAME_ID = '\x07';
const LAST_CHARACTER = 7;
const ELEMENTS = new Map(
  Object.entries(TEXTS).flatMap(([character, text]) => (/^<.*>$/.test(text) ? [[text, character]] : [])),
);

/** Children as a record has them. @param id the message's, as its record has it */
export function shortened(inner: string, id: string): string {
  let end = inner.length;
  let short = '';
  while (end > 0) {
    const start = inner.lastIndexOf('<', end - 1);
    const element = inner.slice(start, end);
    const known = ELEMENTS.get(element) ?? shortOriginId(element, id);
    if (known === undefined) break;
    short = known + short;
    end = start;
  }
  return short === '' ? inner : inner.slice(0, end) + short;
}

function shortOriginId(element: string, id: string): string | undefined {
  if (!element.startsWith(ORIGIN_ID) || !element.endsWith(CLOSES)) return undefined;
  // One quotation mark may be both.
  if (element.length < ORIGIN_ID.length + CLOSES.length) return undefined;
  const originId = element.slice(ORIGIN_ID.length, -CLOSES.length);
  // Of others the one may be octets and the other characters.
  return originId === id && PLAIN.test(id) ? SAME_ID : `\x05${originId}\x06`;
}

const CHARACTERS = /[\x01-\x07]/g;

/** The children again. @param id as of {@link shortened} */
export function lengthened(short: string, id: string): string {
  // They stand at the end.
  if (!(short.charCodeAt(short.length - 1) <= LAST_CHARACTER)) return short;
  return short.replace(CHARACTERS, (character) => TEXTS[character] ?? ORIGIN_ID + id + CLOSES);
}
