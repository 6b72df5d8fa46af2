import { NOT_PAYLOAD } from '../../protocol/copies.ts';
import * as NS from '../../protocol/namespaces.ts';
import { isUuid } from './build.ts';
import type { DueReceipt, SeenEntry } from './entries.ts';
import { bare } from './jid.ts';
import { readDelay } from './read.ts';
import type { Element } from './types.ts';

/** ms: two messages under one counted id are copies if they were sent no further apart than this. */
const COPY_WINDOW = 300_000;

/**
 * The key that all copies of a message have: its sender's bare JID, its `origin-id` (XEP-0359), else its `id`, and a hash
 * of its payload, since some clients use an id again for another text. Some clients count their ids from the beginning after
 * each start, and may write the same text again: unless the id is unique (an `origin-id` or a UUID), the key has the sender's
 * full JID, and roughly when the message was sent, which a later copy says too (XEP-0203). Undefined without an id.
 *
 * @param known whether a message was taken under that key
 */
export function deduplicationKey(message: Element, known: (key: string) => boolean): string | undefined {
  const { from, id } = message.attrs;
  const origin = message.getChild('origin-id', NS.sid)?.attrs.id;
  const name = origin || id;
  if (!from || !name) return undefined;
  let payload = '';
  for (const child of message.getChildElements()) if (!NOT_PAYLOAD.has(child.getNS())) payload += canonical(child);
  const said = ` ${name} ${hash(payload)}`;
  if (origin || isUuid(name)) return bare(from) + said;
  const slot = Math.round(+(readDelay(message) ?? Date.now()) / COPY_WINDOW);
  const keyAt = (at: number) => `${from + said} ${at}`;
  return [slot - 1, slot + 1].map(keyAt).find(known) ?? keyAt(slot);
}

/** An element in a canonical form: a server may change the order of attributes. */
function canonical(element: Element): string {
  const written = Object.entries(element.attrs)
    .filter(([name]) => !name.startsWith('xmlns'))
    .sort();
  const inner = element.children.map((child) => (typeof child === 'object' ? canonical(child) : child));
  // XML cannot have NUL, so that no two elements have one form.
  return `\0${element.getName()}\0${element.getNS()}\0${written.join('\0')}\0${inner.join('')}\0`;
}

/**
 * FNV-1a in 32 bits, and the length. It tells apart what one sender wrote under one id. It need not withstand an attack: a
 * sender who makes a collision loses a message of his own.
 */
function hash(text: string): string {
  let hashed = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hashed = Math.imul(hashed ^ text.charCodeAt(i), 0x01000193);
  return `${text.length}.${hashed}`;
}

/** The deduplication window: the newest messages that the application has taken, by their keys. */
export class SeenMessages extends Map<string, SeenEntry> {
  readonly #remember: number;

  constructor(remember: number) {
    super();
    this.#remember = remember;
  }

  restore(entries: readonly (readonly [key: string, entry: SeenEntry])[]): void {
    for (const [key, entry] of [...entries].sort(([, a], [, b]) => a.at - b.at)) this.set(key, entry);
  }

  /** The receipts that could not be written yet. */
  owed(): [key: string, owed: DueReceipt][] {
    return [...this].flatMap(([key, { owed }]) => (owed ? [[key, owed]] : []));
  }

  /** Forgets the oldest beyond those to be remembered. @returns their keys */
  evict(): string[] {
    return evictOldest(this, this.#remember);
  }
}

/** Removes the first entries of a map until `left` are left. @returns their keys */
export function evictOldest(map: Map<string, unknown>, left: number): string[] {
  const keys = map.size > left ? [...map.keys()].slice(0, map.size - left) : [];
  for (const key of keys) map.delete(key);
  return keys;
}
