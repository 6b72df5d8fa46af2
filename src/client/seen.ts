import type { Owed, SeenEntry } from './entries.ts';
import { bare } from './jid.ts';
import * as NS from './namespaces.ts';
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

/**
 * FNV-1a in 32 bits, and the length. It tells apart what one sender wrote under one id, and need not withstand him: a
 * message that he makes to look like another is lost to nobody else.
 */
function hash(text: string): string {
  let hashed = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hashed = Math.imul(hashed ^ text.charCodeAt(i), 0x01000193);
  return `${text.length}.${hashed}`;
}

/** The messages that were taken, by the key of their copies; as many of the newest as are to be remembered. */
export class Seen extends Map<string, SeenEntry> {
  readonly #remember: number;

  constructor(remember: number) {
    super();
    this.#remember = remember;
  }

  restore(entries: readonly (readonly [key: string, entry: SeenEntry])[]): void {
    for (const [key, entry] of [...entries].sort(([, a], [, b]) => a.at - b.at)) this.set(key, entry);
  }

  /** The receipts that could not be written yet. */
  owed(): [key: string, owed: Owed][] {
    return [...this].flatMap(([key, { owed }]) => (owed === undefined ? [] : [[key, owed]]));
  }

  /** The oldest beyond what is to be remembered; they are forgotten. */
  superfluous(): string[] {
    return forgetOldest(this, this.#remember);
  }
}

/** Takes the first entries from a map, all but as many as are to be left. @returns their keys */
export function forgetOldest(map: Map<string, unknown>, left: number): string[] {
  const keys = map.size > left ? [...map.keys()].slice(0, map.size - left) : [];
  for (const key of keys) map.delete(key);
  return keys;
}
