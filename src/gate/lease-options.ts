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

/** What the gate's other end hears of a lease. */
export interface LeaseListener {
  /** The lease has begun; what is remembered follows, then `ready`. */
  enabled(terms: Enabled): void;
  event(event: GateEvent): void;
  /** Nothing is held for us any more. */
  lost(why: string): void;
}

export interface LeaseOptions extends CommandRequestsOptions {
  readonly listener: LeaseListener;
  /** What an acknowledgement says that the gate is asked to write; undefined where there are none. */
  readonly acks?: Durability | undefined;
  readonly timing?: Partial<LeaseTiming> | undefined;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}
