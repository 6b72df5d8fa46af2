import type { RequestOf } from '../contract.ts';
import { ANSWERS_KEPT_FOR, type Answer } from './presence-state.ts';
import type { MemoryState, MemoryTimes } from './state.ts';

/**
 * What came of pinging a session. The answer may have come to another process than the one that asked: it counts more than
 * that the time is over.
 */
export function recordPing(
  { presence }: MemoryState,
  { user, resource, asked, answered }: RequestOf<'recordPing'>,
): undefined {
  const session = presence.session(user, resource);
  if (session === undefined) return;
  const { since } = session;
  const before = presence.asked.get(user)?.get(resource);
  if (!answered && before?.since === since && before.state === 'answered' && before.asked >= asked) return;
  const answer: Answer = { since, asked, state: answered ? 'answered' : 'silent' };
  presence.asked.set(user, new Map(presence.asked.get(user)).set(resource, answer), ANSWERS_KEPT_FOR);
}

/** Gives whether nothing was known to have come before. */
export function recordStrayPing({ presence }: MemoryState, { user, resource }: RequestOf<'recordStrayPing'>): boolean {
  const before = presence.asked.get(user)?.get(resource);
  if (before === undefined || before.state === 'answered') return false;
  presence.asked.get(user)?.set(resource, { ...before, state: 'answered' });
  return true;
}

/** Whether a session returns receipts, if it still has the capabilities that were looked at. */
export function recordReceiptSupport(
  { presence }: MemoryState,
  { user, resource, caps, answer }: RequestOf<'recordReceiptSupport'>,
): undefined {
  const session = presence.session(user, resource);
  if (session === undefined || (caps !== '' && caps !== session.caps)) return;
  presence.setSession(user, resource, { ...session, receipts: answer });
}

/** Their presence is not known until it is heard of again. */
export function forgetPresence({ presence }: MemoryState, { users }: RequestOf<'forgetPresence'>): undefined {
  for (const user of users) {
    for (const resource of presence.resources(user)) setHeard(presence, user, resource, 0);
    presence.setKnown(user, false);
  }
}

/** Each of his sessions is to be heard of again. */
export function beginProbe({ presence }: MemoryState, { user }: RequestOf<'beginProbe'>): readonly string[] {
  for (const resource of presence.resources(user)) {
    if (presence.session(user, resource)?.heard !== 0) setHeard(presence, user, resource, 1);
  }
  return presence.subscribers(user);
}

function setHeard(presence: MemoryState['presence'], user: string, resource: string, heard: number): void {
  const session = presence.session(user, resource);
  if (session !== undefined) presence.setSession(user, resource, { ...session, heard });
}

/** The time for an answer is over. What was not heard of is returned and, if this is final, ended. */
export function endUnheard(
  { presence }: MemoryState,
  { user, resource: only, final }: RequestOf<'endUnheard'>,
  { now }: MemoryTimes,
): readonly string[] {
  if (presence.subscribers(user).length === 0) return [];
  const unheard = presence.resources(user).filter((resource) => {
    const heard = presence.session(user, resource)?.heard;
    return only === '' ? heard === 0 || heard === 1 : resource === only && heard === 1;
  });
  if (unheard.length > 0 && !final) return unheard;
  // Without any unheard his presence is known again.
  if (only === '') presence.setKnown(user, true);
  for (const resource of unheard) presence.endSession(user, resource, now);
  return unheard;
}
