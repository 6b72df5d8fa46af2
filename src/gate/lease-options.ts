import type { Durability } from '../../packages/protocol/elements.ts';
import type { CommandRequestsOptions } from './command-requests.ts';
import type { Enabled, GateEvent } from './events.ts';

/** Times, ms, which tests shorten. */
export interface LeaseTiming {
  /** How long the gate may hold a message. */
  readonly timeout: number;
  /** How long a lease lasts that nothing renews. */
  readonly lease: number;
  /** How long after a failure it is asked for again. */
  readonly retryAfter: number;
  /** How long an answer may take. */
  readonly answerWithin: number;
}

export const LEASE_TIMING: LeaseTiming = { timeout: 3000, lease: 10_000, retryAfter: 5000, answerWithin: 15_000 };

/**
 * The mark of the ledger. A gate remembers it from one process to the next: who starts together with an older copy of the ledger knows
 * by that alone that there was a newer one.
 */
export interface LedgerMark {
  /** As it was seen last; undefined before. */
  readonly mark: string | undefined;
  /**
   * Compares the ledger with a mark that was told before this process. Does not reject, and takes no longer than a message may be held.
   *
   * @param age how long ago that was, ms
   * @returns false when Redis did not answer in time: nothing may be taken up that is in it
   */
  compare(mark: string, age: number): Promise<boolean>;
}

/** What the gate's other end hears of a lease. */
export interface LeaseListener {
  /** The lease has begun; what is remembered follows, then `ready`. */
  enabled(terms: Enabled): void;
  /** A gate has answered, or there is none; what it knew of the ledger is compared. Called again with each lease. */
  asked(): void;
  event(event: GateEvent): void;
  /** Nothing is held for us any more. */
  lost(why: string): void;
}

export interface LeaseOptions extends CommandRequestsOptions {
  readonly listener: LeaseListener;
  /** What an acknowledgement says that the gate is asked to write; undefined where there are none. */
  readonly acks?: Durability | undefined;
  readonly ledger?: LedgerMark | undefined;
  readonly timing?: Partial<LeaseTiming> | undefined;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}
