import type { Bounced, Cancelled, RequestOf, Retried, Settled, StoredRecord } from '../contract.ts';
import { type RetryPolicy, SCRIPT_TIMES } from '../retry-policy.ts';
import { shown } from './acceptance.ts';
import type { Entry, MemoryState, MemoryTimes } from './state.ts';

/** Takes a receipt: ends the oldest pending record of this key, else one that had ended otherwise. */
export function settle(
  state: MemoryState,
  { key, resource, now, remember }: Pick<RequestOf<'settle'>, 'key' | 'resource' | 'now' | 'remember'>,
  times: MemoryTimes,
  retry: RetryPolicy,
): Settled {
  const pending = state.oldestPending(key);
  const all = state.candidates(key);
  const entry = pending ?? all.find(({ record }) => record.state !== 'delivered');
  if (entry === undefined) {
    if (all.length > 0 && remember !== undefined) confirmed(state, remember.recipient, times, retry);
    return { outcome: all.length === 0 ? 'unknown' : 'repeated' };
  }
  const { attempt, copies, storedAt } = entry.record;
  const firstLease = state.due.get(state.dueName(entry.record));
  state.due.delete(state.dueName(entry.record));
  state.undelivered.delete(entry.record.key);
  const ended = state.end(entry, 'delivered', now, { receiptResource: resource });
  // A first lease with most of it to come serves for the notice to the sender as well.
  const isFresh =
    attempt === 1 && copies === 0 && storedAt > times.now - (times.leaseUntil - times.now) * SCRIPT_TIMES.FRESH_LEASE;
  const due = pending !== undefined && isFresh && firstLease !== undefined ? firstLease : times.leaseUntil;
  if (ended.record.owesReceipt) state.due.set(ended.record.key, due);
  if (remember !== undefined) confirmed(state, remember.recipient, times, retry);
  return { outcome: pending === undefined ? 'late' : 'delivered', record: shown(ended) };
}

/** He returns receipts. What went to him while nothing was known of him goes on the normal timetable. */
function confirmed(state: MemoryState, recipient: string, { now }: MemoryTimes, retry: RetryPolicy): void {
  if (state.confirms.has(recipient)) return;
  state.confirms.add(recipient);
  const due = now + (retry.settings.schedule[0] as number);
  for (const { record, copy } of state.handedOver()) {
    const current = state.due.get(record.key);
    if (record.recipient !== recipient || copy === 'bounced' || current === undefined) continue;
    state.due.set(record.key, Math.min(current, due, retry.expiry(record.storedAt)));
  }
}

/** One whose place another has taken counts as delivered with it. */
export function endOutdated(state: MemoryState, entry: Entry, now: number): void {
  const { record } = state.end(entry, 'delivered', now);
  if (record.owesReceipt) state.due.set(record.key, now);
  else state.due.delete(record.key);
}

export function supersede(state: MemoryState, { key }: RequestOf<'supersede'>, { now }: MemoryTimes): void {
  const target = state.entries.get(key)?.record.target;
  const keys = target === undefined ? [] : (state.corrections.get(target) ?? []);
  for (const other of keys.slice(0, Math.max(0, keys.indexOf(key)))) {
    const older = state.entries.get(other);
    if (older?.record.state === 'pending') endOutdated(state, older, now);
  }
}

/** Ends a record undelivered, its payload kept aside. */
function undeliver(
  state: MemoryState,
  entry: Entry,
  how: 'expired' | 'rejected',
  now: number,
  leaseUntil: number,
  why: Partial<StoredRecord> = {},
): StoredRecord {
  state.undelivered.set(entry.record.key, entry);
  state.due.delete(entry.record.key);
  const { record } = state.end(entry, how, now, why);
  state.due.set(state.dueName(record), leaseUntil);
  return { ...record, inner: entry.record.inner };
}

export function reject(
  state: MemoryState,
  { key, now, condition, errorType, text }: RequestOf<'reject'>,
  { leaseUntil }: MemoryTimes,
): Bounced {
  const entry = state.oldestPending(key);
  if (entry === undefined) return { outcome: state.candidates(key).length === 0 ? 'unknown' : 'ended' };
  const why = { condition, conditionType: errorType, conditionText: text };
  return { outcome: 'done', record: undeliver(state, entry, 'rejected', now, leaseUntil, why) };
}

/** @param ends what its ending is, by the rules */
export function expire(
  state: MemoryState,
  { key, now: settledAt }: RequestOf<'expire'>,
  { now, leaseUntil }: MemoryTimes,
  retry: RetryPolicy,
  ends: (entry: Entry) => 'expired' | 'unconfirmed',
): StoredRecord | undefined {
  const entry = state.entries.get(key);
  if (entry?.record.state !== 'pending' || now < retry.expiry(entry.record.storedAt)) return undefined;
  if (ends(entry) === 'expired') return undeliver(state, entry, 'expired', settledAt, leaseUntil);
  state.due.delete(key);
  const ended = state.end(entry, 'unconfirmed', settledAt);
  if (ended.record.owesReceipt) state.due.set(state.dueName(ended.record), leaseUntil);
  return shown(ended);
}

export function requeue(
  state: MemoryState,
  { key }: RequestOf<'requeue'>,
  { now, leaseUntil }: MemoryTimes,
): StoredRecord | undefined {
  const kept = state.undelivered.get(key);
  const known = state.entries.get(key);
  if (kept === undefined) return undefined;
  if (known !== undefined && known.record.state !== 'expired' && known.record.state !== 'rejected') return undefined;
  if (known !== undefined) state.due.delete(state.dueName(known.record));
  state.undelivered.delete(key);
  const attempt = (known ?? kept).record.attempt + 1;
  const { record } = state.change(kept, { state: 'pending', attempt, copies: 0, storedAt: now }, 'none');
  state.due.set(key, leaseUntil);
  if (kept.alias !== '') state.lead(kept.alias, key);
  return record;
}

const isOf = ({ record }: Entry, owner: string | undefined) => owner === undefined || record.sender === owner;

export function cancel(state: MemoryState, { key, owner, now, by }: RequestOf<'cancel'>): Cancelled {
  const entry = state.entries.get(key);
  const kept = state.undelivered.get(key);
  const known = entry ?? kept;
  if (known === undefined || !isOf(known, owner)) return { outcome: 'unknown' };
  if (entry?.record.state === 'pending') {
    state.due.delete(key);
    const why = { condition: 'undefined-condition', conditionText: `Cancelled by ${by}` };
    return { outcome: 'cancelled', record: shown(state.end(entry, 'rejected', now, why)) };
  }
  return { outcome: state.undelivered.delete(key) ? 'dropped' : 'unknown' };
}

/** For one who may touch all: what a sender may is a matter of presence, of which nothing is known here. */
export function retryNow(state: MemoryState, { key, owner }: RequestOf<'retryNow'>, times: MemoryTimes): Retried {
  const entry = state.entries.get(key);
  const known = entry ?? state.undelivered.get(key);
  if (known === undefined || !isOf(known, owner)) return 'unknown';
  if (entry?.record.state !== 'pending') return state.undelivered.has(key) ? 'undelivered' : 'unknown';
  if (owner !== undefined) return 'ordinary';
  const due = state.due.get(key);
  if (due !== undefined && due <= times.leaseUntil) return 'in flight';
  state.due.set(key, times.now);
  return 'due';
}

export function erase(state: MemoryState, { jid, keys, onlyCount }: RequestOf<'erase'>): number {
  let count = 0;
  for (const key of keys) {
    const entry = state.entries.get(key) ?? state.undelivered.get(key);
    if (entry === undefined || (entry.record.sender !== jid && entry.record.recipient !== jid)) continue;
    count += 1;
    if (!onlyCount) state.erase(entry);
  }
  return count;
}
