import type { StoredRecord } from '../contract.ts';
import { type Rule, ruleFor, type Situation } from '../redelivery-rules.ts';
import { SCRIPT_TIMES } from '../retry-policy.ts';
import type { CopyOut, How, Out } from './out.ts';
import { type Answer, type Session, type Sessions, sessionName } from './presence-state.ts';
import type { Entry, MemoryState, MemoryTimes } from './state.ts';

const COPY = { none: 'none', last: 'handed over', earlier: 'handed over', bounced: 'bounced' } as const;

export function situationOf(
  presence: Situation['presence'],
  acknowledges: Situation['acknowledges'],
  copy: CopyOut,
): Situation {
  return { presence, acknowledges, copy: COPY[copy] };
}

export function ruleOf(
  presence: Situation['presence'],
  acknowledges: Situation['acknowledges'],
  copy: CopyOut = 'last',
): Rule {
  return ruleFor(situationOf(presence, acknowledges, copy));
}

/** How often the rules allow it, at most, for somebody who was never seen to confirm anything. */
export function isAllowed(often: 'always' | 'limited' | 'never', copies: number, retries: number): boolean {
  return often === 'always' || (often === 'limited' && copies <= retries);
}

/**
 * Whether a missing receipt of this recipient, for a message of this sender, means anything. Many clients return receipts
 * to contacts only.
 */
export function acknowledgesOf(
  state: MemoryState,
  sender: string,
  recipient: string,
  sessions: Sessions,
): Situation['acknowledges'] {
  const says = new Set([...sessions.values()].map(({ receipts }) => receipts));
  if (says.has('n') && says.size === 1) return 'no';
  const seen = state.confirms.get(recipient);
  if (seen === 'anybody') return 'yes';
  if (seen === undefined && !says.has('y')) return 'unknown';
  return state.presence.areContacts(sender, recipient) ? 'yes' : 'no';
}

/** Whether a copy to the bare address may have gone to a session that is there now. */
export function mayHaveHad({ since, low }: Session, handedAt: number): boolean {
  if (since > handedAt) return false;
  return !low.some(({ from, until }) => until !== undefined && from <= handedAt && handedAt < until);
}

/** What is known from asking his sessions. Nothing of one that has come anew or was heard of since. */
export function answersOf(state: MemoryState, user: string, sessions: Sessions): ReadonlyMap<string, Answer> {
  const all = [...(state.presence.asked.get(user) ?? [])];
  return new Map(
    all.filter(([resource, answer]) => {
      const session = sessions.get(resource);
      return session?.since === answer.since && !(answer.state === 'silent' && session.heard > answer.asked);
    }),
  );
}

/** Whether a session has answered since a copy was handed over. */
export function hasAnswered(answer: Answer | undefined, handedAt: number): boolean {
  return answer?.state === 'answered' && answer.asked >= handedAt;
}

/** Whether any session lives that did so when a copy was handed over, and is not silent. */
export function outlived(sessions: Sessions, handedAt: number, answers?: ReadonlyMap<string, Answer>): boolean {
  return [...sessions].some(
    ([resource, session]) => mayHaveHad(session, handedAt) && answers?.get(resource)?.state !== 'silent',
  );
}

/** The session that is most surely there: the last to have answered, else the last to have come; of two, the first by name. */
export function surest(
  sessions: Sessions,
  answers: ReadonlyMap<string, Answer>,
): { best: string; isOneSilent: boolean } {
  let [best, bestAt, isOneSilent] = ['', -1, false];
  for (const [resource, { since }] of sessions) {
    const answer = answers.get(resource);
    const at = Math.max(since, answer?.state === 'answered' ? answer.asked : 0);
    if (answer?.state === 'silent') isOneSilent = true;
    else if (at > bestAt || (at === bestAt && resource < best)) [best, bestAt] = [resource, at];
  }
  return { best, isOneSilent };
}

export function outOf(state: MemoryState, key: string, recipient: string): Out | undefined {
  return state.out.get(recipient)?.get(key);
}

/** Notes how a copy went that is out. */
export function writeOut(state: MemoryState, key: string, recipient: string, out: Out): void {
  state.out.replace(recipient, new Map(state.out.get(recipient)).set(key, out));
}

/** The same of one that is out as from now; its message is in trouble. */
export function putOut(
  state: MemoryState,
  key: string,
  { sender, recipient }: Pick<StoredRecord, 'sender' | 'recipient'>,
  out: Out,
  { keep }: MemoryTimes,
): void {
  writeOut(state, key, recipient, out);
  state.out.set(recipient, state.out.get(recipient) as Map<string, Out>, keep);
  putInTrouble(state, key, sender, keep);
}

/** For as long as `keep` (ms), and never for less than another of his is. */
export function putInTrouble(state: MemoryState, key: string, sender: string, keep: number): void {
  const keys = new Set(state.inTrouble.get(sender)).add(key);
  state.inTrouble.set(sender, keys, Math.max(keep, state.inTrouble.left(sender)));
}

export function forgetTrouble(
  state: MemoryState,
  key: string,
  { sender, recipient }: Pick<StoredRecord, 'sender' | 'recipient'>,
): void {
  state.inTrouble.get(sender)?.delete(key);
  state.out.get(recipient)?.delete(key);
}

/** It has ended: no copy of it is waited for any more. `entry` is as it was before. */
export function callIn(state: MemoryState, { record, copy }: Entry): void {
  if (copy === 'none' && record.copies === 0 && record.attempt === 1) return;
  forgetTrouble(state, record.key, record);
  // Of most messages there is no more to tell than that the server had them before the receipt came.
  if (state.lives.get(record.key)?.length === 1) state.lives.delete(record.key);
}

/** The record of a copy that is out; undefined when it has ended, and then it is out no more. */
export function stillPending(state: MemoryState, key: string, recipient: string): Entry | undefined {
  const entry = state.entries.get(key);
  if (entry?.record.state === 'pending') return entry;
  state.out.get(recipient)?.delete(key);
  return undefined;
}

/** What is out to a recipient, as it is now: the map may change while this is gone through. */
export function allOut(state: MemoryState, recipient: string): [string, Out][] {
  return [...(state.out.get(recipient) ?? [])];
}

/** Brings the due times of copies that are out and went so forward, never back, and never past the end of a message's life. */
export function advanceAll(
  state: MemoryState,
  recipient: string,
  hows: ReadonlySet<How>,
  due: number,
  { messageTtl }: MemoryTimes,
): void {
  for (const [key, { how, storedAt }] of allOut(state, recipient)) {
    if (hows.has(how)) state.advanceDue(key, Math.min(due, storedAt + messageTtl));
  }
}

/**
 * An ended record as its sender is told: by error stanzas and quiet notices, which no server keeps for somebody who is away,
 * and which one resource's absence sends nowhere. So it is for a session of his that lives.
 */
export function towardsSender(state: MemoryState, record: StoredRecord): StoredRecord {
  const { presence, sessions } = state.presence.of(record.sender, true);
  if (presence === 'offline') return { ...record, senderAway: true };
  if (presence === 'unknown' || sessions.has(record.senderResource)) return record;
  return { ...record, senderResource: [...sessions.keys()][0] as string };
}

/** When he is to be told: away, he is looked for again after a while. */
export function noticeDue({ senderAway }: StoredRecord, { now, leaseUntil }: MemoryTimes): number {
  return senderAway ? now + SCRIPT_TIMES.NOTICE_TO_ABSENT_SENDER : leaseUntil;
}

/** Whether each of a user's sessions has said to a subscriber that it is unavailable. */
export function isHidden({ presence }: MemoryState, user: string, subscriber: string): boolean {
  return presence
    .resources(user)
    .every((resource) => presence.hidden.get(sessionName(user, resource))?.has(subscriber));
}
