import xml, { type Element } from '@xmpp/xml';
import { encoded, textOf } from '../../util/octets.ts';

/** Levels of nesting in a stanza at most; clients need about six. Bounds the recursion. */
export const MAX_DEPTH = 64;

/** Thrown for a stanza that is nested deeper than {@link MAX_DEPTH}; its sender gets `policy-violation`. */
export class TooDeepError extends Error {
  constructor() {
    super(`Nested deeper than ${MAX_DEPTH} levels`);
    this.name = 'TooDeepError';
  }
}

// Beside lone surrogates, for which the engine looks faster.
const MAYBE_FORBIDDEN = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;
// What XML 1.0 does not list as Char (https://www.w3.org/TR/xml/#NT-Char).
const FORBIDDEN = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** Removes the characters that XML 1.0 forbids: one of them ends the whole stream on every server. */
export function cleanXml(text: string): string {
  return MAYBE_FORBIDDEN.test(text) || !text.isWellFormed() ? text.replace(FORBIDDEN, '') : text;
}

// Control characters, and what no octets are.
const UNFIT = /[\0-\x08\x0b\x0c\x0e-\x1f\u0100-\uffff]/;
const WIDE = /[\u0100-\uffff]/;
/** How U+FFFE and U+FFFF begin, and some others. */
const NONCHARACTER = '\xef\xbf';

/**
 * XML as it may be written, flat ({@link flattened}): the last line of defence, as one forbidden character ends the whole stream.
 * What is no octets by mistake is taken for text.
 */
export function fitToWrite(xml: string): string {
  if (!UNFIT.test(xml) && !xml.includes(NONCHARACTER)) return flattened(xml);
  return encoded(cleanXml(WIDE.test(xml) ? xml : textOf(xml)));
}

/**
 * The same text as a flat string. A concatenated string keeps its parts, and the chunk that they are slices of, alive; the
 * garbage collector would copy them again and again while the text waits for the server's answer.
 */
export function flattened(text: string): string {
  // Reading a character makes the engine flatten the string; the comparison keeps the optimiser from dropping the read.
  return text.charCodeAt(0) === 0 ? '' : text;
}

const TEXT_ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };
// White space is escaped too: a parser turns it into blanks in attributes (XML 1.0 section 3.3.3).
const ATTRIBUTE_ESCAPES: Record<string, string> = {
  ...TEXT_ESCAPES,
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#9;',
  '\n': '&#10;',
};

// Nearly all text needs no escaping, and one test is cheaper than cleaning, escaping and encoding.
const NEEDS_CARE_IN_TEXT = /[^\t\n -%'-;=?-\x7f]/;
const NEEDS_CARE_IN_ATTRIBUTE = /[^ !#-%(-;=?-\x7f]/;

/** Escapes and cleans character data. Takes text, and gives octets. */
export function escapeText(text: string): string {
  if (!NEEDS_CARE_IN_TEXT.test(text)) return text;
  return encoded(cleanXml(text).replace(/[&<>\r]/g, (c) => TEXT_ESCAPES[c] as string));
}

/** Escapes and cleans an attribute's value, for double or single quotes. Takes text, and gives octets. */
export function escapeAttribute(value: string): string {
  if (!NEEDS_CARE_IN_ATTRIBUTE.test(value)) return value;
  return encoded(cleanXml(value).replace(/[&<>"'\t\n\r]/g, (c) => ATTRIBUTE_ESCAPES[c] as string));
}

/** ` name="value"`, or nothing for an absent value. */
export function attribute(name: string, value: string | undefined): string {
  return value === undefined ? '' : ` ${encoded(name)}="${escapeAttribute(value)}"`;
}

/** The namespace of an element; that of the stream, or none, for what declares none. */
export function namespaceOf(element: Element): string {
  // ltx looks upwards through the parents, which a stanza's own prefix declarations need and most children do not.
  const declared = element.attrs.xmlns;
  if (declared !== undefined && !element.name.includes(':')) return declared;
  return element.getNS() ?? '';
}

/**
 * Writes an element as XML, in octets. Ours rather than ltx's `toString()`, which recurses without a limit and keeps forbidden
 * characters and white space in attributes as they are.
 *
 * @throws {TooDeepError} beyond `depth` levels
 */
export function serialize(element: Element, depth: number = MAX_DEPTH): string {
  if (depth <= 0) throw new TooDeepError();
  const tag = encoded(element.name);
  let xml = `<${tag}`;
  for (const name in element.attrs) {
    const value: unknown = element.attrs[name];
    if (value !== undefined && value !== null) xml += attribute(name, String(value));
  }
  const { children } = element;
  if (children.length === 0) return `${xml}/>`;
  xml += '>';
  for (const child of children) {
    xml += typeof child === 'object' ? serialize(child, depth - 1) : escapeText(String(child));
  }
  return `${xml}</${tag}>`;
}

/** An element that may come from the parser, which keeps how it is written (connection/read-element.ts). */
type MaybeRead = Element & { written?: string | undefined };

/** An element as {@link serialize} writes it. */
export function xmlOf(element: MaybeRead): string {
  return element.written ?? serialize(element);
}

/** Changes an attribute of an element that the parser may have made. */
export function setAttribute(element: MaybeRead, name: string, value: string): void {
  // Others may have the same ones.
  element.attrs = { ...element.attrs, [name]: value };
  element.written = undefined;
}

// A bare ampersand ends the stream, and the tokenizer lets it pass.
const BARE_AMPERSAND = /&(?!(?:lt|gt|amp|quot|apos|#\d+|#x[\da-f]+);)/i;

// We write none; a server ends the stream at a comment or an instruction (RFC 6120 section 11.1), and ltx misreads them.
const DECLARATION = /<[!?]/;

/** Whether a text is exactly one complete element. A truncated record from the store would end the stream. */
export function isSingleElement(text: string): boolean {
  if (BARE_AMPERSAND.test(text) || DECLARATION.test(text)) return false;
  let elements = 0;
  let sound = true;
  let ended = false;
  const parser = new xml.Parser();
  parser.on('error', () => {
    sound = false;
  });
  parser.on('element', () => {
    elements += 1;
  });
  parser.on('end', () => {
    ended = true;
  });
  try {
    parser.write(`<x>${text}</x>`);
  } catch {
    return false;
  }
  return sound && ended && elements === 1;
}

/** About what an element takes in memory. The link has bounded its depth. */
export function approximateSize({ attrs, children }: Element): number {
  let sum = 100;
  for (const key in attrs) sum += String(attrs[key]).length;
  for (const child of children) sum += typeof child === 'object' ? approximateSize(child) : String(child).length;
  return sum;
}
