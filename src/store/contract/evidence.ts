import { inPortions } from './portions.ts';
import type { Stored, StoredRecord } from './record.ts';
import type { Only } from './settlement.ts';

/** Why a copy is sent again; the words of the metrics. */
export type Evidence = 'session-ended' | 'session-silent' | 'bounced' | 'not-stored' | 'gap';

/** A message that certainly did not reach its recipient, and is to be sent again. */
export interface Missed extends Stored {
  readonly key: string;
  /** To be claimed. */
  readonly attempt: number;
  readonly evidence: Exclude<Evidence, 'gap'>;
}

/**
 * How a recipient is there: a session of his began, it changed, another of his ended, or it was there before and nobody
 * could hear for a while what it did.
 */
export type SessionEvent = 'login' | 'update' | 'ended' | 'heard again';

/**
 * A recipient is there. Gives what certainly did not reach him, a portion at a time: others wait meanwhile. What it gives
 * is the caller's to send until `leaseUntil`; a repetition gives the same.
 */
export interface SessionAvailable {
  readonly kind: 'sessionAvailable';
  /** Bare JID. */
  readonly user: string;
  readonly event: SessionEvent;
  /** `0` at the beginning. */
  readonly cursor: string;
  /** When (ms) a message that lay in offline storage, and comes by itself now, is due again. */
  readonly stepDue: number;
  /** Until when (ms) what is to be sent is the caller's to send. */
  readonly leaseUntil: number;
  /** How often one is sent again to somebody who was never seen to confirm anything. */
  readonly unconfirmedRetries: number;
}

export const sessionAvailable = (
  fields: Omit<SessionAvailable, 'kind' | 'cursor'> & { readonly cursor?: string },
): SessionAvailable => ({ kind: 'sessionAvailable', cursor: '0', ...fields });

export interface MissedPortion {
  /** He has no session (any more). */
  readonly away: boolean;
  /** For the next portion; `0` after the last. */
  readonly next: string;
  /** In no order. */
  readonly missed: readonly Missed[];
  /** The resource of the session that is most surely there; empty when there is none that has not fallen silent. */
  readonly there: string;
}

/** A sender is there: makes a portion of the notices that he could not be given due now. Gives the next one's cursor. */
export interface SenderAvailable {
  readonly kind: 'senderAvailable';
  /** Bare JID. */
  readonly user: string;
  /** `0` at the beginning, and in the reply after the last. */
  readonly cursor: string;
}

export const senderAvailable = (user: string, cursor: string): SenderAvailable => ({
  kind: 'senderAvailable',
  user,
  cursor,
});

/**
 * A session of a recipient's confirmed a message: what was stored before it, went to the same session and is not
 * confirmed is due at `due` (ms).
 */
export interface SequenceGap {
  readonly kind: 'sequenceGap';
  readonly user: string;
  readonly resource: string;
  /** Whose message it confirmed. */
  readonly sender: string;
  /** When the confirmed one was stored, ms. */
  readonly later: number;
  readonly due: number;
  /** `0` at the beginning. */
  readonly cursor: string;
}

export const sequenceGap = (
  user: string,
  resource: string,
  sender: string,
  later: number,
  due: number,
  cursor = '0',
): SequenceGap => ({ kind: 'sequenceGap', user, resource, sender, later, due, cursor });

/**
 * Which of these users may have been passed over with something, or have a session that was taken for silent: of all others
 * {@link SequenceGap} says and changes nothing. So it is of nearly all who confirm what they get.
 */
export interface AnythingOut {
  readonly kind: 'anythingOut';
  readonly users: readonly string[];
}

export const anythingOut = (users: readonly string[]): AnythingOut[] =>
  inPortions(users, (portion): AnythingOut => ({ kind: 'anythingOut', users: portion }));

/** The keys of those of a portion that are due now, and the cursor of the next one. */
export interface GapPortion {
  readonly next: string;
  readonly keys: readonly string[];
}

/** What waits to be sent again stays the caller's until `leaseUntil` (ms), unless another has claimed it. Idempotent. */
export interface RenewLease {
  readonly kind: 'renewLease';
  readonly waiting: readonly Pick<Missed, 'key' | 'attempt'>[];
  readonly leaseUntil: number;
}

export const renewLease = (waiting: RenewLease['waiting'], leaseUntil: number): RenewLease => ({
  kind: 'renewLease',
  waiting,
  leaseUntil,
});

/**
 * A message, and whatever its sender sent to the recipient before it, has arrived, as something else than a receipt shows.
 * Gives those that this has settled, not what was settled before: a portion, and the cursor of the next one.
 *
 * `namesEarlier`: where there is anything before it, nothing is settled, and that is named, and the message itself with the last
 * portion: which of it has arrived is known to the caller, who has seen to which sessions it went.
 */
export interface SettleUpTo {
  readonly kind: 'settleUpTo';
  readonly key: string;
  readonly sender: string;
  readonly recipient: string;
  readonly resource: string;
  /** ms. */
  readonly now: number;
  /** `0` at the beginning. */
  readonly cursor: string;
  readonly namesEarlier: boolean;
  /** Of the named one. */
  readonly only?: Only;
}

export const settleUpTo = (
  key: string,
  sender: string,
  recipient: string,
  resource: string,
  now: number,
  cursor = '0',
  namesEarlier = false,
  only?: Only,
): SettleUpTo => ({ kind: 'settleUpTo', key, sender, recipient, resource, now, cursor, namesEarlier, only });

/** One that other evidence than a receipt has settled. */
export interface Proved {
  readonly record: StoredRecord;
  readonly late: boolean;
}

export interface ProvedPortion {
  readonly next: string;
  readonly settled: readonly Proved[];
  /** Pending, before the message that is meant. */
  readonly earlier: readonly StoredRecord[];
  /** That message, if it is pending and was not settled by this. */
  readonly named?: StoredRecord | undefined;
}

export type EvidenceRequest = SessionAvailable | SenderAvailable | AnythingOut | SequenceGap | RenewLease | SettleUpTo;

export interface EvidenceReplies {
  sessionAvailable: MissedPortion;
  senderAvailable: string;
  anythingOut: readonly string[];
  sequenceGap: GapPortion;
  renewLease: undefined;
  settleUpTo: ProvedPortion;
}
