import { type Clock, type RenewLease, renewLease, type StoreQueue } from '../../store/contract.ts';
import { type RetryPolicy, TURN_LEASE } from '../../store/retry-policy.ts';

export interface LeaseRenewalOptions {
  readonly pipeline: Pick<StoreQueue, 'push'>;
  readonly retry: RetryPolicy;
  readonly clock: Clock;
}

/** ms. */
const RENEW_EVERY = TURN_LEASE / 3;
/** How many leases one request renews. */
const AT_A_TIME = 100;

/** Keeps the leases of messages that wait in this process for their turn to be sent again. */
export class LeaseRenewal {
  readonly #options: LeaseRenewalOptions;
  #renewedAt = 0;

  constructor(options: LeaseRenewalOptions) {
    this.#options = options;
  }

  /** Whether it is time to renew; true once in that time. */
  isDue(): boolean {
    const now = this.#options.clock.now();
    if (now - this.#renewedAt < RENEW_EVERY) return false;
    this.#renewedAt = now;
    return true;
  }

  renew(waiting: RenewLease['waiting']): void {
    const { retry, pipeline } = this.#options;
    const until = retry.turnLeaseEnd(this.#renewedAt);
    for (let i = 0; i < waiting.length; i += AT_A_TIME) {
      pipeline.push({ request: renewLease(waiting.slice(i, i + AT_A_TIME), until), done: () => {} });
    }
  }
}
