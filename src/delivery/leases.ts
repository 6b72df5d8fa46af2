import { type Clock, renewLease, type StoreQueue } from '../store/contract.ts';
import { LEASE, type RetryPolicy } from '../store/retry-policy.ts';

/** How often it is looked, ms: what was there at two looks is renewed, which is by half a lease after it was claimed. */
const EVERY = LEASE / 4;
const LOOKS = 2;
const TOGETHER = 100;

/** A copy on its way. */
interface Copy {
  readonly attempt: number;
  readonly record: { readonly key: string; readonly storedAt: number };
  /** How often it was looked at since it was claimed or renewed. */
  looks?: number;
}

export interface LeasesOptions {
  readonly pipeline: Pick<StoreQueue, 'push'>;
  readonly retry: RetryPolicy;
  readonly clock: Clock;
  /** The copies on their way. */
  readonly copies: Iterable<Copy>;
}

/**
 * A copy may wait in the link for longer than its lease lasts, where the server is slow: the lease is renewed as long as
 * the server handles anything at all, or a sweep would give the message to another process, which sent it too. While
 * nothing is handed over the link may be broken, and another process' link may be better.
 */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #timer: NodeJS.Timeout;
  #progress = false;

  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.renew(), EVERY).unref();
  }

  /** The server has handled something. */
  progress(): void {
    this.#progress = true;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Called by the timer. */
  renew(): void {
    const { pipeline, copies, retry, clock } = this.#options;
    const until = retry.leaseEnd(clock.now());
    let waiting: Copy[] = [];
    const renew = () => {
      const all = waiting.map(({ record: { key }, attempt }) => ({ key, attempt }));
      waiting = [];
      if (all.length > 0) pipeline.push({ request: renewLease(all, until), done: () => {} });
    };
    for (const sent of copies) {
      sent.looks = (sent.looks ?? 0) + 1;
      // A lease must not hide the end of a life.
      if (!this.#progress || sent.looks < LOOKS || retry.expiry(sent.record.storedAt) <= until) continue;
      sent.looks = 0;
      if (waiting.push(sent) === TOGETHER) renew();
    }
    renew();
    this.#progress = false;
  }
}
