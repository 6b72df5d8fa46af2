import type { Bounced, RequestOf, StoredRecord } from '../contract.ts';
import { acknowledgesOf, callIn, noticeDue, outOf, putInTrouble, ruleOf, towardsSender } from './evidence.ts';
import { HOW } from './out.ts';
import { isKnown } from './replaced.ts';
import { changedEntry, type Entry, KEY, type MemoryState, type MemoryTimes } from './state.ts';

/**
 * Ends a record undelivered, its payload kept aside for an operator, and for what its sender is told. Gives it: with its
 * payload, unless the sender is away.
 */
function undeliver(
  state: MemoryState,
  entry: Entry,
  how: 'expired' | 'rejected',
  settledAt: number,
  times: MemoryTimes,
  why: Partial<StoredRecord> = {},
): StoredRecord {
  const { key, sender, recipient, inner } = entry.record;
  const { record } = state.end(entry, how, settledAt, times.dedupWindow, why);
  state.undelivered.set(key, entry, times.undeliveredRetention);
  state.due.delete(key);
  const forSender = towardsSender(state, record);
  state.due.set(state.dueName(record), noticeDue(forSender, times));
  state.out.get(recipient)?.delete(key);
  // Still one of its sender's troubles, for as long as it can be sent after all.
  putInTrouble(state, key, sender, Math.max(times.dedupWindow, times.undeliveredRetention));
  return { ...forSender, inner: forSender.senderAway ? '' : inner };
}

/** A permanent bounce. */
export function reject(
  state: MemoryState,
  { key, now, condition, errorType, text, only }: RequestOf<'reject'>,
  times: MemoryTimes,
): Bounced {
  const entry = state.oldestPending(key, only);
  if (entry === undefined) return { outcome: isKnown(state, key, times, only) ? 'ended' : 'unknown' };
  const why = { condition, conditionType: errorType || undefined, conditionText: text || undefined };
  return { outcome: 'done', record: undeliver(state, entry, 'rejected', now, times, why) };
}

/** The end of a message's life. Where a copy is out and a missing receipt means nothing, nobody knows. */
export function expire(
  state: MemoryState,
  { key, now: settledAt }: RequestOf<'expire'>,
  times: MemoryTimes,
): StoredRecord | undefined {
  const entry = state.entries.get(key);
  if (entry?.record.state !== 'pending' || times.now < entry.record.storedAt + times.messageTtl) return undefined;
  if (!isInDoubt(state, entry)) return undeliver(state, entry, 'expired', settledAt, times);
  const { record } = state.end(entry, 'unconfirmed', settledAt, times.dedupWindow);
  // A late receipt is owed under the key alone.
  state.due.delete(key);
  callIn(state, entry);
  const forSender = towardsSender(state, record);
  if (record.owesReceipt) {
    state.due.set(state.dueName(record), noticeDue(forSender, times));
    if (forSender.senderAway) putInTrouble(state, key, record.sender, times.dedupWindow);
  }
  return forSender;
}

function isInDoubt(state: MemoryState, { record, copy }: Entry): boolean {
  const { key, sender, recipient } = record;
  const out = outOf(state, key, recipient);
  // His client has gone on in the conversation: most likely it knows the message, and drops copies without a word.
  if (out?.passed) return true;
  const { presence, sessions } = state.presence.of(recipient);
  const acknowledges = out?.how === HOW.noReceipts ? 'no' : acknowledgesOf(state, sender, recipient, sessions);
  return ruleOf(presence, acknowledges, copy).ends === 'unconfirmed';
}

/** An operator sends it after all: a new life from now on. */
export function requeue(
  state: MemoryState,
  { key }: RequestOf<'requeue'>,
  { now, leaseUntil, keep }: MemoryTimes,
): StoredRecord | undefined {
  const kept = state.undelivered.get(key);
  const known = state.entries.get(key);
  if (kept === undefined) return undefined;
  if (known !== undefined && known.record.state !== 'expired' && known.record.state !== 'rejected') return undefined;
  if (known !== undefined) state.due.delete(state.dueName(known.record));
  state.undelivered.delete(key);
  const attempt = ((known ?? kept).record.attempt + 1) % 65_536;
  const requeued = changedEntry(kept, { state: 'pending', attempt, copies: 0, storedAt: now }, 'none');
  state.entries.set(key, requeued);
  state.due.set(key, leaseUntil);
  state.note(key, now, 'revived', keep);
  // What leads to it besides its name may be forgotten by now.
  if (key.length > KEY) state.lead(key.slice(0, KEY), key, keep);
  if (kept.alias !== '') state.lead(kept.alias, key, keep);
  return requeued.record;
}
