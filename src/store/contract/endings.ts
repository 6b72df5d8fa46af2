import type { Bounced } from './attempts.ts';
import { inPortions } from './portions.ts';
import type { Ending, StoredRecord } from './record.ts';
import type { Only } from './settlement.ts';

/** Records that the senders of these were notified of how they ended. Idempotent. At most a hundred. */
export interface Notified {
  readonly kind: 'notified';
  readonly endings: readonly Ending[];
}

/** As many requests as it takes. */
export const notified = (endings: readonly Ending[]): Notified[] =>
  inPortions(endings, (portion): Notified => ({ kind: 'notified', endings: portion }));

/** A copy came back for good: ends a pending message as `rejected`. A repetition meets one that has ended. */
export interface Reject {
  readonly kind: 'reject';
  readonly key: string;
  /** ms. */
  readonly now: number;
  /** Of the stanza error, RFC 6120 section 8.3. */
  readonly condition: string;
  readonly errorType: string | undefined;
  readonly text: string | undefined;
  readonly only?: Only;
}

export const reject = (
  key: string,
  now: number,
  condition: string,
  errorType: string | undefined,
  text: string | undefined,
  only?: Only,
): Reject => ({ kind: 'reject', key, now, condition, errorType, text, only });

/**
 * Ends a message whose life is over, as `expired` or `unconfirmed`. Gives it; undefined when it is not its time, or it has
 * ended.
 */
export interface Expire {
  readonly kind: 'expire';
  readonly key: string;
  /** ms. */
  readonly now: number;
}

export const expire = (key: string, now: number): Expire => ({ kind: 'expire', key, now });

/** Gives an undelivered message a new life, an attempt claimed. Undefined when there is nothing to send. */
export interface Requeue {
  readonly kind: 'requeue';
  readonly key: string;
}

export const requeue = (key: string): Requeue => ({ kind: 'requeue', key });

/** Puts aside a pending record that turned out to be damaged where the store does not look: in its payload. Idempotent. */
export interface Quarantine {
  readonly kind: 'quarantine';
  readonly key: string;
}

export const quarantine = (key: string): Quarantine => ({ kind: 'quarantine', key });

/** The log has named these damaged records; at most as many as {@link Swept.unreported} gives. Idempotent. */
export interface Reported {
  readonly kind: 'reported';
  readonly keys: readonly string[];
}

export const reported = (keys: readonly string[]): Reported => ({ kind: 'reported', keys });

export type EndingRequest = Notified | Reject | Expire | Requeue | Quarantine | Reported;

export interface EndingReplies {
  notified: undefined;
  reject: Bounced;
  expire: StoredRecord | undefined;
  requeue: StoredRecord | undefined;
  quarantine: undefined;
  reported: undefined;
}
