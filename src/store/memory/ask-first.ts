import type { Claimed } from '../contract.ts';
import { SCRIPT_TIMES } from '../retry-policy.ts';
import { answersOf, hasAnswered, mayHaveHad, outlived, outOf, writeOut } from './evidence.ts';
import { HOW, IS_ASKED_ABOUT } from './out.ts';
import { ANSWERS_KEPT_FOR, type Answer, type Sessions } from './presence-state.ts';
import type { Entry, MemoryState, MemoryTimes } from './state.ts';

/** Sessions that are asked for one message at once; the others a step later. */
const AT_ONCE = 50;
const MOOT = { outcome: 'moot' } as const;

/**
 * A copy that went to a session, and whose receipt is a step of the timetable late: is that session there? Undefined when the
 * copy is to be sent again at once. A server hands a session its stanzas in order: one that has answered since has got the
 * copy, whatever its client makes of it. Else the next question comes when as much time has passed as has now, and no sooner
 * than a step.
 */
export function askFirst(
  state: MemoryState,
  { record }: Entry,
  sessions: Sessions,
  { now, messageTtl, firstStep }: MemoryTimes,
): Claimed | undefined {
  const { key, recipient } = record;
  const out = outOf(state, key, recipient);
  if (out === undefined) return undefined;
  const { how, handedAt } = out;
  const isSettled = how === HOW.answered || how === HOW.over;
  if (!isSettled && !IS_ASKED_ABOUT.has(how)) return undefined;
  if (!isSettled && !outlived(sessions, handedAt)) return undefined;
  const expiry = record.storedAt + messageTtl;
  const answers = answersOf(state, recipient, sessions);
  const unsure = isSettled
    ? []
    : [...sessions].filter(
        ([resource, session]) => mayHaveHad(session, handedAt) && !hasAnswered(answers.get(resource), handedAt),
      );
  if (unsure.length === 0) {
    if (how === HOW.inDoubt) return undefined;
    const isAgain = how === HOW.again || how === HOW.againTargeted;
    const next = how === HOW.session ? HOW.answered : isAgain ? HOW.over : how;
    if (next !== how) writeOut(state, key, recipient, { ...out, how: next });
    state.due.set(key, expiry);
    return MOOT;
  }
  const wanted = unsure.filter(([resource]) => isWanted(answers.get(resource), now, firstStep));
  const isSilent = (resource: string) => answers.get(resource)?.state === 'silent';
  const asked = wanted.slice(0, AT_ONCE).map(([resource, { since }]) => {
    // One that was silent is so until it answers.
    const answer: Answer = { since, asked: now, state: isSilent(resource) ? 'silent' : 'asked' };
    const all = new Map(state.presence.asked.get(recipient)).set(resource, answer);
    state.presence.asked.set(recipient, all, ANSWERS_KEPT_FOR);
    return resource;
  });
  const wait = wanted.length > AT_ONCE ? firstStep : Math.max(firstStep, now - handedAt);
  state.due.set(key, Math.min(expiry, now + wait));
  if (asked.length === 0 && !unsure.some(([resource]) => isSilent(resource))) return MOOT;
  return { outcome: 'asks', user: recipient, resources: asked };
}

/** Whether a session is to be asked (again): a question that is open is given its time. */
function isWanted(answer: Answer | undefined, now: number, firstStep: number): boolean {
  if (answer === undefined) return true;
  const wait = answer.state === 'asked' ? Math.max(SCRIPT_TIMES.SESSION_ANSWER, firstStep) : firstStep;
  return now - answer.asked >= wait;
}
