import { randomBytes } from 'node:crypto';

const PREFIX = 'ofr-';

/** Makes ids for our own stanzas: unique across processes and restarts, and recognisable by their prefix. */
export class IdSource {
  readonly #start = `${PREFIX}${randomBytes(6).toString('base64url')}-`;
  #count = 0;

  next(): string {
    this.#count += 1;
    return this.#start + this.#count.toString(36);
  }
}

/** Whether an id is of our making: an error about such a stanza concerns nobody else. */
export function isOwnId(id: string): boolean {
  return id.startsWith(PREFIX);
}

/** RFC 9562 section 4: with its version and its variant, with or without hyphens. */
const UUID = /[\da-f]{8}-?[\da-f]{4}-?[1-8][\da-f]{3}-?[89ab][\da-f]{3}-?[\da-f]{12}/i;
/** As many of a kind are a word or a number, rather than random. */
const WORDS = /[a-z]{5,}|[A-Z]{5,}|\d{10,}/g;
/** What random characters change between, and counted or written ones seldom do. */
const RUNS = /\d+|[a-z]+|[A-Z]+/g;
/** Characters of base 62 that bear 64 bits. */
const SHORTEST = 11;

/** @param text letters and digits */
function bitsOf(text: string): number {
  if (/[a-z]/.test(text) && /[A-Z]/.test(text)) return text.length * 5.9;
  return text.length * (/^[\da-f]*$/i.test(text) ? 4 : 5);
}

/** @param text letters and digits */
function looksRandom(text: string): boolean {
  if (text.length < SHORTEST || bitsOf(text) < 64) return false;
  return /\d/.test(text) && (text.match(RUNS) ?? []).length * 5 > text.length;
}

/** libpurple's (Pidgin, Finch): counted from 32 random bits that each connection draws anew. It sends again under them what was not acknowledged. */
const LIBPURPLE = /^purple[\da-f]{7,8}$/;

/** Different characters that an id has at least which is no counter, such as one in the form of a UUID. */
const DIFFERENT = 8;

/** Whether it has few different characters. Asked for each message: no Set is made, and its beginning is enough as a rule. */
function isMonotonous(text: string): boolean {
  let seen = '';
  let different = 0;
  for (const character of text) {
    if (seen.includes(character)) continue;
    seen += character;
    different += 1;
    if (different === DIFFERENT) return false;
  }
  return true;
}

/**
 * Whether an id is unique by its form: a UUID, at least 64 random bits, or libpurple's. A random id of digits or of letters alone
 * counts as not unique; that error loses nothing.
 */
export function isUniqueId(id: string): boolean {
  if (id.length < SHORTEST || isMonotonous(id)) return false;
  return (
    LIBPURPLE.test(id) ||
    /[a-f]/i.test(UUID.exec(id)?.[0] ?? '') ||
    id
      .replace(WORDS, ' ')
      .split(/[^\da-zA-Z]/)
      .some(looksRandom)
  );
}
