import type { Only } from '../contract.ts';
import { SCRIPT_TIMES } from '../retry-policy.ts';
import { GENERATIONS } from './delivered.ts';
import { KEY, type MemoryState, type MemoryTimes } from './state.ts';

/** The digest of what it is not known of. */
const NO_DIGEST = '-';

/**
 * Replaces the records of what was delivered, and whose senders have known for long enough, by their digests.
 *
 * @param earlier so much longer (ms) one of them has known
 */
export function replaceDelivered(state: MemoryState, times: MemoryTimes, earlier = 0): void {
  const { delivered } = state;
  const keptWhole = Math.min(SCRIPT_TIMES.DELIVERED_KEPT_WHOLE, times.dedupWindow / GENERATIONS);
  for (const key of delivered.takeTold(times.now - keptWhole, earlier)) {
    const entry = state.entries.get(key);
    if (entry?.record.state !== 'delivered' || state.due.has(key)) continue;
    delivered.note(key, entry.digest, times);
    if (entry.alias !== '') {
      delivered.note(entry.alias, NO_DIGEST, times);
      state.unlink(state.index, entry.alias, key);
    }
    if (key.length > KEY) {
      const first = key.slice(0, KEY);
      state.unlink(state.index, first, key);
      // A duplicate is looked for under the first of its id.
      const digest = delivered.digestOf(first, times);
      if (digest !== undefined) delivered.note(first, digest, times);
    }
    state.entries.delete(key);
  }
}

/** Whether anything goes by this key, or was delivered under it. */
export function isKnown(state: MemoryState, key: string, times: MemoryTimes, only?: Only): boolean {
  return state.candidates(key, false, only).length > 0 || isDelivered(state, key, times);
}

/** Whether a message of this key was delivered of which no record is kept. */
export function isDelivered({ delivered }: MemoryState, key: string, times: MemoryTimes): boolean {
  return delivered.digestOf(key, times) !== undefined;
}
