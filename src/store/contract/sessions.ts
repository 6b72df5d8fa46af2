import { LOGIN_LASTS } from '../presence-times.ts';

// What ends or corrects a presence must not be refused at the memory limit: none of these counts as growing.

/** Records presence that came. Idempotent by its token. */
export interface RecordPresence {
  readonly kind: 'recordPresence';
  /** Bare JID. */
  readonly user: string;
  /** The served user, or the component's domain, that it came to. */
  readonly subscriber: string;
  /** Empty when it is from a bare JID. */
  readonly resource: string;
  readonly available: boolean;
  /** ms. */
  readonly now: number;
  /** Its entity capabilities (XEP-0115); empty without. */
  readonly caps: string;
  /** The component's domain when that is the subscriber, else empty. */
  readonly own: string;
  /** As for {@link SubscriptionStep}. */
  readonly token: string;
  /** -128 to 127. */
  readonly priority: number;
  /** Whether it was sent to one resource of the subscriber's. */
  readonly direct: boolean;
}

export const recordPresence = (
  user: string,
  subscriber: string,
  resource: string,
  available: boolean,
  now: number,
  caps: string,
  own: string,
  token: string,
  { priority = 0, direct = false }: { readonly priority?: number; readonly direct?: boolean } = {},
): RecordPresence => ({
  kind: 'recordPresence',
  user,
  subscriber,
  resource,
  available,
  now,
  caps,
  own,
  token,
  priority,
  direct,
});

/** What a presence stanza has meant for the sessions of its sender. */
export interface Seen {
  /**
   * `began`: also when its priority is negative no longer (RFC 6121 section 8.5.2); `returned`: updated, for the first
   * time since nobody could hear what it did; `left`: it has ended, or hides from this subscriber alone; `none`: nothing new,
   * or his broadcasts do not come to us.
   */
  readonly what: 'began' | 'updated' | 'returned' | 'ended' | 'left' | 'none';
  /** Whether its capabilities are to be looked at. */
  readonly asks: boolean;
  /** Whether his server is to be asked if we get all of his presence. */
  readonly probe: boolean;
  /** Whether it is to be asked if the subscriber is one. */
  readonly verify: boolean;
  /** Resources whose sessions have ended. */
  readonly ended: readonly string[];
}

/** Somebody's server probes for him, as at a login. Gives whether an older session of that resource is thereby over. */
export interface RenewSession {
  readonly kind: 'renewSession';
  readonly user: string;
  readonly resource: string;
  /** A session that began up to then (ms) is over. By default it is one that is older than a login takes. */
  readonly before: number;
  /** ms. */
  readonly now: number;
  /** As for {@link SubscriptionStep}. */
  readonly token: string;
}

export const renewSession = (
  user: string,
  resource: string,
  now: number,
  token: string,
  before = now - LOGIN_LASTS,
): RenewSession => ({ kind: 'renewSession', user, resource, before, now, token });

/** A session that was pinged at that time (ms) has answered, or its time for that is over. Idempotent. */
export interface RecordPing {
  readonly kind: 'recordPing';
  readonly user: string;
  readonly resource: string;
  readonly asked: number;
  readonly answered: boolean;
}

export const recordPing = (user: string, resource: string, asked: number, answered: boolean): RecordPing => ({
  kind: 'recordPing',
  user,
  resource,
  asked,
  answered,
});

/** An answer came to a process that does not wait for it: another may. Gives whether that is news of a session. */
export interface RecordStrayPing {
  readonly kind: 'recordStrayPing';
  readonly user: string;
  readonly resource: string;
}

export const recordStrayPing = (user: string, resource: string): RecordStrayPing => ({
  kind: 'recordStrayPing',
  user,
  resource,
});

/** Records whether a session returns receipts. Idempotent. */
export interface RecordReceiptSupport {
  readonly kind: 'recordReceiptSupport';
  readonly user: string;
  readonly resource: string;
  /** What was looked at. */
  readonly caps: string;
  /** Yes, no or unknown. */
  readonly answer: 'y' | 'n' | 'u';
}

export const recordReceiptSupport = (
  user: string,
  resource: string,
  caps: string,
  answer: 'y' | 'n' | 'u',
): RecordReceiptSupport => ({ kind: 'recordReceiptSupport', user, resource, caps, answer });

/** Whether a user has a session that a message to his bare address goes to, as far as `subscriber` gets to see that. */
export interface IsAvailable {
  readonly kind: 'isAvailable';
  readonly user: string;
  readonly subscriber: string;
}

export const isAvailable = (user: string, subscriber: string): IsAvailable => ({
  kind: 'isAvailable',
  user,
  subscriber,
});

export type SessionRequest =
  | RecordPresence
  | RenewSession
  | RecordPing
  | RecordStrayPing
  | RecordReceiptSupport
  | IsAvailable;

export interface SessionReplies {
  recordPresence: Seen;
  renewSession: boolean;
  recordPing: undefined;
  recordStrayPing: boolean;
  recordReceiptSupport: undefined;
  isAvailable: boolean;
}
