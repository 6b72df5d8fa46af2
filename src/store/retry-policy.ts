/**
 * When something is due next: the only place that computes it, from settings, state and evidence. Pure. All times are in
 * milliseconds, points in time since the epoch by the ledger's clock.
 *
 * What a script has to compute in the step that learns of it, it computes of {@link SCRIPT_TIMES}, which are written into
 * the scripts by name, and of {@link RetryPolicy.storeTimes}, which each call brings.
 */

/** What an operator sets; docs/configuration.md has them. */
export interface RetrySettings {
  /** RETRY_SCHEDULE: waits between attempts; the last one repeats. Not empty. */
  readonly schedule: readonly number[];
  /** MESSAGE_TTL: a message's life, from the moment that it was stored. */
  readonly messageTtl: number;
  /** UNCONFIRMED_RETRIES: how often a message is sent again to a recipient who was never seen to return a receipt. */
  readonly unconfirmedRetries: number;
  /** UNCONFIRMED_RETRY_AFTER. */
  readonly unconfirmedRetryAfter: number;
  /** RECEIPT_GAP: how long after a later receipt an earlier one may still come. */
  readonly receiptGap: number;
}

/** What is kept for how long, beside {@link RetrySettings}. */
export interface Retention {
  /** DEDUP_WINDOW: how long after its end a message is known. */
  readonly dedupWindow: number;
  /** UNDELIVERED_RETENTION: how long a failed message is kept whole. */
  readonly undeliveredRetention: number;
}

/**
 * How long a copy that is being sent is nobody else's to send. Long enough for a server's answer to a ping, short enough
 * that what a dead process had in hand is soon sent by another. It is due for the first time when this is over: whoever
 * stored it sends it at once.
 */
export const LEASE = 10_000;
/**
 * How long what a sweep has found is left to its job; then the job counts as lost, with a Redis that failed over, say.
 * Should it only have waited, no harm is done: of two jobs of an attempt one can claim it.
 */
export const JOB_LEASE = 15_000;
/** How long what waits for its turn in a redelivery run is nobody else's to send. Should the process die, a sweep finds it. */
export const TURN_LEASE = 60_000;
/** How long it is remembered that a recipient returns receipts: 90 days. */
const RECEIPT_SUPPORT_KEPT = 90 * 24 * 3600 * 1000;
// Up to a tenth later, so that what was sent together does not come back together.
const JITTER = 0.1;

/** What scripts compute due times of by themselves; `POLICY.<name>` in their text stands for one. */
export const SCRIPT_TIMES = {
  /** A failure waits so long for a sender who is away before it is looked again whether he is. */
  NOTICE_TO_ABSENT_SENDER: 3600_000,
  /** What a pause keeps back is looked at again so soon. */
  WHILE_PAUSED: 30_000,
  /** A correction waits so long for a later one to arrive before it is looked again whether it has. */
  OUTDATED_CORRECTION: 600_000,
  /** A sender who had one sent again by his own wish waits so long before the next, and twice as long each time. */
  WANTED_AGAIN: 60_000,
  /**
   * So long after a session was to be pinged, and no answer or silence of it is recorded, it is to be pinged again: whoever was to
   * do it has not, or its reply was lost. Longer than an answer is waited for.
   */
  SESSION_ANSWER: 20_000,
  /**
   * By so much, at most, a process' idea of the time is behind. What was proved earlier than that before it is recorded (Redis
   * stood still) counts as handed over so long after the proof.
   */
  BEHIND: 500,
  /**
   * What lay in offline storage comes together, and what of it is not confirmed is due in the order in which it was stored:
   * the older, the sooner, by such a part of the wait at the most.
   */
  STORAGE_SPREAD: 0.1,
  /** A first lease of which less than this part is over serves for the receipt to the sender as well. */
  FRESH_LEASE: 1 / 3,
  /**
   * So long the record of a delivered message is kept whole after its sender was told, for what comes soon after: a marker, a
   * resend under an id that is counted. But no longer than an eighth of DEDUP_WINDOW.
   */
  DELIVERED_KEPT_WHOLE: 1800_000,
  /** Nothing is due by so much later than the latest time that is computed anywhere: what is was not written by us. */
  DUE_MARGIN: 3600_000,
} as const;

/** Due times, from {@link RetrySettings}, what is known of a message, and the time that it is. */
export class RetryPolicy {
  readonly settings: RetrySettings;

  constructor(settings: RetrySettings) {
    this.settings = settings;
  }

  /** When a message is given up. */
  expiry(storedAt: number): number {
    return storedAt + this.settings.messageTtl;
  }

  /** When a copy that is being sent is another's to send. */
  leaseEnd(now: number): number {
    return now + LEASE;
  }

  /** When what a sweep has given to a job is another sweep's. */
  jobLeaseEnd(now: number): number {
    return now + JOB_LEASE;
  }

  /** When what waits for its turn in a redelivery run is another's to send. */
  turnLeaseEnd(now: number): number {
    return now + TURN_LEASE;
  }

  /**
   * When a message is due again by RETRY_SCHEDULE, after a copy was handed over or came back; never after its expiry.
   * Another copy does no harm: its recipient was seen to return receipts, or the last one bounced.
   *
   * @param copies how many were handed over; none counts as one
   * @param random in [0, 1)
   */
  bySchedule(storedAt: number, copies: number, now: number, random: number): number {
    const { schedule } = this.settings;
    const step = Math.min(Math.max(copies, 1), schedule.length) - 1;
    return Math.min(this.expiry(storedAt), now + jittered(schedule[step] as number, random));
  }

  /**
   * The same of a recipient whose client may be one that shows a message and returns no receipts: each further copy would be
   * shown as well.
   */
  unconfirmed(storedAt: number, copies: number, now: number, random: number): number {
    const { unconfirmedRetries, unconfirmedRetryAfter } = this.settings;
    const expiry = this.expiry(storedAt);
    const retriesMade = copies - 1;
    if (retriesMade >= unconfirmedRetries) return expiry;
    return Math.min(expiry, now + jittered(unconfirmedRetryAfter, random));
  }

  /** When a copy that a session has passed over, by confirming a later one, is due again. */
  afterGap(now: number): number {
    return now + this.settings.receiptGap;
  }

  /** When a message that lay in offline storage, and comes by itself at a login, is due again. */
  afterLogin(now: number, random: number): number {
    return now + jittered(this.#firstStep, random);
  }

  /** Since when a copy of a redelivery run must be out to hold up the next no longer, though nobody confirmed it. */
  unansweredSince(now: number): number {
    return now - this.#firstStep;
  }

  /** What each call brings to the scripts. */
  storeTimes({ dedupWindow, undeliveredRetention }: Retention): StoreTimes {
    return {
      dedupWindow,
      undeliveredRetention,
      messageTtl: this.settings.messageTtl,
      receiptSupportKept: RECEIPT_SUPPORT_KEPT,
      firstStep: this.#firstStep,
    };
  }

  get #firstStep(): number {
    return this.settings.schedule[0] as number;
  }
}

/** Times that scripts are given; see scripts/include/batch-arguments.lua. */
export interface StoreTimes extends Retention {
  readonly messageTtl: number;
  readonly receiptSupportKept: number;
  readonly firstStep: number;
}

/** A wait, prolonged a little; `random` in [0, 1). */
function jittered(wait: number, random: number): number {
  return Math.round(wait * (1 + JITTER * random));
}
