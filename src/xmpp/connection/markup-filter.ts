import { UnreadableError } from './link-problem.ts';

/** What may stand between tags beside text (XML 1.0 section 2), how it begins and how it ends. */
const SECTIONS = [
  { begins: '<![CDATA[', ends: ']]>', isText: true },
  { begins: '<!--', ends: '-->', isText: false },
  { begins: '<?', ends: '?>', isText: false },
] as const;

/** Where a section begins, or may begin with what comes next. */
const BEGINS = /<(?:[!?]|$)/g;

/** Whether the second character of a section's beginning stands behind the first one. */
function has(text: string, second: '!' | '?'): boolean {
  for (let at = text.indexOf(second); at !== -1; at = text.indexOf(second, at + 1)) {
    if (text[at - 1] === '<') return true;
  }
  return false;
}

/** As {@link BEGINS}, at a fifteenth of its cost: this is done for all that comes, and nearly nothing has any. */
function mayBegin(text: string): boolean {
  return text.endsWith('<') || has(text, '!') || has(text, '?');
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/**
 * Leaves tags and text, for a tokenizer that knows no more: ltx loses what follows a CDATA section, a comment or a
 * processing instruction, up to the next tag. CDATA becomes escaped text; comments and processing instructions, which XMPP
 * does not allow (RFC 6120 section 11.1) and some servers pass on, are left out, and what is around them is whole. A
 * document type is not read, so no entity of one is ever expanded.
 */
export class MarkupFilter {
  #open: (typeof SECTIONS)[number] | undefined;
  /** The end of the last chunk, which only the next one tells what it is. */
  #held = '';

  /**
   * Takes the next chunk, wherever it was cut; gives its tags and text.
   *
   * @throws {UnreadableError} at a document type, or any other declaration
   */
  filter(chunk: string): string {
    if (this.#open === undefined && this.#held === '' && !mayBegin(chunk)) return chunk;
    const text = this.#held + chunk;
    this.#held = '';
    let kept = '';
    let at = 0;
    while (at < text.length) {
      if (this.#open === undefined) {
        BEGINS.lastIndex = at;
        const start = BEGINS.exec(text)?.index ?? text.length;
        kept += text.slice(at, start);
        at = start + this.#begin(text, start);
      } else {
        const { ends, isText } = this.#open;
        const end = text.indexOf(ends, at);
        // Of what may be the beginning of the end, the next chunk tells.
        const stop = end === -1 ? Math.max(at, text.length - ends.length + 1) : end;
        if (isText) kept += text.slice(at, stop).replace(/[&<>]/g, (char) => ESCAPES[char] as string);
        if (end === -1) this.#held = text.slice(stop);
        else this.#open = undefined;
        at = end === -1 ? text.length : end + ends.length;
      }
    }
    return kept;
  }

  /** Gives the length of what begins here: a section's first characters, or all the rest, which is held. */
  #begin(text: string, start: number): number {
    if (start === text.length) return 0;
    this.#open = SECTIONS.find(({ begins }) => text.startsWith(begins, start));
    if (this.#open !== undefined) return this.#open.begins.length;
    const rest = text.slice(start);
    if (!SECTIONS.some(({ begins }) => begins.startsWith(rest))) {
      throw new UnreadableError('A document type or another declaration, which XMPP does not allow');
    }
    this.#held = rest;
    return rest.length;
  }
}
