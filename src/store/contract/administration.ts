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

/** Erases what is kept of a user beside his messages, and his subscriptions to `watched`; gives how many things. */
export interface ForgetUser {
  readonly kind: 'forgetUser';
  /** Bare JID. */
  readonly jid: string;
  readonly watched: readonly string[];
}

export const forgetUser = (jid: string, watched: readonly string[]): ForgetUser => ({
  kind: 'forgetUser',
  jid,
  watched,
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

/** Begins the session of an ad-hoc command (XEP-0050). Also at the memory limit: the command may be the one that makes room. */
export interface OpenCommandSession {
  readonly kind: 'openCommandSession';
  readonly id: string;
  /** What must be the same at each step. */
  readonly whose: string;
  /** ms. */
  readonly lasts: number;
}

export const openCommandSession = (id: string, whose: string, lasts: number): OpenCommandSession => ({
  kind: 'openCommandSession',
  id,
  whose,
  lasts,
});

/** Whose session that is, as it was opened; `ended` when it has ended, undefined when there is none, or not any more. */
export interface ReadCommandSession {
  readonly kind: 'readCommandSession';
  readonly id: string;
}

export const readCommandSession = (id: string): ReadCommandSession => ({ kind: 'readCommandSession', id });

/** Ends a command's session; false when it had ended. Idempotent by its token. */
export interface EndCommandSession {
  readonly kind: 'endCommandSession';
  readonly id: string;
  /** Names this attempt, so that a repetition after a lost reply is known. */
  readonly token: string;
}

export const endCommandSession = (id: string, token: string): EndCommandSession => ({
  kind: 'endCommandSession',
  id,
  token,
});

export type AdministrationRequest =
  | Cancel
  | RetryNow
  | Erase
  | ForgetUser
  | Pause
  | Resume
  | OpenCommandSession
  | ReadCommandSession
  | EndCommandSession;

export interface AdministrationReplies {
  cancel: Cancelled;
  retryNow: Retried;
  erase: number;
  forgetUser: number;
  pause: Paused | undefined;
  resume: Paused | undefined;
  openCommandSession: undefined;
  readCommandSession: { readonly whose: string } | 'ended' | undefined;
  endCommandSession: boolean;
}

/** A record as it is found, without its payload. */
export interface Found {
  readonly record: StoredRecord;
  /** Whether a copy is kept of what was not delivered; `record` is that copy when nothing else is left. */
  readonly kept: boolean;
  /** When it is due next (ms), if it is. */
  readonly due: number | undefined;
  /** Whether its sender gets its recipient's presence, and so may be told what shows that. */
  readonly seesPresence: boolean;
}

/** Something that happened to a message that was in trouble. */
export interface LifeEvent {
  /** ms since the epoch. */
  readonly at: number;
  readonly what: string;
}

/** A part of all records' keys, and where to go on; the last part has no `next`. */
export interface KeyPortion {
  readonly keys: readonly string[];
  readonly next: string | undefined;
}

/** What one has in the store. */
export interface Load {
  /** A bare JID; `@` and a domain for all of its users. */
  readonly of: string;
  readonly messages: number;
  readonly bytes: number;
}

/** Questions about the store that people ask, not stanzas. They change nothing, and reject while it does not answer. */
export interface StoreQueries {
  /** A sender's messages that are in trouble: up to `limit`, the oldest first, and how many there are. */
  inTrouble(sender: string, limit: number): Promise<{ found: Found[]; total: number }>;
  /** All messages that go by this key, from recordKey: a client may use an id again. */
  byKey(key: string): Promise<Found[]>;
  /** Those of these records that are there. */
  records(keys: readonly string[]): Promise<Found[]>;
  /** What happened to a message that was in trouble, in order; a healthy one has nothing. */
  life(key: string): Promise<LifeEvent[]>;
  paused(): Promise<Paused | undefined>;
  /** The users whose presence somebody gets. */
  watched(): Promise<string[]>;
  /** Those who have the most bytes in the store, most first; with very many senders, of as many as can be looked through. */
  heaviest(limit: number): Promise<Load[]>;
  /**
   * The keys of all records and undelivered copies, a portion at a time. What is there all the time is found, maybe
   * twice; what comes meanwhile may be.
   *
   * @param cursor from the last portion's `next`; '0' to begin
   */
  portion(cursor: string): Promise<KeyPortion>;
}
