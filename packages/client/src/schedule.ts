import type { Item } from './entries.ts';
import { bare } from './jid.ts';

/** ms since 1970 */
export const NEVER = Infinity;

/**
 * The message to write now, if there is one.
 *
 * @param items those that nobody has stored yet, in the order of sending
 * @param maxInFlight how many of them may be on their way
 */
export function nextToWrite(items: Iterable<Item>, maxInFlight: number, now: number): Item | undefined {
  const held = new Set<string>();
  let inFlight = 0;
  for (const item of items) {
    const conversation = bare(item.to);
    if (item.kept && item.due <= now && !held.has(conversation)) return item;
    // Order within a conversation: nothing overtakes what is not ready.
    if (!item.kept || item.bounced) held.add(conversation);
    if (item.inFlight) inFlight += 1;
    if (inFlight >= maxInFlight) return undefined;
  }
  return undefined;
}

/** When the first of those that are not due yet will be, ms since 1970; {@link NEVER} if there is none. */
export function nextDue(items: Iterable<Item>, now: number): number {
  let at = NEVER;
  for (const { due } of items) if (due > now) at = Math.min(at, due);
  return at;
}
