import type { StoredRecord } from './record.ts';

/** Whose message it must be (bare JID); undefined for somebody who may touch all. */
export type Owner = string | undefined;

/** Ends a pending message as rejected, with nobody to be notified, or throws an undelivered one away. */
export interface Cancel {
  readonly kind: 'cancel';
  readonly key: string;
  readonly owner: Owner;
  /** ms. */
  readonly now: number;
  /** Who says so, for people: "its sender". */
  readonly by: string;
}

export const cancel = (key: string, owner: Owner, now: number, by: string): Cancel => ({
  kind: 'cancel',
  key,
  owner,
  now,
  by,
});

/** A pending message ended, an undelivered one was thrown away, or there is none (any more). */
export type Cancelled =
  | { readonly outcome: 'cancelled'; readonly record: StoredRecord }
  | { readonly outcome: 'dropped' | 'unknown' };

/** Makes a pending message due at once. */
export interface RetryNow {
  readonly kind: 'retryNow';
  readonly key: string;
  readonly owner: Owner;
}

export const retryNow = (key: string, owner: Owner): RetryNow => ({ kind: 'retryNow', key, owner });

/**
 * `due`: a sweep will find it; `in flight`: it is being sent; `waiting`: its recipient is away, or his client returns no
 * receipts, so that another copy would not help; `too soon`: he wanted it a moment ago; `ordinary`: he does not
 * get the recipient's presence, so that it is sent when it would be anyway; `undelivered`: it takes a requeue.
 */
export type Retried = 'due' | 'in flight' | 'waiting' | 'too soon' | 'ordinary' | 'undelivered' | 'unknown';

/** Erases, of these records, those that a user sent or was to get, or only counts them; gives how many. */
export interface Erase {
  readonly kind: 'erase';
  /** Bare JID. */
  readonly jid: string;
  readonly keys: readonly string[];
  readonly onlyCount: boolean;
}

export const erase = (jid: string, keys: readonly string[], onlyCount = false): Erase => ({
  kind: 'erase',
  jid,
  keys,
  onlyCount,
});

/** Erases what is kept of a user beside his messages, and his subscriptions to `contacts`; gives how many things. */
export interface ForgetUser {
  readonly kind: 'forgetUser';
  /** Bare JID. */
  readonly jid: string;
  readonly contacts: readonly string[];
}

export const forgetUser = (jid: string, contacts: readonly string[]): ForgetUser => ({
  kind: 'forgetUser',
  jid,
  contacts,
});

/** Since when (ms) further copies are kept back, and by whose will. */
export interface Paused {
  readonly since: number;
  readonly by: string;
}

/** Keeps further copies back from now on, in all processes; gives the pause that there was before. */
export interface Pause {
  readonly kind: 'pause';
  readonly by: string;
  /** ms. */
  readonly now: number;
}

export const pause = (by: string, now: number): Pause => ({ kind: 'pause', by, now });

/** Ends that; gives the pause that there was. */
export interface Resume {
  readonly kind: 'resume';
}

export const resume = (): Resume => ({ kind: 'resume' });

export type AdministrationRequest = Cancel | RetryNow | Erase | ForgetUser | Pause | Resume;

export interface AdministrationReplies {
  cancel: Cancelled;
  retryNow: Retried;
  erase: number;
  forgetUser: number;
  pause: Paused | undefined;
  resume: Paused | undefined;
}
