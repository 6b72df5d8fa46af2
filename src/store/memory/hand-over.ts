import type { RequestOf } from '../contract.ts';
import type { Situation } from '../redelivery-rules.ts';
import { SCRIPT_TIMES } from '../retry-policy.ts';
import { acknowledgesOf, outOf, putOut, ruleOf } from './evidence.ts';
import { HOW, type How, IS_ASKED_ABOUT, WITH_SESSION } from './out.ts';
import type { Sessions } from './presence-state.ts';
import type { MemoryState, MemoryTimes } from './state.ts';

const MOST_COPIES = 255;

/** The server has handled a copy: from here on the rules count, and no longer the lease. */
export function handOver(state: MemoryState, request: RequestOf<'handOver'>, times: MemoryTimes): number | undefined {
  const { key, attempt, sender, recipient, resource, byTimetable, unconfirmed, provedAt, took } = request;
  const entry = state.entries.get(key);
  if (entry?.record.state !== 'pending') return undefined;
  let copy = entry.copy === 'none' ? 'last' : entry.copy;
  // A later attempt is on its way and has its own lease; that this copy is out stays true.
  if (entry.record.attempt !== attempt) {
    state.change(entry, {}, copy);
    return undefined;
  }
  const { now, keep } = times;
  const isKnown = entry.record.copies >= request.copies;
  const copies = Math.min(Math.max(entry.record.copies, request.copies), MOST_COPIES);
  const { presence, sessions, endedAt } = state.presence.of(recipient, resource !== '');
  const acknowledges = acknowledgesOf(state, sender, recipient, sessions);
  // Later where the store stood still: a session that has begun meanwhile has not had it.
  const handedAt = provedAt > 0 ? Math.min(now, provedAt + SCRIPT_TIMES.BEHIND) : now;
  const writtenAt = (provedAt > 0 ? provedAt : now) - took;
  const ended = endedAt !== undefined && endedAt >= writtenAt;
  const went =
    copy === 'bounced'
      ? { how: HOW.bounced, passed: false }
      : howItGoes(state, { ...request, copies, isKnown }, presence, acknowledges, sessions, ended);
  // What went nowhere is as good as bounced, whatever is known of his client.
  if (went.how === HOW.nowhere && copy === 'last') copy = 'bounced';
  const { record } = state.change(entry, { copies }, copy);
  // It may have gone to the session that has ended. Who has come since is not taken for having it.
  const sentAt = ended && WITH_SESSION.has(went.how) ? Math.min(handedAt, writtenAt) : handedAt;
  putOut(state, key, { sender, recipient }, { ...went, storedAt: record.storedAt, handedAt: sentAt }, times);
  if (!isKnown) state.note(key, sentAt, `handed-over ${went.how}`, keep);
  const expiry = record.storedAt + times.messageTtl;
  const rule = ruleOf(presence, acknowledges, copy);
  // Who has had all that he may be sent is not asked for more.
  const ask = rule.silent === 'limited' && unconfirmed >= expiry ? expiry : byTimetable;
  const dues = { timetable: byTimetable, unconfirmed, ask, none: expiry, lease: expiry } as const;
  const due = dues[rule.timer];
  state.moveDue(key, due);
  return due;
}

/**
 * How a copy went that the server has handled just now. `ended`: a session of his has ended since it was written; `isKnown`: this
 * one was noted before.
 */
function howItGoes(
  state: MemoryState,
  { key, recipient, resource, noStore, copies, isKnown }: RequestOf<'handOver'> & { readonly isKnown: boolean },
  presence: Situation['presence'],
  acknowledges: Situation['acknowledges'],
  sessions: Sessions,
  ended: boolean,
): { readonly how: How; readonly passed: boolean } {
  const before = outOf(state, key, recipient);
  const passed = before?.passed ?? false;
  if (presence === 'unknown') {
    // A first copy has none before it.
    if (copies < 2) return { how: HOW.unseen, passed: false };
    return { how: before?.how === HOW.passedUnseen ? HOW.passedUnseen : HOW.unseen, passed };
  }
  if (presence === 'online' && resource !== '' && !sessions.has(resource)) return { how: HOW.nowhere, passed: false };
  if (presence === 'offline' && !ended) return { how: noStore ? HOW.nowhere : HOW.stored, passed: false };
  if (acknowledges === 'no') return { how: HOW.noReceipts, passed: false };
  if (isKnown && before !== undefined && IS_ASKED_ABOUT.has(before.how)) return { how: before.how, passed };
  if (before?.how === HOW.missedTargeted) return { how: HOW.againTargeted, passed };
  return { how: before !== undefined && WITH_SESSION.has(before.how) ? HOW.again : HOW.session, passed };
}
