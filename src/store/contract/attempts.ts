import { inPortions } from './portions.ts';
import type { Ending, StoredRecord } from './record.ts';

/** Records that the server has handled a copy. Idempotent; moot when a later attempt was claimed. */
export interface HandOver {
  readonly kind: 'handOver';
  readonly key: string;
  readonly attempt: number;
  /** How many copies have been handed over with it. */
  readonly copies: number;
  /** When it is due again (ms), should the rules leave it to the timetable or to the few retries of the unconfirmed. */
  readonly byTimetable: number;
  readonly unconfirmed: number;
  readonly sender: string;
  readonly recipient: string;
  /** Whether it was marked to be kept from offline storage (XEP-0334). */
  readonly noStore: boolean;
  /** The resource that it was for, where servers drop it should that one be gone; else empty. */
  readonly resource: string;
  /** When the server proved to have it, ms; 0: when this is recorded. */
  readonly provedAt: number;
  /**
   * How long before that it was written, at most, ms. Should a session of the recipient's have ended meanwhile, it may have gone
   * to that one, and counts as sent when it was written.
   */
  readonly took: number;
}

type HasDefault = 'resource' | 'provedAt' | 'took';
export type HandedOver = Omit<HandOver, 'kind' | HasDefault> & Partial<Pick<HandOver, HasDefault>>;

export const handOver = (copy: HandedOver): HandOver => ({
  kind: 'handOver',
  key: copy.key,
  attempt: copy.attempt,
  copies: copy.copies,
  byTimetable: copy.byTimetable,
  unconfirmed: copy.unconfirmed,
  sender: copy.sender,
  recipient: copy.recipient,
  noStore: copy.noStore,
  resource: copy.resource ?? '',
  provedAt: copy.provedAt ?? 0,
  took: copy.took ?? 0,
});

/**
 * Claims an attempt, for a lease: of two that claim the same one, one gets it. A repetition after a lost reply is moot; the
 * lease's end brings the message back.
 */
export interface Claim {
  readonly kind: 'claim';
  readonly key: string;
  readonly attempt: number;
  /** Until when (ms) the sweep that made the job has leased it: if it was handed over since, the job is moot. `*`: any. */
  readonly lease: number | '*';
}

export const claim = (key: string, attempt: number, lease: number | '*' = '*'): Claim => ({
  kind: 'claim',
  key,
  attempt,
  lease,
});

/**
 * `moot` when another has it or nothing is to be sent (now: its recipient may be known to be away), `overdue` when its life
 * is over; `asks` when sessions of its recipient's are first to be asked whether they are there.
 */
export type Claimed =
  | {
      readonly outcome: 'claimed';
      readonly record: StoredRecord;
      /** Whether offline storage must not take this copy. */
      readonly noStore: boolean;
      /** The recipient's resource that a copy should go to, since another session of his is silent; else empty. */
      readonly target: string;
    }
  | { readonly outcome: 'asks'; readonly user: string; readonly resources: readonly string[] }
  | { readonly outcome: 'overdue' }
  | { readonly outcome: 'moot' };

/** A copy came back with a temporary error. Idempotent. */
export interface Bounce {
  readonly kind: 'bounce';
  readonly key: string;
}

export const bounce = (key: string): Bounce => ({ kind: 'bounce', key });

/** What a bounce met: a pending message (as it now stands), one that had ended, or none. */
export type Bounced =
  | { readonly outcome: 'ended' | 'unknown' }
  | { readonly outcome: 'done'; readonly record: StoredRecord };

/** Brings a pending message's due time (ms) forward, unless its recipient is known to be away. Idempotent. */
export interface BringForward {
  readonly kind: 'bringForward';
  readonly key: string;
  readonly due: number;
  readonly recipient: string;
}

export const bringForward = (key: string, due: number, recipient: string): BringForward => ({
  kind: 'bringForward',
  key,
  due,
  recipient,
});

/** Gives back what a sweep has leased until `leaseUntil` (ms): the next one finds it. At most a hundred. */
export interface Release {
  readonly kind: 'release';
  readonly endings: readonly Ending[];
  readonly leaseUntil: number;
}

/** As many requests as it takes. */
export const release = (endings: readonly Ending[], leaseUntil: number): Release[] =>
  inPortions(endings, (portion): Release => ({ kind: 'release', endings: portion, leaseUntil }));

export type AttemptRequest = HandOver | Claim | Bounce | BringForward | Release;

export interface AttemptReplies {
  /** When (ms) the message is due next; undefined when nothing is. */
  handOver: number | undefined;
  claim: Claimed;
  bounce: Bounced;
  bringForward: undefined;
  release: undefined;
}
