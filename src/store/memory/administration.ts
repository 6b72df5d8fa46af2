import type { Cancelled, RequestOf, Retried } from '../contract.ts';
import { SCRIPT_TIMES } from '../retry-policy.ts';
import { mustWait } from './attempts.ts';
import { acknowledgesOf, allOut, forgetTrouble, isHidden, outOf, ruleOf, writeOut } from './evidence.ts';
import { HOW, IS_ASKED_ABOUT, WITH_SESSION } from './out.ts';
import { eraseQuarantined } from './quarantine.ts';
import { type Entry, KEY, type MemoryState, type MemoryTimes, shown } from './state.ts';
import { dropSubscription } from './subscriptions.ts';

const isOf = ({ record }: Entry, owner: string | undefined) => owner === undefined || record.sender === owner;

/** What people do to messages by commands (XEP-0050). See scripts/include/administration.lua. */
export function cancel(
  state: MemoryState,
  { key, owner, now: settledAt, by }: RequestOf<'cancel'>,
  { now, keep, dedupWindow }: MemoryTimes,
): Cancelled {
  const entry = state.entries.get(key);
  const kept = state.undelivered.get(key);
  const known = entry ?? kept;
  if (known === undefined || !isOf(known, owner)) return { outcome: 'unknown' };
  if (entry?.record.state === 'pending') {
    forgetTrouble(state, key, entry.record);
    state.due.delete(key);
    state.note(key, now, 'cancelled', keep);
    const why = { condition: 'undefined-condition', conditionText: `Cancelled by ${by}` };
    return { outcome: 'cancelled', record: shown(state.end(entry, 'rejected', settledAt, dedupWindow, why)) };
  }
  if (kept === undefined) return { outcome: 'unknown' };
  // A sender who has not been told of the end yet is told at his next login, by what is kept of his.
  if (entry !== undefined && state.due.has(state.dueName(entry.record)))
    state.out.get(known.record.recipient)?.delete(key);
  else forgetTrouble(state, key, known.record);
  state.undelivered.delete(key);
  return { outcome: 'dropped' };
}

/**
 * Makes a pending message due at once. What is due within a lease is being sent, and would be sent twice. A sender who does
 * not get the recipient's presence is told the same in each case: anything else would show whether he is there.
 */
export function retryNow(
  state: MemoryState,
  { key, owner }: RequestOf<'retryNow'>,
  { now, leaseUntil, keep }: MemoryTimes,
): Retried {
  const entry = state.entries.get(key);
  const kept = state.undelivered.get(key);
  const known = entry ?? kept;
  if (known === undefined || !isOf(known, owner)) return 'unknown';
  if (entry?.record.state !== 'pending') return kept === undefined ? 'unknown' : 'undelivered';
  const { sender, recipient } = entry.record;
  if (owner !== undefined && !state.presence.isSubscribed(recipient, sender)) return 'ordinary';
  let { presence, sessions } = state.presence.of(recipient);
  // Nor is one told otherwise to whom he shows himself as away.
  if (owner !== undefined && presence === 'online' && isHidden(state, recipient, sender)) {
    [presence, sessions] = ['offline', new Map()];
  }
  const rule = ruleOf(presence, acknowledgesOf(state, sender, recipient, sessions), entry.copy);
  const waits = mustWait(rule, presence === 'offline');
  if (waits && presence === 'offline') return 'waiting';
  const out = outOf(state, key, recipient);
  const due = state.due.get(key);
  // Of one with a session that is due soon, no more is due than a question.
  const isAsked = out !== undefined && IS_ASKED_ABOUT.has(out.how);
  if (due !== undefined && due <= leaseUntil && !isAsked) return 'in flight';
  if (owner !== undefined && isTooSoon(state, key, now)) return 'too soon';
  if (waits) return 'waiting';
  // His sessions are not asked first.
  if (out !== undefined && WITH_SESSION.has(out.how)) writeOut(state, key, recipient, { ...out, how: HOW.missed });
  state.due.set(key, now);
  state.note(key, now, 'wanted-now', keep);
  return 'due';
}

function isTooSoon(state: MemoryState, key: string, now: number): boolean {
  const wanted = (state.lives.get(key) ?? []).filter(({ what }) => what === 'wanted-now');
  const last = wanted.at(-1)?.at;
  return last !== undefined && now < last + SCRIPT_TIMES.WANTED_AGAIN * 2 ** (wanted.length - 1);
}

export function erase(state: MemoryState, { jid, keys, onlyCount }: RequestOf<'erase'>): number {
  let count = 0;
  for (const key of keys) {
    const entry = state.entries.get(key) ?? state.undelivered.get(key);
    if (entry !== undefined && (entry.record.sender === jid || entry.record.recipient === jid)) {
      count += 1;
      if (!onlyCount) eraseOne(state, entry);
    }
    if (!onlyCount) eraseQuarantined(state, key, jid);
  }
  return count;
}

/** Takes away a record and all that leads to it. */
function eraseOne(state: MemoryState, { record, alias }: Entry): void {
  const { key, target } = record;
  state.entries.delete(key);
  state.undelivered.delete(key);
  state.lives.delete(key);
  for (const name of state.dueNames(key)) state.due.delete(name);
  state.unlink(state.index, key.slice(0, KEY), key);
  if (alias !== '') state.unlink(state.index, alias, key);
  if (target !== undefined) state.unlink(state.corrections, target, key);
  forgetTrouble(state, key, record);
}

/** Erases what is kept of a user beside his messages, and his subscriptions to `contacts`. Gives how many things those were. */
export function forgetUser(state: MemoryState, { jid, contacts }: RequestOf<'forgetUser'>, times: MemoryTimes): number {
  const { presence } = state;
  let hadCopies = false;
  for (const [key] of allOut(state, jid)) {
    // What is pending has come after all others were erased.
    if (state.entries.get(key)?.record.state === 'pending') continue;
    if (state.lives.get(key)?.length === 1) state.lives.delete(key);
    state.out.get(jid)?.delete(key);
    hadCopies = true;
  }
  const kept = [
    presence.forgetSessions(jid),
    state.confirms.delete(jid),
    hadCopies,
    presence.subscriptions.get(jid)?.size ? presence.subscriptions.delete(jid) : false,
  ];
  let count = kept.filter(Boolean).length;
  for (const key of state.inTrouble.get(jid) ?? []) {
    const record = state.entries.get(key)?.record;
    // What has copies out is still counted as his.
    if (record?.state !== 'pending' || record.copies === 0) state.inTrouble.get(jid)?.delete(key);
  }
  for (const one of contacts) {
    if (presence.subscriptions.get(one)?.has(jid)) count += 1;
    dropSubscription(state, one, jid, times);
  }
  return count;
}
