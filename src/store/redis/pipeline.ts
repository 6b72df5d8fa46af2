import type { ReplyTo, Request, Store, StoreQueue, StoreQueueHealth, Work } from '../contract.ts';
import { Calls } from './calls.ts';
import { RedisState } from './redis-state.ts';
import { type Entry, WaitingWork } from './waiting-work.ts';
import { WorkRefusal } from './work-refusal.ts';
import { WorkResults } from './work-results.ts';

/** Entries that go to Redis together. */
interface Batch {
  readonly entries: readonly Entry[];
  done: boolean;
  /** It is to be made again when all before it are through. */
  isAgain: boolean;
  /** One before it is made again: whatever it was answered, it is to be made again behind that one. */
  isAhead: boolean;
  wake: () => void;
}

export interface PipelineOptions {
  readonly log: {
    warn(fields: object, message: string): void;
    info(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  /** Redis begins to fail, or works again. */
  readonly onFailing?: (failing: boolean) => void;
  /** An operation was set aside, since it cannot be carried out by itself. */
  readonly onSetAside?: () => void;
  /** Operations in one call to Redis. */
  readonly batch?: number;
  /** How long work waits for Redis before it is refused, ms. */
  readonly timeout?: number;
  /** Bounds of what waits; beyond them new work is refused at once. */
  readonly maxBytes?: number;
  readonly maxEntries?: number;
  /** Calls that are under way at a time; with one, a call that is made again overtakes nothing. */
  readonly inFlight?: number;
}

// With two, Redis works on one while the next is gathered; a third would only wait there.
const MAX_IN_FLIGHT = 2;
/** The part of a whole call that a second one must carry: a small one costs Redis more than it saves to send it so soon. */
const LEAST_OF_SECOND = 1 / 3;

/**
 * Carries the work of each turn of the event loop to the ledger in one call, and lets what follows from it happen in
 * the order of arrival. A lone message does not wait for company.
 *
 * While Redis does not answer, work waits: what may be refused for a few seconds and within bounds, what must not be
 * lost (receipts, hand-overs) until Redis is back. A batch whose reply was lost is carried out again, which is safe.
 */
export class Pipeline implements StoreQueue {
  readonly #options: Required<PipelineOptions>;
  readonly #calls: Calls;
  readonly #waiting: WaitingWork;
  readonly #state: RedisState;
  readonly #refusal: WorkRefusal;
  readonly #results: WorkResults;
  /** Batches that are under way, oldest first. */
  readonly #inFlight: Batch[] = [];
  #scheduled = false;
  #closed = false;
  #expiry: NodeJS.Timeout | undefined;
  #idle: (() => void)[] = [];
  #onRoom: () => void = () => {};

  constructor(store: Pick<Store, 'batch'>, options: PipelineOptions) {
    const defaults = {
      batch: 200,
      timeout: 5000,
      maxBytes: 64 * 1024 * 1024,
      maxEntries: 100_000,
      inFlight: MAX_IN_FLIGHT,
    };
    this.#options = { onFailing: () => {}, onSetAside: () => {}, ...defaults, ...options };
    this.#waiting = new WaitingWork(this.#options);
    this.#state = new RedisState(this.#options);
    this.#refusal = new WorkRefusal({ timeout: this.#options.timeout, push: (work) => this.push(work) });
    this.#results = new WorkResults({ ...this.#options, waiting: this.#waiting, refusal: this.#refusal });
    this.#calls = new Calls({
      store,
      onAnswer: () => {
        if (this.#state.answered(false)) this.#stopExpiry();
      },
      onFailure: (error, items) => this.#noteFailing(error, items as readonly Entry[]),
      closed: () => this.#closed,
    });
  }

  /** Whether the last call to Redis failed. */
  get failing(): boolean {
    return this.#state.failing;
  }

  get health(): StoreQueueHealth {
    return this.#state.health;
  }

  /** Redis has shown that it keeps messages as DURABILITY demands. */
  kept(_of?: unknown): void {
    if (this.#state.lacksDurability && this.#state.answered()) this.#stopExpiry();
  }

  /** Whether anything waits or is under way. */
  get busy(): boolean {
    return this.#waiting.size > 0 || this.#inFlight.length > 0;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Calls this whenever what waited was made up into calls: there may be room for more. */
  whenRoom(listener: () => void): void {
    this.#onRoom = listener;
  }

  /** Gives up what waits and takes nothing more: Redis is being left, and to go on trying would keep the process alive. */
  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    clearInterval(this.#expiry);
  }

  push<R extends Request>(work: Work<R>): void {
    if (this.#closed) return;
    const bytes = work.bytes ?? 0;
    if (work.refuse && this.#waiting.isFull(bytes, work.owner ?? '')) {
      work.refuse();
      return;
    }
    this.#waiting.bytes += bytes;
    // In one literal: this is made for every message.
    this.#waiting.push({
      work: work as Work,
      request: work.request,
      since: performance.now(),
      over: false,
      tried: false,
      reply: undefined,
      error: undefined,
    });
    this.#schedule();
  }

  perform<R extends Request>(request: R, take?: (reply: ReplyTo<R>) => void, owner?: string): Promise<ReplyTo<R>> {
    return new Promise((resolve, reject) => {
      this.push<R>({
        request,
        done: (reply) => {
          take?.(reply);
          resolve(reply);
        },
        refuse: () => reject(new Error('Redis does not answer')),
        failed: reject,
        ...(owner !== undefined && { owner }),
      });
    });
  }

  /** Resolves when nothing waits or is under way. */
  drained(): Promise<void> {
    if (this.#waiting.size === 0 && this.#inFlight.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight.length >= this.#options.inFlight) return;
    this.#scheduled = true;
    // At the end of this turn: all that has arrived in it goes together.
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#waiting.size > 0 && this.#hasRoom()) {
      const entries = this.#waiting.takeCall();
      if (this.#inFlight.length === 0 && entries.every(({ request }) => request === undefined)) {
        this.#results.give(entries);
      } else {
        const batch: Batch = { entries, done: false, isAgain: false, isAhead: false, wake: () => {} };
        this.#inFlight.push(batch);
        void this.#carryOut(batch);
      }
    }
    this.#onRoom();
    this.#noteIdle();
  }

  #hasRoom(): boolean {
    const { length } = this.#inFlight;
    if (length === 0) return true;
    // One that is made again would be overtaken: a message would be claimed, and be sent again, before the receipt that came first.
    if (this.failing || this.#inFlight.some(({ isAgain }) => isAgain)) return false;
    return length < this.#options.inFlight && this.#waiting.size >= this.#options.batch * LEAST_OF_SECOND;
  }

  async #carryOut(batch: Batch): Promise<void> {
    await this.#calls.carryOut(batch.entries, () => this.#turnOf(batch));
    batch.done = true;
    // In the order in which they were taken up: what follows from a later one waits for the earlier one.
    for (let first = this.#inFlight[0]; first?.done; first = this.#inFlight[0]) {
      if (first.isAhead) {
        this.#again(first);
        return;
      }
      this.#inFlight.shift();
      this.#results.give(first.entries);
    }
    this.#inFlight[0]?.wake();
    this.#schedule();
    this.#noteIdle();
  }

  /**
   * Resolves when all calls before this one are through. Those behind it may have been carried out by now: made again, this one
   * would undo what they did (a session that ended before another began), or they have not found what it does (a receipt, and a
   * claim of the same message). So they are made again as well, as if their replies had been lost: the new ones count.
   */
  async #turnOf(batch: Batch): Promise<void> {
    batch.isAgain = true;
    for (let i = this.#inFlight.indexOf(batch) + 1; i < this.#inFlight.length; i += 1) {
      (this.#inFlight[i] as Batch).isAhead = true;
    }
    if (this.#inFlight[0] !== batch) {
      await new Promise<void>((resolve) => {
        batch.wake = resolve;
      });
    }
    batch.isAhead = false;
  }

  #again(batch: Batch): void {
    batch.done = false;
    batch.isAgain = true;
    batch.isAhead = false;
    for (const entry of batch.entries) {
      entry.reply = undefined;
      entry.error = undefined;
    }
    void this.#carryOut(batch);
  }

  #noteFailing(error: unknown, entries: readonly Entry[]): void {
    const refusal = this.#refusal;
    refusal.refuseAdding(entries, this.#state.failed(error));
    refusal.expire(entries);
    for (const { isAgain, isAhead, done, entries } of this.#inFlight) {
      refusal.expire(isAgain || (isAhead && done) ? entries : entries.filter(({ request }) => request === undefined));
    }
    this.#expiry ??= setInterval(() => this.#waiting.removeExpired((waiting) => refusal.expire(waiting)), 250).unref();
  }

  #stopExpiry(): void {
    clearInterval(this.#expiry);
    this.#expiry = undefined;
  }

  #noteIdle(): void {
    if (this.#waiting.size > 0 || this.#inFlight.length > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
