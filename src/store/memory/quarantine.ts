import { wireIdOf } from '../../xmpp/stanza/message-key.ts';
import type { RequestOf } from '../contract.ts';
import { changedEntry, type Entry, type MemoryState, type MemoryTimes } from './state.ts';

/** How many keys a sweep names that no log has named. */
const MOST_NAMED = 100;
const WHY = 'What was stored of this message is damaged; whether it was delivered is not known';

/**
 * Puts aside a pending record whose payload turned out to be damaged: an ending takes its place, of which its sender is told.
 * Nothing else is ever damaged here.
 */
export function quarantine(state: MemoryState, { key }: RequestOf<'quarantine'>, times: MemoryTimes): undefined {
  const entry = state.entries.get(key);
  if (entry?.record.state !== 'pending') return;
  state.quarantined.set(key, entry, times.undeliveredRetention);
  state.damaged.set(key, times.now);
  state.unreported.add(key);
  for (const name of state.dueNames(key)) state.due.delete(name);
  state.out.get(entry.record.recipient)?.delete(key);
  const left = leftOf(entry, times.now);
  state.entries.set(key, left, times.dedupWindow);
  state.due.set(state.dueName(left.record), times.now);
}

/** What is left of it: whose it was, and its body for the error to its sender. */
function leftOf(entry: Entry, now: number): Entry {
  const { record, id } = entry;
  const changed = changedEntry(
    entry,
    {
      state: 'rejected',
      target: undefined,
      heldAs: undefined,
      attempt: 1,
      copies: 0,
      recipientResource: '',
      wireId: wireIdOf(record.key, id, undefined),
      otherAttributes: '',
      firstStoredAt: record.storedAt,
      settledAt: now,
      condition: 'internal-server-error',
      conditionText: WHY,
      inner: /<body.*?<\/body>/s.exec(record.inner)?.[0] ?? '',
    },
    'none',
  );
  return { ...changed, originId: undefined, digest: '-', tokens: [], alias: '' };
}

export function reported(state: MemoryState, { keys }: RequestOf<'reported'>): undefined {
  for (const key of keys) state.unreported.delete(key);
}

/** How many are still kept, and some keys of those that no log has named. */
export function reportDamaged(
  state: MemoryState,
  { now, undeliveredRetention }: MemoryTimes,
): { readonly damaged: number; readonly unreported: readonly string[] } {
  for (const [key, at] of state.damaged) if (at <= now - undeliveredRetention) state.damaged.delete(key);
  return { damaged: state.damaged.size, unreported: [...state.unreported].slice(0, MOST_NAMED) };
}

/** Erases what was put aside under this key if it names this user. */
export function eraseQuarantined(state: MemoryState, key: string, jid: string): void {
  const record = state.quarantined.get(key)?.record;
  if (record?.sender !== jid && record?.recipient !== jid) return;
  state.quarantined.delete(key);
  state.damaged.delete(key);
  state.unreported.delete(key);
}
