import {
  byStoring,
  isOfAtHand,
  type ProofTaken,
  type ProvedPortion,
  type RequestOf,
  type Settled,
  type StoredRecord,
  tokenOfHeld,
} from '../contract.ts';
import { SCRIPT_TIMES } from '../retry-policy.ts';
import { advanceAll, allOut, answersOf, callIn, mayHaveHad, outlived, stillPending } from './evidence.ts';
import { HOW, type How, type Out, WITH_SESSION } from './out.ts';
import { isKnown } from './replaced.ts';
import { type Entry, type MemoryState, type MemoryTimes, shown } from './state.ts';

type Receipt = Pick<RequestOf<'settle'>, 'key' | 'resource' | 'now' | 'only'>;

/** Takes a receipt: ends the oldest pending record of this key, else one that had ended otherwise. */
export function settle(state: MemoryState, request: RequestOf<'settle'>, times: MemoryTimes): Settled {
  const settled = take(state, request, times);
  if (request.remember !== undefined && settled.outcome !== 'unknown') remember(state, request.remember, times);
  return settled;
}

function take(state: MemoryState, receipt: Receipt, times: MemoryTimes, isTold = false): Settled {
  const { key, resource, now, only } = receipt;
  const pending = state.oldestPending(key, only);
  const all = state.candidates(key, false, only);
  const entry = pending ?? all.find(({ record }) => record.state !== 'delivered');
  if (entry === undefined) return { outcome: isKnown(state, key, times, only) ? 'repeated' : 'unknown' };
  const { record } = entry;
  if (pending === undefined) state.undelivered.delete(record.key);
  const ended = state.end(entry, 'delivered', now, times.dedupWindow, { receiptResource: resource });
  callIn(state, entry);
  if (isTold || !record.owesReceipt) {
    state.due.delete(record.key);
    state.delivered.noteTold(record.key, times);
  } else if (pending === undefined || !isFirstLeaseFresh(record, times)) state.due.set(record.key, times.leaseUntil);
  if (pending === undefined) state.due.delete(state.dueName(record));
  return { outcome: pending === undefined ? 'late' : 'delivered', record: shown(ended) };
}

/** It has arrived, and its sender is told nothing by us. */
export function prove(state: MemoryState, request: RequestOf<'prove'>, times: MemoryTimes): ProofTaken {
  const { key, resource, now, told } = request;
  const only = isOfAtHand(request) ? '' : request.only;
  if (told) return take(state, { key, resource, now, only }, times, true);
  const entry = state.oldestPending(key, only);
  if (entry === undefined) return { outcome: isKnown(state, key, times, only) ? 'repeated' : 'unknown' };
  const ended = state.end(entry, 'unconfirmed', now, times.dedupWindow, { receiptResource: resource });
  callIn(state, entry);
  state.due.delete(entry.record.key);
  return { outcome: 'proved', record: shown(ended) };
}

/** See {@link KeyOfHeld}. */
export function keyOfHeld(state: MemoryState, { key, heldAs }: RequestOf<'keyOfHeld'>): string | undefined {
  const token = tokenOfHeld(heldAs);
  const all = state.candidates(key, true);
  const found = all.find(({ tokens }) => tokens[0] === token) ?? all.find(({ tokens }) => tokens.includes(token));
  return found?.record.key;
}

/** See {@link NamedBy}. */
export function namedBy(state: MemoryState, { key }: RequestOf<'namedBy'>): StoredRecord[] {
  return state.candidates(key, true).map((entry) => shown(entry));
}

/** A first lease with most of it to come serves for the notice to the sender as well. */
function isFirstLeaseFresh({ attempt, copies, storedAt }: StoredRecord, { now, leaseUntil }: MemoryTimes): boolean {
  return attempt === 1 && copies === 0 && storedAt > Math.round(now - (leaseUntil - now) * SCRIPT_TIMES.FRESH_LEASE);
}

/** This recipient returns receipts. If that is news, what was sent while nothing was known of him goes on the timetable. */
function remember(
  state: MemoryState,
  { sender, recipient }: NonNullable<RequestOf<'settle'>['remember']>,
  times: MemoryTimes,
): void {
  const before = state.confirms.get(recipient);
  const isToAnybody = before === 'anybody' || !state.presence.areContacts(sender, recipient);
  state.confirms.set(recipient, isToAnybody ? 'anybody' : 'contacts', times.receiptSupportKept);
  if (before === 'anybody' || (before === 'contacts' && !isToAnybody)) return;
  advanceAll(state, recipient, new Set<How>([HOW.unseen]), times.now + times.firstStep, times);
}

export function settleByMention(
  state: MemoryState,
  { key, ownKey, resource, now, only }: RequestOf<'settleByMention'>,
  times: MemoryTimes,
): Settled {
  if (isKnown(state, ownKey, times)) return { outcome: 'repeated' };
  return take(state, { key, resource, now, only }, times);
}

/** One whose place another has taken counts as delivered with it; its sender is told by the next sweep. */
export function endOutdated(state: MemoryState, entry: Entry, times: MemoryTimes): void {
  const { now, dedupWindow } = times;
  const { record } = state.end(entry, 'delivered', now, dedupWindow);
  callIn(state, entry);
  if (record.owesReceipt) state.due.set(record.key, now);
  else {
    state.due.delete(record.key);
    state.delivered.noteTold(record.key, times);
  }
}

export function supersede(state: MemoryState, { key }: RequestOf<'supersede'>, times: MemoryTimes): undefined {
  const target = state.entries.get(key)?.record.target;
  const keys = target === undefined ? [] : (state.corrections.get(target) ?? []);
  for (const other of keys.slice(0, Math.max(0, keys.indexOf(key)))) {
    const older = state.entries.get(other);
    if (older?.record.state === 'pending') endOutdated(state, older, times);
  }
}

const orderOf = ({ record, tokens }: Entry) => ({ storedAt: record.storedAt, token: tokens[0] ?? '' });

/**
 * Evidence that everything up to a message of a conversation has arrived (XEP-0333 section 5.3): settles that one, and what
 * is out to its recipient from its sender and was stored before it.
 */
export function settleUpTo(state: MemoryState, request: RequestOf<'settleUpTo'>, times: MemoryTimes): ProvedPortion {
  const { key, sender, recipient, resource, now, namesEarlier, only } = request;
  const pending = state.oldestPending(key, only);
  const known = pending ?? state.candidates(key, false, only).at(-1);
  if (known === undefined) return { next: '0', settled: [], earlier: [] };
  const limit = orderOf(known);
  const earlier = allOut(state, recipient).flatMap(([other, out]) => {
    if (other === pending?.record.key || out.storedAt > limit.storedAt) return [];
    if (!mayHaveArrived(state, recipient, resource, out)) return [];
    const entry = stillPending(state, other, recipient);
    return entry?.record.sender === sender && byStoring(orderOf(entry), limit) < 0 ? [entry] : [];
  });
  earlier.sort((one, other) => byStoring(orderOf(one), orderOf(other)));
  if (namesEarlier && earlier.length > 0) {
    const named = pending === undefined ? {} : { named: shown(pending) };
    return { next: '0', settled: [], earlier: earlier.map((entry) => shown(entry)), ...named };
  }
  if (pending !== undefined) earlier.push(pending);
  const settled = earlier.flatMap(({ record }) => {
    const taken = take(state, { key: record.key, resource, now }, times);
    return 'record' in taken ? [{ record: taken.record, late: taken.outcome === 'late' }] : [];
  });
  return { next: '0', settled, earlier: [] };
}

/**
 * What came back, went nowhere or may have been lost with a session has not arrived, whatever was read after it; nor what can
 * only have gone to another session than the one where it was read.
 */
function mayHaveArrived(state: MemoryState, recipient: string, resource: string, { how, handedAt }: Out): boolean {
  if (how === HOW.bounced || how === HOW.nowhere) return false;
  const { presence, sessions } = state.presence.of(recipient);
  if (!WITH_SESSION.has(how) || presence !== 'online') return true;
  const session = sessions.get(resource);
  if (!outlived(sessions, handedAt, answersOf(state, recipient, sessions))) return false;
  return session === undefined || mayHaveHad(session, handedAt);
}
