import xml from '@xmpp/xml';
import { textOf } from '../../util/octets.ts';
import { cleanXml } from '../stanza/xml.ts';
import { UnreadableError } from './link-problem.ts';

const SPACE = 32;
const QUOTE = 34;
const APOSTROPHE = 39;
const SLASH = 47;
const DIGIT_0 = 48;
const DIGIT_9 = 57;
const EQUALS = 61;
const CLOSES = 62;

/** What in a tag is not what it says, or is not written as it came: references, characters of several octets, white space. */
const NEEDS_CARE = /[^ -%'-;=?-\x7f]/;
/** The same of a text. */
const TEXT_NEEDS_CARE = /[&>\0-\x08\x0b-\x1f]/;
/** What is escaped in an attribute's value where it did not have to be. */
const HAS_QUOTE = /["']/;
/** A reference to a character by its number. */
const REFERENCE = /&#(?:x([0-9a-fA-F]+)|([0-9]+));/g;
/** U+FFFE and U+FFFF. */
const NONCHARACTER = /\xef\xbf[\xbe\xbf]/;

/** A tag as it was read. */
interface Read {
  readonly name: string;
  readonly attrs: Record<string, string>;
  readonly written: string | undefined;
}

/** The tag that {@link readStartTag} has read: one object for all, as there are ten in each message. */
export const startTag = {
  name: '',
  /** Of some tags the same object for each: to be copied before it is changed. */
  attrs: {} as Record<string, string>,
  /** The tag as `serialize` (xml.ts) writes it, in octets, without its end; undefined where that is not simply known. */
  written: undefined as string | undefined,
  isEmpty: false,
  /** The place behind it. */
  end: 0,
};

/** Tags of stanzas' children that were met lately, by what they are in octets: most are the same in every message. */
const known = new Map<string, Read>();
const MOST_KNOWN = 500;
const LONGEST_KNOWN = 120;

/**
 * Reads the start tag of a stanza's child, or below, into {@link startTag}. As {@link readStartTag}.
 */
export function readChildTag(text: string, open: number): boolean {
  const close = text.indexOf('>', open);
  if (close === -1) return false;
  const isEmpty = text.charCodeAt(close - 1) === SLASH;
  const end = isEmpty ? close - 1 : close;
  if (end - open > LONGEST_KNOWN) return readStartTag(text, open, true);
  const tag = text.slice(open + 1, end);
  if (!isUsual(tag)) return readStartTag(text, open, true);
  const read = known.get(tag);
  if (read !== undefined) {
    startTag.name = read.name;
    startTag.attrs = read.attrs;
    startTag.written = read.written;
    startTag.isEmpty = isEmpty;
    startTag.end = close + 1;
    return true;
  }
  if (!readStartTag(text, open, true)) return false;
  // One with a `>` in it ends elsewhere.
  if (startTag.end === close + 1) {
    if (known.size >= MOST_KNOWN) known.clear();
    // Of a copy: what is cut out of a chunk keeps all of it in memory.
    readStartTag(Buffer.from(`<${tag}>`, 'latin1').toString('latin1'), 0, true);
    const { name, attrs, written } = startTag;
    known.set(Buffer.from(tag, 'latin1').toString('latin1'), { name, attrs, written });
    startTag.isEmpty = isEmpty;
    startTag.end = close + 1;
  }
  return true;
}

/** Whether a tag has no attribute but a namespace. What has others comes once: an id, a gate's number, an address. */
function isUsual(tag: string): boolean {
  const equals = tag.indexOf('=');
  return equals === -1 || (tag.startsWith(' xmlns', equals - 6) && tag.indexOf('=', equals + 1) === -1);
}

/** Names of attributes that nearly all stanzas have, or a gate's events, by their length. */
const USUAL_NAMES = ['xmlns', 'id', 'to', 'from', 'type', 'n', 'jid', 'copy', 'state', 'by', 'session', 'token'].reduce(
  (byLength: string[][], name) => {
    byLength[name.length]?.push(name);
    return byLength;
  },
  Array.from({ length: 8 }, () => []),
);

/** The name of an attribute. No string is made for a usual one, which the engine would have to look up among all names. */
function nameOf(text: string, start: number, end: number): string {
  const usual = USUAL_NAMES[end - start];
  if (usual !== undefined) for (const name of usual) if (text.startsWith(name, start)) return name;
  return text.slice(start, end);
}

/**
 * Reads a start tag into {@link startTag}.
 *
 * @param text octets
 * @param open where its `<` is
 * @param isChild whether it matters how it is written
 * @returns whether it ends in this text
 * @throws {UnreadableError} where it is none, or what ltx throws at a reference that it does not know
 */
export function readStartTag(text: string, open: number, isChild: boolean): boolean {
  const { length } = text;
  let at = open + 1;
  let code = 0;
  for (; at < length; at += 1) {
    code = text.charCodeAt(at);
    if (code <= SPACE || code === SLASH || code === CLOSES) break;
  }
  if (at === length) return false;
  if (at === open + 1) throw new UnreadableError('A tag without a name');
  const name = text.slice(open + 1, at);
  const attrs: Record<string, string> = {};
  let isSimple = isChild;
  /** Whether it has come as it is written: with one space before each attribute, no other one, and in `"`. */
  let isPlain = isChild;
  for (;;) {
    const before = at;
    while (code <= SPACE) {
      at += 1;
      if (at >= length) return false;
      code = text.charCodeAt(at);
    }
    if ((code === CLOSES || code === SLASH) && at !== before) isPlain = false;
    if (code === CLOSES) break;
    if (code === SLASH) {
      if (at + 1 === length) return false;
      if (text.charCodeAt(at + 1) !== CLOSES) throw new UnreadableError('A slash in a tag');
      break;
    }
    const start = at;
    // An object has names that are numbers before all others.
    if (start !== before + 1 || (code >= DIGIT_0 && code <= DIGIT_9)) isPlain = false;
    for (; code > SPACE && code !== EQUALS; code = text.charCodeAt(at)) {
      if (code === CLOSES || code === QUOTE || code === APOSTROPHE)
        throw new UnreadableError('An attribute without a value');
      at += 1;
      if (at >= length) return false;
    }
    const key = nameOf(text, start, at);
    const named = at;
    while (code <= SPACE) {
      at += 1;
      if (at >= length) return false;
      code = text.charCodeAt(at);
    }
    if (code !== EQUALS || key === '') throw new UnreadableError('An attribute without a value');
    do {
      at += 1;
      if (at >= length) return false;
      code = text.charCodeAt(at);
    } while (code <= SPACE);
    if (code !== QUOTE && code !== APOSTROPHE) throw new UnreadableError('An attribute without quotation marks');
    const begin = at + 1;
    if (code !== QUOTE || begin !== named + 2) isPlain = false;
    at = text.indexOf(code === QUOTE ? '"' : "'", begin);
    if (at === -1) return false;
    const value = text.slice(begin, at);
    if (isSimple && attrs[key] !== undefined) isSimple = false;
    attrs[key] = value;
    at += 1;
    if (at >= length) return false;
    code = text.charCodeAt(at);
  }
  startTag.isEmpty = code === SLASH;
  startTag.end = startTag.isEmpty ? at + 2 : at + 1;
  startTag.written = undefined;
  const tag = text.slice(open + 1, at);
  if (NEEDS_CARE.test(tag)) {
    startTag.name = textOf(name);
    startTag.attrs = read(attrs);
  } else {
    startTag.name = name;
    startTag.attrs = attrs;
    if (isSimple) startTag.written = isPlain ? asItCame(tag) : rewritten(name, attrs);
  }
  return true;
}

function asItCame(tag: string): string | undefined {
  return tag.includes("'") ? undefined : `<${tag}`;
}

/** A tag without its end as `serialize` writes it, where no value has to be escaped. */
function rewritten(name: string, attrs: Record<string, string>): string | undefined {
  let written = `<${name}`;
  for (const key in attrs) {
    const value = attrs[key] as string;
    if (HAS_QUOTE.test(value)) return undefined;
    written += ` ${key}="${value}"`;
  }
  return written;
}

/** Attributes as text, without references. */
function read(attrs: Record<string, string>): Record<string, string> {
  const read: Record<string, string> = {};
  for (const name in attrs) read[textOf(name)] = textOfMarkup(attrs[name] as string);
  return read;
}

/**
 * What octets between tags, or in an attribute, say.
 *
 * @throws what ltx throws at a reference that it does not know
 */
export function textOfMarkup(octets: string): string {
  const text = textOf(octets);
  return text.includes('&') ? xml.unescapeXML(text.includes('&#') ? withoutForbidden(text) : text) : text;
}

/**
 * Leaves out references to what XML 1.0 forbids, as such characters themselves are on their way out. Openfire takes them from clients over BOSH,
 * and passes them on: each would end the component's stream, whoever it is for.
 */
export function withoutForbidden(text: string): string {
  return text.replace(REFERENCE, (reference, hexadecimal?: string, decimal?: string) => {
    const code = hexadecimal === undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16);
    return code <= 0x10ffff && cleanXml(String.fromCodePoint(code)) !== '' ? reference : '';
  });
}

/** Whether a text between tags is the same when it is written as `serialize` does. */
export function isWrittenAsItCame(octets: string): boolean {
  return !TEXT_NEEDS_CARE.test(octets) && !(octets.includes('\xef\xbf') && NONCHARACTER.test(octets));
}
