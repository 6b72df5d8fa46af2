import type { GapPortion, RequestOf } from '../contract.ts';
import { acknowledgesOf, allOut, mayHaveHad, ruleOf, stillPending, writeOut } from './evidence.ts';
import { HOW, type How, type Out, WITH_SESSION } from './out.ts';
import type { Session, Sessions } from './presence-state.ts';
import type { MemoryState, MemoryTimes } from './state.ts';

/** Which of these users may have been passed over with something, or have a session that is asked whether it is there. */
export function anythingOut(state: MemoryState, { users }: RequestOf<'anythingOut'>): string[] {
  return users.filter((user) => allOut(state, user).length > 0 || (state.presence.asked.get(user)?.size ?? 0) > 0);
}

/**
 * A session confirmed a message of a sender's that was stored at `later`: what went to it before, and is not confirmed, is
 * sent again, once, since a client may drop a copy that it knows without confirming it.
 */
export function sequenceGap(state: MemoryState, request: RequestOf<'sequenceGap'>, times: MemoryTimes): GapPortion {
  const { user, resource, later } = request;
  const { presence, sessions } = state.presence.of(user);
  const session = sessions.get(resource);
  if (session === undefined) {
    if (presence === 'unknown') passUnseen(state, request, times);
    return { next: '0', keys: [] };
  }
  // It is there, whatever it did not answer.
  state.presence.asked.get(user)?.delete(resource);
  const keys: string[] = [];
  for (const [key, out] of allOut(state, user)) {
    if (!WITH_SESSION.has(out.how) || out.storedAt >= later) continue;
    if (passOver(state, request, key, out, { presence, sessions, session }, times)) keys.push(key);
  }
  return { next: '0', keys };
}

/** Gives whether it is to be sent again. */
function passOver(
  state: MemoryState,
  { user, resource, sender, later, due }: RequestOf<'sequenceGap'>,
  key: string,
  out: Out,
  { presence, sessions, session }: { presence: 'unknown' | 'online' | 'offline'; sessions: Sessions; session: Session },
  { messageTtl }: MemoryTimes,
): boolean {
  const { how, handedAt, passed } = out;
  const hadIt = mayHaveHad(session, handedAt);
  if (!hadIt && how !== HOW.session && how !== HOW.inDoubt) return false;
  if (how === HOW.over && passed) return false;
  const record = stillPending(state, key, user)?.record;
  if (record === undefined) return false;
  if (!hadIt) {
    // What may have gone to other sessions of his is due to be asked about.
    state.advanceDue(key, due);
    return false;
  }
  const rule = ruleOf(presence, acknowledgesOf(state, record.sender, user, sessions));
  const isGap = (how === HOW.session || how === HOW.answered) && rule.gap;
  let next: How = how;
  if (isGap) {
    // Another may have had it, to which the server would send the next as well, be it there or not.
    const isElsewhere = [...sessions].some(([other, one]) => other !== resource && mayHaveHad(one, handedAt));
    next = how === HOW.session && isElsewhere ? HOW.inDoubt : HOW.missed;
    if (next === HOW.inDoubt) state.advanceDue(key, due);
    else state.moveDue(key, due);
  } else if ((how === HOW.again || how === HOW.againTargeted) && handedAt < later) {
    // The confirmed one was stored after a second copy had been handed over: that copy came before it.
    next = HOW.over;
    state.moveDue(key, record.storedAt + messageTtl);
  }
  writeOut(state, key, user, { ...out, how: next, passed: passed || record.sender === sender });
  return isGap;
}

/**
 * Of a recipient whose presence is not known: what was handed over before has been passed over. The timetable goes on, as it
 * may have been lost with an earlier session; until two copies have gone out with a receipt of his before each and after.
 */
function passUnseen(
  state: MemoryState,
  { user, sender, later }: RequestOf<'sequenceGap'>,
  { messageTtl }: MemoryTimes,
): void {
  for (const [key, out] of allOut(state, user)) {
    const isUnseen = out.how === HOW.unseen || out.how === HOW.passedUnseen;
    if (!isUnseen || out.handedAt >= later) continue;
    const record = stillPending(state, key, user)?.record;
    if (record?.sender !== sender) continue;
    const passedHow = out.how === HOW.unseen ? HOW.passedUnseen : HOW.over;
    const how = out.passed ? passedHow : out.how;
    if (how === HOW.over) state.moveDue(key, record.storedAt + messageTtl);
    writeOut(state, key, user, { ...out, how, passed: true });
  }
}
