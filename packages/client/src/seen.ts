import { NOT_PAYLOAD } from '../../protocol/copies.ts';
import * as NS from '../../protocol/namespaces.ts';
import { isUuid } from './build.ts';
import type { Owed, SeenEntry } from './entries.ts';
import { bare } from './jid.ts';
import { readDelay } from './read.ts';
import type { Element } from './types.ts';

/** ms: how near in time what a client that counts its ids sends under one is a copy, at least. */
const NEAR = 300_000;

/**
 * The key that all copies of a message have: its sender's bare JID, its `origin-id` (XEP-0359), else its `id`, and a hash
 * of what it says, since some clients use an id again for another text. Some count them anew after each start, and say the
 * same again: unless nobody counts such an id, the key has the sender's full JID, and about when the message was sent,
 * which a later copy says too (XEP-0203). Undefined for a message without an id.
 *
 * @param known whether a message was taken under that key
 */
export function copyKey(message: Element, known: (key: string) => boolean): string | undefined {
  const { from, id } = message.attrs;
  const origin = message.getChild('origin-id', NS.sid)?.attrs.id;
  const name = origin || id;
  if (!from || !name) return undefined;
  let payload = '';
  for (const child of message.getChildElements()) if (!NOT_PAYLOAD.has(child.getNS())) payload += canonical(child);
  const said = ` ${name} ${hash(payload)}`;
  if (origin || isUuid(name)) return bare(from) + said;
  const slot = Math.round(+(readDelay(message) ?? Date.now()) / NEAR);
  const keyAt = (at: number) => `${from + said} ${at}`;
  return [slot - 1, slot + 1].map(keyAt).find(known) ?? keyAt(slot);
}

/** What an element says, whatever order its attributes came in: a server that writes it anew may change that. */
function canonical(element: Element): string {
  const written = Object.entries(element.attrs)
    .filter(([name]) => !name.startsWith('xmlns'))
    .sort();
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
    return [...this].flatMap(([key, { owed }]) => (owed ? [[key, owed]] : []));
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
