import type { Counts } from '../metrics/counters.ts';

/** Between two samples, ms, and how many are kept: an hour. */
const SAMPLE_EVERY = 10_000;
const KEPT = 360;

/** What happened between two samples, by this process, and what waits in the store. */
export interface Sample {
  /** ms since the epoch, of its end. */
  readonly at: number;
  readonly accepted: number;
  readonly delivered: number;
  readonly redelivered: number;
  readonly failed: number;
  /** Undefined while the store does not answer. */
  readonly waiting: number | undefined;
}

type Counted = Pick<Counts, 'accepted' | 'delivered' | 'redelivered' | 'expired' | 'rejected'>;

export interface HistoryOptions {
  readonly counts: Readonly<Counted>;
  /** How many messages wait; may reject. */
  readonly waiting: () => Promise<number>;
  readonly now?: () => number;
}

/** The last hour, in memory, for the console's curves. Takes nothing from the hot path: it reads what is counted anyway. */
export class History {
  readonly #options: HistoryOptions;
  readonly #samples: Sample[] = [];
  #before: Counted;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#before = { ...options.counts };
  }

  /** The oldest first; at most an hour's. */
  get samples(): readonly Sample[] {
    return this.#samples;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.sample(), SAMPLE_EVERY).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async sample(): Promise<void> {
    const { counts, waiting, now = Date.now } = this.#options;
    const pending = await waiting().catch(() => undefined);
    const before = this.#before;
    const current = { ...counts };
    this.#before = current;
    this.#samples.push({
      at: now(),
      accepted: current.accepted - before.accepted,
      delivered: current.delivered - before.delivered,
      redelivered: current.redelivered - before.redelivered,
      failed: current.expired + current.rejected - before.expired - before.rejected,
      waiting: pending,
    });
    if (this.#samples.length > KEPT) this.#samples.shift();
  }
}
