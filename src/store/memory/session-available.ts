import type { Missed, MissedPortion, RequestOf } from '../contract.ts';
import type { Rule } from '../redelivery-rules.ts';
import { SCRIPT_TIMES } from '../retry-policy.ts';
import {
  acknowledgesOf,
  allOut,
  answersOf,
  hasAnswered,
  isAllowed,
  mayHaveHad,
  outlived,
  putOut,
  ruleOf,
  stillPending,
  surest,
  writeOut,
} from './evidence.ts';
import { HOW, IS_ASKED_ABOUT, type Out, WITH_SESSION } from './out.ts';
import type { Answer, Sessions } from './presence-state.ts';
import type { Entry, MemoryState, MemoryTimes } from './state.ts';

/** A recipient who is there, and how. */
interface Scene {
  readonly request: RequestOf<'sessionAvailable'>;
  readonly sessions: Sessions;
  readonly answers: ReadonlyMap<string, Answer>;
  /** The session that is most surely there. */
  readonly there: string;
}

/** A recipient is there: what certainly did not reach him. See scripts/include/session-available.lua, whose rules these are. */
export function sessionAvailable(
  state: MemoryState,
  request: RequestOf<'sessionAvailable'>,
  times: MemoryTimes,
): MissedPortion {
  const { user } = request;
  const { presence, sessions } = state.presence.of(user);
  if (presence === 'offline') return { away: true, next: '0', missed: [], there: '' };
  if (sessions.size === 0) return { away: false, next: '0', missed: [], there: '' };
  const answers = answersOf(state, user, sessions);
  const there = surest(sessions, answers).best;
  const scene = { request, sessions, answers, there };
  const missed = allOut(state, user).flatMap(([key, out]) => lookAt(state, scene, key, out, times) ?? []);
  return { away: false, next: '0', missed, there };
}

/** What shows that a copy is lost: each session that may have had it has ended, or one of them does not answer. */
function lossOf({ sessions, answers, there }: Scene, { how, handedAt }: Out): 'ended' | 'silent' | undefined {
  if (!WITH_SESSION.has(how)) return undefined;
  if (!outlived(sessions, handedAt)) return 'ended';
  if (IS_ASKED_ABOUT.has(how) && there !== '') {
    if (!outlived(sessions, handedAt, answers)) return 'silent';
    if (how !== HOW.againTargeted && isWithSilent(sessions, answers, handedAt)) return 'silent';
  }
  // A session has ended that may have had it; those that are there have had the time to confirm it.
  return how === HOW.inDoubt && haveAnswered(sessions, answers, handedAt) ? 'ended' : undefined;
}

/** Whether one of the sessions that a copy may have gone to is silent, while another has answered since, or come. */
function isWithSilent(sessions: Sessions, answers: Scene['answers'], handedAt: number): boolean {
  let [silent, another] = [false, false];
  for (const [resource, session] of sessions) {
    const answer = answers.get(resource);
    if (answer?.state === 'silent') silent ||= mayHaveHad(session, handedAt);
    else another ||= !mayHaveHad(session, handedAt) || hasAnswered(answer, handedAt);
  }
  return silent && another;
}

/** Whether all that are there of those that may have had a copy have answered since. */
function haveAnswered(sessions: Sessions, answers: Scene['answers'], handedAt: number): boolean {
  return [...sessions].every(
    ([resource, session]) => !mayHaveHad(session, handedAt) || hasAnswered(answers.get(resource), handedAt),
  );
}

/** What is to be sent again of one copy that is out; and what else follows for it from the recipient's being there. */
function lookAt(state: MemoryState, scene: Scene, key: string, out: Out, times: MemoryTimes): Missed | undefined {
  const { user, event, stepDue, leaseUntil, unconfirmedRetries } = scene.request;
  const { how, storedAt } = out;
  if (how === HOW.noReceipts || how === HOW.over) return undefined;
  const isWith = WITH_SESSION.has(how);
  const loss = lossOf(scene, out);
  const isLost = loss !== undefined;
  // This very request has leased it before, and its reply was lost.
  const isRepeated = (how === HOW.missed || how === HOW.missedTargeted) && state.due.get(key) === leaseUntil;
  const isInDoubt = event === 'ended' && !isLost && IS_ASKED_ABOUT.has(how) && how !== HOW.inDoubt;
  const wasPutOff = event === 'login' && !isLost && !isRepeated && isPutOff(state, key, out, times);
  const isHeardAgain = event === 'heard again' && (how === HOW.session || how === HOW.answered);
  if (isWith && !isLost && !isRepeated && !isInDoubt && !wasPutOff && !isHeardAgain) return undefined;
  const entry = stillPending(state, key, user);
  if (entry === undefined) return undefined;
  const { record, copy } = entry;
  const acknowledges = acknowledgesOf(state, record.sender, user, scene.sessions);
  // Should his presence have been forgotten since: that he is there is known all the same.
  const rule = ruleOf('online', acknowledges);
  const allows = (often: Rule['silent']) => isAllowed(often, record.copies, unconfirmedRetries);
  let isToBeSent = false;
  if (how === HOW.bounced) isToBeSent = copy === 'bounced' && ruleOf('online', acknowledges, 'bounced').presence;
  else if (how === HOW.nowhere || isRepeated) isToBeSent = true;
  else if (isLost) isToBeSent = allows(loss === 'ended' ? rule.sessionEnded : rule.silent);
  else if (isInDoubt) {
    // It may have gone to the session that has ended, or to one that is there: that one is asked first.
    if (allows(rule.silent)) {
      writeOut(state, key, user, { ...out, how: HOW.inDoubt });
      state.advanceDue(key, stepDue);
    }
  } else if (wasPutOff) {
    if (allows(rule.silent)) state.moveDue(key, stepDue);
  } else comesByItself(state, scene, entry, out, rule, times);
  // That one is due soon may mean that its session is to be asked; one that is being sent is leased.
  if (isToBeSent && event !== 'login' && how !== HOW.bounced && how !== HOW.answered && !IS_ASKED_ABOUT.has(how)) {
    isToBeSent = (state.due.get(key) ?? 0) >= leaseUntil;
  }
  if (!isToBeSent) return undefined;
  if (isLost && !isRepeated) {
    state.note(key, times.now, `session-${loss}`, times.keep);
    if (how !== HOW.missed && how !== HOW.missedTargeted) writeOut(state, key, user, { ...out, how: HOW.missed });
  }
  state.moveDue(key, leaseUntil);
  return {
    key,
    attempt: record.attempt,
    evidence: evidenceOf(out, loss ?? (isRepeated ? 'silent' : undefined)),
    storedAt,
    token: entry.tokens[0] ?? '',
  };
}

/** Whether what fell due while his priority was negative was put off to the end of its life. */
function isPutOff(state: MemoryState, key: string, { how, storedAt }: Out, { messageTtl }: MemoryTimes): boolean {
  if (!WITH_SESSION.has(how) || how === HOW.answered || how === HOW.missedTargeted) return false;
  return (state.due.get(key) ?? 0) >= storedAt + messageTtl;
}

/** It comes to this session now, by itself, if it was stored; or the session may be another than it went to. */
function comesByItself(
  state: MemoryState,
  scene: Scene,
  { record }: Entry,
  out: Out,
  rule: Rule,
  times: MemoryTimes,
): void {
  const { user, stepDue, unconfirmedRetries } = scene.request;
  const { key, sender, copies } = record;
  const { now, messageTtl } = times;
  const isWith = WITH_SESSION.has(out.how);
  const how = rule.stored ? HOW.missed : HOW.session;
  putOut(state, key, { sender, recipient: user }, { ...out, how, handedAt: isWith ? out.handedAt : now }, times);
  if (rule.stored) {
    const age = Math.min(1, Math.max(0, (now - out.storedAt) / messageTtl));
    const due = stepDue - SCRIPT_TIMES.STORAGE_SPREAD * (stepDue - now) * age;
    // Of one with a session, what was due was a question.
    if (isWith) state.moveDue(key, due);
    else state.advanceDue(key, due);
  } else if (rule.timer === 'ask' && copies <= unconfirmedRetries) {
    // The session that it comes to is asked, as any that may have had a copy.
    state.advanceDue(key, stepDue);
  }
}

function evidenceOf({ how }: Out, loss: 'ended' | 'silent' | undefined): Missed['evidence'] {
  if (how === HOW.bounced) return 'bounced';
  if (how === HOW.nowhere) return 'not-stored';
  return loss === 'silent' ? 'session-silent' : 'session-ended';
}

/** A sender is there: what he could not be told while he was away is due now. */
export function senderAvailable(
  state: MemoryState,
  { user }: RequestOf<'senderAvailable'>,
  { now }: MemoryTimes,
): string {
  for (const key of [...(state.inTrouble.get(user) ?? [])]) {
    const record = state.entries.get(key)?.record;
    if (record === undefined || record.state === 'pending') continue;
    const name = state.dueName(record);
    const isOwed = state.due.has(name);
    state.advanceDue(name, now);
    // One that nothing can be done about any more: it has arrived, or its payload was thrown away.
    const isOver = record.state === 'unconfirmed' || record.state === 'delivered' || !state.undelivered.has(key);
    if (!isOwed && isOver) state.inTrouble.get(user)?.delete(key);
  }
  return '0';
}
