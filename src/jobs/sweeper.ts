import {
  LateCallError,
  type Perform,
  quarantine,
  release,
  reported,
  type Store,
  type Swept,
} from '../store/contract.ts';
import { JOB_LEASE, type RetryPolicy } from '../store/retry-policy.ts';
import type { Queues } from './queues.ts';

/** How often what is overdue is looked for, ms. */
const SWEEP_EVERY = 1000;
/** What one sweep takes, and how many jobs may wait: so that a storm of overdue messages is worked off in portions. */
const SWEEP_LIMIT = 500;
const MAX_WAITING = 2000;
/** What each of several sweeps takes at least, that together look at all. */
const LEAST_OF_SEVERAL = 100;

export interface SweeperOptions {
  readonly ledger: Pick<Store, 'sweep' | 'sweeps'>;
  readonly queues: Pick<Queues, 'waiting' | 'addSwept' | 'addDamaged'>;
  readonly perform: Perform;
  readonly retry: RetryPolicy;
  /** Redis failed; told of many times a second while it does. */
  readonly onProblem: (error: Error) => void;
  /** ms. */
  readonly every?: number;
  readonly log: { error(fields: object, message: string): void };
}

/**
 * Looks for what is overdue and makes jobs of it. Every process does, by a timer of its own: a job that something else
 * schedules can be lost, or lie in the future of a clock that was set back. That several find the same is no matter, as
 * each message is leased to one.
 */
export class Sweeper {
  readonly #options: SweeperOptions;
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#tick(), this.#options.every ?? SWEEP_EVERY);
    this.#tick();
  }

  /** Takes nothing up any more; resolves when what is in hand is finished. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#sweeping;
  }

  /** One sweep at a time: while Redis hangs they must not pile up. */
  #tick(): void {
    this.#sweeping ??= this.#sweep()
      .catch((error: Error) => this.#options.onProblem(error))
      .finally(() => {
        this.#sweeping = undefined;
      });
  }

  async #sweep(): Promise<void> {
    const { ledger, queues } = this.#options;
    const room = Math.min(SWEEP_LIMIT, MAX_WAITING - (await queues.waiting()));
    if (this.#timer === undefined || room <= 0) return;
    const { sweeps = 1 } = ledger;
    if (sweeps === 1) return this.#sweepSome(room);
    // What does not answer holds up no other.
    const some = Math.max(LEAST_OF_SEVERAL, Math.ceil(room / sweeps));
    const all = await Promise.allSettled(Array.from({ length: sweeps }, () => this.#sweepSome(some)));
    const failed = all.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #sweepSome(room: number): Promise<void> {
    const { ledger } = this.#options;
    const { now, overdue, unreported, unreadable } = await ledger.sweep(JOB_LEASE, room).catch((error: unknown) => {
      // Nothing was taken. The next call is not late, or takes the step of a clock out.
      if (error instanceof LateCallError) return ledger.sweep(JOB_LEASE, room);
      throw error;
    });
    if (overdue.length > 0) await this.#makeJobs(overdue, now);
    // What is damaged comes after what is not, which it must not hold up.
    await Promise.all(unreadable.map((key) => this.#options.perform(quarantine(key))));
    if (unreported.length > 0) await this.#name(unreported);
  }

  async #makeJobs(overdue: Swept['overdue'], now: number): Promise<void> {
    const { queues, retry } = this.#options;
    const leaseEnd = retry.jobLeaseEnd(now);
    const isOver = ({ state, storedAt }: (typeof overdue)[number]) =>
      state === 'pending' && now >= retry.expiry(storedAt);
    try {
      await queues.addSwept(overdue, isOver, now, leaseEnd);
    } catch (error) {
      await Promise.all(release(overdue, leaseEnd).map((request) => this.#options.perform(request)));
      throw error;
    }
  }

  /** Damaged records are shown to an operator, and named in the log once. */
  async #name(keys: readonly string[]): Promise<void> {
    const { queues, perform, log } = this.#options;
    for (const key of keys) {
      await queues.addDamaged(key);
      log.error(
        { key },
        'A record in Redis was damaged and is kept aside; its sender is told if it still says who that is',
      );
    }
    await perform(reported(keys));
  }
}
