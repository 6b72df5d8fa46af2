import type { SubscriptionState, SubscriptionType } from '../../xmpp/stanza/subscription.ts';

// What ends or corrects a presence must not be refused at the memory limit: none of these counts as growing.

/** Takes a step of a subscription (RFC 6121 section 3); gives the standing before it. Idempotent by its token. */
export interface SubscriptionStep {
  readonly kind: 'subscriptionStep';
  readonly type: SubscriptionType;
  /** Bare JIDs, or the component's domain. */
  readonly watched: string;
  readonly watcher: string;
  /** ms. */
  readonly now: number;
  /** Names the stanza, so that a call whose reply was lost says the same when it is made again. */
  readonly token: string;
}

export const subscriptionStep = (
  type: SubscriptionType,
  watched: string,
  watcher: string,
  now: number,
  token: string,
): SubscriptionStep => ({
  kind: 'subscriptionStep',
  type,
  watched,
  watcher,
  now,
  token,
});

/** Takes back a subscription request of that time (ms) whose sender was told that it could not be stored. Idempotent. */
export interface WithdrawSubscription {
  readonly kind: 'withdrawSubscription';
  readonly watched: string;
  readonly watcher: string;
  readonly asked: number;
}

export const withdrawSubscription = (watched: string, watcher: string, asked: number): WithdrawSubscription => ({
  kind: 'withdrawSubscription',
  watched,
  watcher,
  asked,
});

/** Records presence that came. Idempotent by its token. */
export interface RecordPresence {
  readonly kind: 'recordPresence';
  /** Bare JID. */
  readonly user: string;
  /** The served user, or the component's domain, that it came to. */
  readonly watcher: string;
  /** Empty when it is from a bare JID. */
  readonly resource: string;
  readonly available: boolean;
  /** ms. */
  readonly now: number;
  /** Its entity capabilities (XEP-0115); empty without. */
  readonly caps: string;
  /** The component's domain when that is the watcher, else empty. */
  readonly own: string;
  /** As for {@link SubscriptionStep}. */
  readonly token: string;
  /** -128 to 127. */
  readonly priority: number;
  /** Whether it was sent to one resource of the watcher's. */
  readonly direct: boolean;
}

export const recordPresence = (
  user: string,
  watcher: string,
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
  watcher,
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
   * time since nobody could hear what it did; `left`: it has ended, or hides from this watcher alone; `none`: nothing new,
   * or his broadcasts do not come to us.
   */
  readonly what: 'began' | 'updated' | 'returned' | 'ended' | 'left' | 'none';
  /** Whether its capabilities are to be looked at. */
  readonly asks: boolean;
  /** Whether his server is to be asked if we get all of his presence. */
  readonly probe: boolean;
  /** Whether it is to be asked if the watcher is one. */
  readonly verify: boolean;
  /** Resources whose sessions have ended. */
  readonly ended: readonly string[];
}

/** Somebody's server probes for him, as at a login. Gives whether an older session of that resource is thereby over. */
export interface RenewSession {
  readonly kind: 'renewSession';
  readonly user: string;
  readonly resource: string;
  /** ms. */
  readonly now: number;
  /** As for {@link SubscriptionStep}. */
  readonly token: string;
}

export const renewSession = (user: string, resource: string, now: number, token: string): RenewSession => ({
  kind: 'renewSession',
  user,
  resource,
  now,
  token,
});

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

/** The presence of these is not known until it is heard of again. Idempotent. */
export interface ForgetPresence {
  readonly kind: 'forgetPresence';
  readonly users: readonly string[];
}

export const forgetPresence = (users: readonly string[]): ForgetPresence => ({ kind: 'forgetPresence', users });

/** A user is about to be probed. Gives his watchers. Idempotent. */
export interface BeginProbe {
  readonly kind: 'beginProbe';
  readonly user: string;
}

export const beginProbe = (user: string): BeginProbe => ({ kind: 'beginProbe', user });

/** Whether a user has a session that a message to his bare address goes to, as far as `watcher` gets to see that. */
export interface IsAvailable {
  readonly kind: 'isAvailable';
  readonly user: string;
  readonly watcher: string;
}

export const isAvailable = (user: string, watcher: string): IsAvailable => ({ kind: 'isAvailable', user, watcher });

/** Gives those who get a user's presence. */
export interface WatchersOf {
  readonly kind: 'watchersOf';
  readonly user: string;
}

export const watchersOf = (user: string): WatchersOf => ({ kind: 'watchersOf', user });

/**
 * The time for a probe's answer is over. Gives the resources that were not heard of: they have ended, if it is `final`, and
 * otherwise his presence stays unknown until he is probed once more. Idempotent.
 */
export interface EndUnheard {
  readonly kind: 'endUnheard';
  readonly user: string;
  /** The one session that was probed for; empty for all. */
  readonly resource: string;
  /** ms. */
  readonly now: number;
  readonly final: boolean;
}

export const endUnheardSessions = (user: string, now: number, final: boolean): EndUnheard => ({
  kind: 'endUnheard',
  user,
  resource: '',
  now,
  final,
});

export const endUnheardSession = (user: string, resource: string, now: number): EndUnheard => ({
  kind: 'endUnheard',
  user,
  resource,
  now,
  final: true,
});

/**
 * A session has said to some watchers that it is unavailable: did it mean all? Gives one who was not told, in whose name
 * his server is to be asked; `ended` when there is none; undefined when it is there no more, or hides from nobody.
 */
export interface WhoStillSees {
  readonly kind: 'whoStillSees';
  readonly user: string;
  readonly resource: string;
}

export const whoStillSees = (user: string, resource: string): WhoStillSees => ({
  kind: 'whoStillSees',
  user,
  resource,
});

/** This process' link is up. Gives how many others serve the domain, and how many users watch the component itself. */
export interface Heartbeat {
  readonly kind: 'heartbeat';
  readonly process: string;
  /** ms. */
  readonly now: number;
  /** The component's domain. */
  readonly own: string;
}

export const heartbeat = (process: string, now: number, own: string): Heartbeat => ({
  kind: 'heartbeat',
  process,
  now,
  own,
});

/** This process' link is down. Gives how many others serve the domain. Idempotent. */
export interface LeaveService {
  readonly kind: 'leaveService';
  readonly process: string;
  /** ms. */
  readonly now: number;
}

export const leaveService = (process: string, now: number): LeaveService => ({ kind: 'leaveService', process, now });

/** Claims to probe everybody: `wait` while another process is at it, `joined` when that has only just begun. */
export interface ClaimProbing {
  readonly kind: 'claimProbing';
  readonly process: string;
  /** ms. */
  readonly now: number;
}

export const claimProbing = (process: string, now: number): ClaimProbing => ({ kind: 'claimProbing', process, now });

/** Keeps the claim for a while. */
export interface RenewProbing {
  readonly kind: 'renewProbing';
  readonly process: string;
}

export const renewProbing = (process: string): RenewProbing => ({ kind: 'renewProbing', process });

/** Gives the claim up. Idempotent. */
export interface ReleaseProbing {
  readonly kind: 'releaseProbing';
  readonly process: string;
}

export const releaseProbing = (process: string): ReleaseProbing => ({ kind: 'releaseProbing', process });

export type PresenceRequest =
  | SubscriptionStep
  | WithdrawSubscription
  | RecordPresence
  | RenewSession
  | RecordPing
  | RecordStrayPing
  | RecordReceiptSupport
  | ForgetPresence
  | BeginProbe
  | IsAvailable
  | WatchersOf
  | EndUnheard
  | WhoStillSees
  | Heartbeat
  | LeaveService
  | ClaimProbing
  | RenewProbing
  | ReleaseProbing;

export interface PresenceReplies {
  subscriptionStep: SubscriptionState;
  withdrawSubscription: undefined;
  recordPresence: Seen;
  renewSession: boolean;
  recordPing: undefined;
  recordStrayPing: boolean;
  recordReceiptSupport: undefined;
  forgetPresence: undefined;
  beginProbe: readonly string[];
  isAvailable: boolean;
  watchersOf: readonly string[];
  endUnheard: readonly string[];
  whoStillSees: string | 'ended' | undefined;
  heartbeat: { readonly others: number; readonly watchers: number };
  leaveService: number;
  claimProbing: 'go' | 'wait' | 'joined';
  renewProbing: undefined;
  releaseProbing: undefined;
}
