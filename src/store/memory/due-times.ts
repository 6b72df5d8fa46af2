import type { RequestOf } from '../contract.ts';
import { SCRIPT_TIMES } from '../retry-policy.ts';
import type { Entry, MemoryState, MemoryTimes } from './state.ts';

/** Brings a due time forward, never back, and not while the recipient is known to be away. */
export function bringForward(state: MemoryState, { key, due, recipient }: RequestOf<'bringForward'>): undefined {
  if (state.presence.of(recipient).presence !== 'offline') state.advanceDue(key, due);
}

/** What waits for its turn stays leased; what another has claimed is his. */
export function renewLease(state: MemoryState, { waiting, leaseUntil }: RequestOf<'renewLease'>): undefined {
  for (const { key, attempt } of waiting) {
    const record = state.entries.get(key)?.record;
    if (record?.state !== 'pending' || record.attempt !== attempt) continue;
    state.moveDue(key, Math.max(leaseUntil, state.due.get(key) ?? 0));
  }
}

/** Gives back what was leased until then, if it is not somebody else's by now. */
export function release(
  state: MemoryState,
  { endings, leaseUntil }: RequestOf<'release'>,
  { now }: MemoryTimes,
): undefined {
  for (const ending of endings) {
    const name = state.dueName(ending);
    if (state.due.get(name) === leaseUntil) state.due.set(name, now);
  }
}

/** Takes up to `limit` that are due, for a lease. */
export function sweep(state: MemoryState, limit: number, { now, leaseUntil, messageTtl }: MemoryTimes): Entry[] {
  const taken: Entry[] = [];
  const due = [...state.due].filter(([, at]) => at <= now);
  for (const [name] of due.sort(([one, at], [other, otherAt]) => at - otherAt || (one < other ? -1 : 1))) {
    if (taken.length >= limit) break;
    const entry = state.entries.get(name.split(' ')[0] as string);
    // What is owed about an ending that has since become another is owed no more.
    if (entry === undefined || state.dueName(entry.record) !== name) {
      state.due.delete(name);
      continue;
    }
    const { state: stands, copies, storedAt } = entry.record;
    // A pause keeps back further copies, but neither first ones nor the end of a life.
    const isKeptBack = state.paused !== undefined && stands === 'pending' && copies > 0 && now < storedAt + messageTtl;
    state.due.set(name, isKeptBack ? now + SCRIPT_TIMES.WHILE_PAUSED : leaseUntil);
    if (!isKeptBack) taken.push(entry);
  }
  return taken;
}
