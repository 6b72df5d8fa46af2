import type { Owed, SeenEntry } from './entries.ts';
import { bare } from './jid.ts';
import { NS } from './namespaces.ts';
import type { Element } from './types.ts';

/** What may differ between copies: a server, a client or the proxy on the way adds it. It makes no other message of it. */
const NOT_PAYLOAD = /^(jabber:x:delay|urn:xmpp:(receipts|hints|sid:0|delay|chat-markers:0|carbons:2)|.*\/chatstates)$/;

/**
 * The key that all copies of a message have: its sender's bare JID, its `origin-id` (XEP-0359), else its `id`, and a hash
 * of what it says, since some clients use an id again for another text. Undefined for a message without an id.
 */
export function copyKey(message: Element): string | undefined {
  const { from, id } = message.attrs;
  const name = message.getChild('origin-id', NS.sid)?.attrs.id || id;
  if (!from || !name) return undefined;
  let payload = '';
  for (const child of message.getChildElements())
    if (!NOT_PAYLOAD.test(child.getNS() ?? '')) payload += canonical(child);
  return `${bare(from)} ${name} ${hash(payload)}`;
}

/** What an element says, whatever order its attributes came in: a server that writes it anew may change that. */
function canonical(element: Element): string {
  const { attrs } = element;
  const written = Object.keys(attrs)
    .filter((name) => !name.startsWith('xmlns'))
    .sort()
    .map((name) => `${name}=${attrs[name]}`);
  const inner = element.children.map((child) => (typeof child === 'object' ? canonical(child) : child));
  // NUL stands in no XML, so that no two elements read alike.
  return `\0${element.getName()}\0${element.getNS()}\0${written.join('\0')}\0${inner.join('')}\0`;
}

/** 53 bits of a text (Bryc's cyrb53). It tells apart what one sender wrote, and need not withstand him. */
function hash(text: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (2097151 & b) + (a >>> 0)).toString(36);
}

/** The messages that were taken, as many of the newest as are to be remembered. */
export class Seen {
  readonly #entries = new Map<string, SeenEntry>();

  constructor(readonly remember: number) {}

  restore(entries: readonly (readonly [key: string, entry: SeenEntry])[]): void {
    for (const [key, entry] of [...entries].sort(([, a], [, b]) => a.at - b.at)) this.#entries.set(key, entry);
  }

  get(key: string): SeenEntry | undefined {
    return this.#entries.get(key);
  }

  set(key: string, entry: SeenEntry): void {
    this.#entries.set(key, entry);
  }

  /** The receipts that could not be written yet. */
  owed(): [key: string, owed: Owed][] {
    return [...this.#entries].flatMap(([key, { owed }]) => (owed === undefined ? [] : [[key, owed]]));
  }

  /** The oldest beyond what is to be remembered; they are forgotten. */
  superfluous(): string[] {
    return forgetOldest(this.#entries, this.remember);
  }
}

/** Takes the first entries from a map, all but as many as are to be left. @returns their keys */
export function forgetOldest(map: Map<string, unknown>, left: number): string[] {
  const keys = map.size > left ? [...map.keys()].slice(0, map.size - left) : [];
  for (const key of keys) map.delete(key);
  return keys;
}
