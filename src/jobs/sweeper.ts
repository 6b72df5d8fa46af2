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
import type { LostDueTimes } from './lost-due-times.ts';
import type { Queues } from './queues.ts';

/** How often what is overdue is looked for, ms. */
const SWEEP_EVERY = 1000;
/** What one sweep takes, and how many jobs may wait: so that a storm of overdue messages is worked off in portions. */
const SWEEP_LIMIT = 500;
const MAX_WAITING = 2000;
/** What each of several sweeps takes at least, that together look at all. */
const LEAST_OF_SEVERAL = 100;

/** How long ago what is overdue was last looked for. */
export interface SweepState {
  /** ms, as of `performance.now()`; before the first time when that was begun. */
  readonly sweptAt: number;
  /** Why it failed since. */
  readonly fault: string | undefined;
}

export interface SweeperOptions {
  readonly ledger: Pick<Store, 'sweep' | 'sweeps'>;
  readonly queues: Pick<Queues, 'waiting' | 'addSwept' | 'addDamaged'>;
  readonly perform: Perform;
  readonly retry: RetryPolicy;
  readonly lostDueTimes?: Pick<LostDueTimes, 'take' | 'miscounted'> | undefined;
  /** Redis failed; told of many times a second while it does. */
  readonly onProblem: (error: Error) => void;
  /** ms. */
  readonly every?: number;
  /** ms, monotonic. */
  readonly now?: () => number;
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
  /** Those under way, by their part. */
  readonly #sweeping = new Map<number, Promise<void>>();
  /** When each part was last swept, or the first time begun (ms, monotonic); of those that failed since, why. */
  readonly #sweptAt = new Map<number, number>();
  readonly #faults = new Map<number, string>();

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#sweptAt.clear();
    this.#timer ??= setInterval(() => this.#tick(), this.#options.every ?? SWEEP_EVERY);
    this.#tick();
  }

  /** The part that has gone longest without a sweep; undefined while none is wanted. */
  get oldest(): SweepState | undefined {
    if (this.#timer === undefined) return undefined;
    let oldest: SweepState | undefined;
    for (const [part, at] of this.#sweptAt) {
      if (oldest === undefined || at < oldest.sweptAt) oldest = { sweptAt: at, fault: this.#faults.get(part) };
    }
    return oldest;
  }

  /** Takes nothing up any more; resolves when what is in hand is finished. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await Promise.all(this.#sweeping.values());
  }

  /** One sweep of a part at a time: while Redis hangs they must not pile up. A part that hangs holds up no other. */
  #tick(): void {
    const { ledger, queues, onProblem, now = () => performance.now() } = this.#options;
    const { sweeps = 1 } = ledger;
    // A ledger that is there may have fewer parts than are wanted, as is known once it was looked at.
    for (const part of this.#sweptAt.keys()) if (part >= sweeps) this.#sweptAt.delete(part);
    const waiting = queues.waiting();
    for (let part = 0; part < sweeps; part += 1) {
      if (!this.#sweptAt.has(part)) this.#sweptAt.set(part, now());
      if (this.#sweeping.has(part)) continue;
      const sweep = this.#sweep(part, sweeps, waiting)
        .then(
          () => this.#swept(part),
          (error: Error) => {
            this.#faults.set(part, error.message);
            onProblem(error);
          },
        )
        .finally(() => this.#sweeping.delete(part));
      this.#sweeping.set(part, sweep);
    }
    // Whoever sweeps meets its error.
    waiting.catch(() => {});
  }

  #swept(part: number): void {
    const { now = () => performance.now() } = this.#options;
    this.#sweptAt.set(part, now());
    this.#faults.delete(part);
  }

  async #sweep(part: number, sweeps: number, waiting: Promise<number>): Promise<void> {
    const room = Math.min(SWEEP_LIMIT, MAX_WAITING - (await waiting));
    if (this.#timer === undefined || room <= 0) return;
    await this.#sweepSome(sweeps === 1 ? room : Math.max(LEAST_OF_SEVERAL, Math.ceil(room / sweeps)), part);
  }

  async #sweepSome(room: number, part: number): Promise<void> {
    const { ledger, lostDueTimes } = this.#options;
    const sweep = () => ledger.sweep(JOB_LEASE, room, undefined, part, lostDueTimes?.miscounted(part));
    const { now, overdue, missing, unreported, unreadable } = await sweep().catch((error: unknown) => {
      // Nothing was taken. The next call is not late, or takes the step of a clock out.
      if (error instanceof LateCallError) return sweep();
      throw error;
    });
    if (missing !== undefined) lostDueTimes?.take(part, missing);
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
