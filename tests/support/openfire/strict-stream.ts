import { StringDecoder } from 'node:string_decoder';
import type { Element } from '@xmpp/xml';
import { parseStanza } from '../stanzas/xml.ts';

/** What came on a component's stream, in its order. */
export type Incoming =
  | { readonly kind: 'header'; readonly attrs: Record<string, string> }
  | { readonly kind: 'stanza'; readonly stanza: Element }
  | { readonly kind: 'end' }
  /** What Openfire closes the link for; nothing comes after it. */
  | { readonly kind: 'killer'; readonly why: string };

const LIMIT = 1024 * 1024;
const TOP_LEVEL = ['message', 'presence', 'iq', 'handshake'];
// XML 1.0, 2.2; and U+FFFF's neighbour is as bad.
const ILLEGAL = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;

/** Cuts a component's stream into stanzas, as strictly as Openfire, which ltx is not. */
export class StrictStream {
  readonly #decoder = new StringDecoder('utf8');
  #text = '';
  /** Where the search for the next tag goes on. */
  #position = 0;
  /** The elements that are open below the stream's root. */
  readonly #open: string[] = [];
  #hasHeader = false;
  #state: 'reading' | 'swallowing' | 'over' = 'reading';

  *feed(data: Buffer): Generator<Incoming> {
    if (this.#state !== 'reading') return;
    this.#text += this.#decoder.write(data);
    for (;;) {
      const tag = this.#nextTag();
      if (tag === undefined) break;
      const incoming = this.#take(tag);
      if (incoming !== undefined) yield incoming;
      if (incoming?.kind === 'killer' || incoming?.kind === 'end') this.#state = 'over';
      if (this.#state !== 'reading') return;
    }
    if (this.#text.length > LIMIT) {
      this.#state = 'over';
      yield { kind: 'killer', why: 'too big' };
    }
  }

  #nextTag(): string | undefined {
    const start = this.#text.indexOf('<', this.#position);
    if (start < 0) return undefined;
    // A ">" may stand in an attribute's value.
    const tag = /<(?:[^<>"']|"[^"]*"|'[^']*')*>/y;
    tag.lastIndex = start;
    const found = tag.exec(this.#text)?.[0];
    if (found !== undefined) this.#position = start + found.length;
    return found;
  }

  #take(tag: string): Incoming | undefined {
    const name = /^<\/?([^\s/>]+)/.exec(tag)?.[1] ?? '';
    if (tag.startsWith('<?')) return this.#drop();
    if (!this.#hasHeader) {
      this.#hasHeader = true;
      this.#drop();
      const root = parseStanza(tag.replace(/>$/, '/>'));
      return { kind: 'header', attrs: root.attrs };
    }
    if (tag.startsWith('</')) {
      if (this.#open.length === 0) return { kind: 'end' };
      if (this.#open.at(-1) !== name) {
        // It does not kill the link: Openfire waits for the right tag, for ever.
        this.#state = 'swallowing';
        return undefined;
      }
      this.#open.pop();
    } else if (!tag.endsWith('/>')) this.#open.push(name);
    return this.#open.length === 0 ? this.#stanza() : undefined;
  }

  #stanza(): Incoming {
    const text = this.#text.slice(0, this.#position);
    this.#drop();
    const why = text.length > LIMIT ? 'too big' : faultIn(text);
    if (why !== undefined) return { kind: 'killer', why };
    const stanza = parseStanza(text.trimStart());
    const fault = TOP_LEVEL.includes(stanza.name) ? undeclaredPrefix(stanza) : `unknown element ${stanza.name}`;
    return fault === undefined ? { kind: 'stanza', stanza } : { kind: 'killer', why: fault };
  }

  #drop(): undefined {
    this.#text = this.#text.slice(this.#position);
    this.#position = 0;
  }
}

function faultIn(text: string): string | undefined {
  if (ILLEGAL.test(text)) return 'illegal character';
  for (const [, reference] of text.matchAll(/&([^;\s<&]*;)?/g)) {
    if (reference === undefined) return 'unescaped &';
    const number = /^#(?:(\d+)|x([0-9a-fA-F]+));$/.exec(reference);
    if (number === null) {
      if (!/^(amp|lt|gt|quot|apos);$/.test(reference)) return `unknown entity &${reference}`;
    } else if (isIllegal(number[1] === undefined ? Number.parseInt(number[2] ?? '', 16) : Number(number[1]))) {
      return `illegal character &${reference}`;
    }
  }
  return undefined;
}

function isIllegal(code: number): boolean {
  return code > 0x10ffff || ILLEGAL.test(String.fromCodePoint(code));
}

function undeclaredPrefix(element: Element, above: readonly string[] = ['xml', 'xmlns', 'stream']): string | undefined {
  const names = Object.keys(element.attrs);
  const declared = [...above, ...names.filter((name) => name.startsWith('xmlns:')).map((name) => name.slice(6))];
  const prefixes = [element.name, ...names]
    .filter((name) => name.includes(':'))
    .map((name) => name.split(':')[0] ?? '');
  const unknown = prefixes.find((prefix) => !declared.includes(prefix));
  if (unknown !== undefined) return `undeclared prefix ${unknown}`;
  for (const child of element.children) {
    const found = typeof child === 'string' ? undefined : undeclaredPrefix(child, declared);
    if (found !== undefined) return found;
  }
  return undefined;
}
