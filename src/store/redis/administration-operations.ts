import { keyed, type Operation, operation } from './operations.ts';
import { type StoredRecord, settlement } from './record.ts';

/** Whose message it must be; undefined for somebody who may touch all. */
export type Owner = string | undefined;

/** A sender as he stands in a record's body: see `is_of` in scripts/include/administration.lua. */
function ownerMember(owner: Owner): string {
  return owner === undefined ? '' : `"s":${JSON.stringify(owner)}`;
}

/** A pending message ended, an undelivered one was thrown away, or there is none (any more). */
export type Cancelled =
  | { readonly outcome: 'cancelled'; readonly record: StoredRecord }
  | { readonly outcome: 'dropped' | 'unknown' };

/**
 * Ends a pending message as rejected, with nobody to be told, or throws an undelivered one away.
 *
 * @param by who says so, for people: "its sender"
 */
export function cancel(key: string, owner: Owner, now: number, by: string): Operation<Cancelled> {
  const members = settlement(now, { c: 'undefined-condition', cx: `Cancelled by ${by}` });
  return operation(['cancel', key, ownerMember(owner), members], (reply) => {
    if (reply === '') return { outcome: 'unknown' };
    return reply === 'l' ? { outcome: 'dropped' } : { outcome: 'cancelled', record: keyed(reply.slice(1)) };
  });
}

const RETRIED = {
  n: 'due',
  w: 'underway',
  m: 'waiting',
  t: 'too soon',
  o: 'ordinary',
  l: 'undelivered',
  '': 'unknown',
} as const;

/**
 * `due`: a sweep will find it; `underway`: it is being sent; `waiting`: its recipient is away, or his client returns no
 * receipts, so that another copy would not help; `too soon`: he wanted it a moment ago; `ordinary`: he does not
 * get the recipient's presence, so that it is sent when it would be anyway; `undelivered`: it takes a {@link revive}.
 */
export type Retried = (typeof RETRIED)[keyof typeof RETRIED];

/** Makes a pending message due at once. */
export function retryNow(key: string, owner: Owner): Operation<Retried> {
  return operation(['retry', key, ownerMember(owner)], (reply) => RETRIED[reply as keyof typeof RETRIED]);
}

/** Erases, of these records, those that a user sent or was to get, or only counts them; gives how many. */
export function erase(jid: string, keys: readonly string[], onlyCount = false): Operation<number> {
  return operation(['erase', JSON.stringify(jid), onlyCount ? '1' : '0', keys.length, ...keys], Number);
}

/** Erases what is kept of a user beside his messages, and his subscriptions to `watched`; gives how many things. */
export function forgetUser(jid: string, watched: readonly string[]): Operation<number> {
  return operation(['forget', jid, watched.length, ...watched], Number);
}

/** Since when (ms) further copies are kept back, and by whose will. */
export interface Pause {
  readonly since: number;
  readonly by: string;
}

export function readPause(text: string): Pause | undefined {
  const blank = text.indexOf(' ');
  return blank === -1 ? undefined : { since: Number(text.slice(0, blank)), by: text.slice(blank + 1) };
}

/** Keeps further copies back from now on, in all processes; gives the pause that there was before. */
export function pause(by: string, now: number): Operation<Pause | undefined> {
  return operation(['pause', `${now} ${by}`], readPause);
}

/** Ends that; gives the pause that there was. */
export function unpause(): Operation<Pause | undefined> {
  return operation(['pause', ''], readPause);
}

/**
 * Begins a command's session.
 *
 * @param whose what must be the same at each step
 * @param lasts ms
 */
export function openSession(id: string, whose: string, lasts: number): Operation<void> {
  // Also at Redis' memory limit: the command may be the one that makes room.
  return operation(['session+', id, whose, lasts], () => undefined);
}

/** Whose session that is, as it was opened; `ended` when it has ended, undefined when there is none, or not any more. */
export function readSession(id: string): Operation<{ readonly whose: string } | 'ended' | undefined> {
  return operation(['session?', id], (reply) => {
    if (reply === '') return undefined;
    return reply[0] === 'o' ? { whose: reply.slice(1) } : 'ended';
  });
}

/**
 * Ends a command's session; false when it had ended.
 *
 * @param token names this attempt, so that a repetition after a lost reply is known
 */
export function endSession(id: string, token: string): Operation<boolean> {
  return operation(['over', id, token], (reply) => reply === '1');
}
