import { FairQueue } from '../../util/fair-queue.ts';
import { Calls, type Item, type Turns } from './calls.ts';
import type { Operation } from './operations.ts';
import { type RedisFault, redisFault } from './redis-faults.ts';

/** One thing in its owner's order of arrival: an operation on the ledger and what follows from its reply, or a mere action. */
export interface Work {
  readonly operation?: Operation<unknown>;
  /** Called in the order in which the ledger was called, with its reply (empty where there is no operation). */
  done(reply: string): void;
  /** Makes it work that may be refused while Redis is unusable; called instead of `done`. */
  refuse?: (() => void) | undefined;
  /** Undoes the operation of work that was refused, should Redis have carried it out all the same. */
  withdraw?: (() => Operation<unknown>) | undefined;
  /** Called instead of `done` when the operation by itself cannot be carried out; without it `refuse` is. */
  failed?: ((error: Error) => void) | undefined;
  /** What it takes in memory; counts towards `maxBytes`. */
  readonly bytes?: number;
  /** On whose account it is done: order is kept for each, and those who wait take turns. Without one it is our own. */
  readonly owner?: string;
}

interface Entry extends Item {
  readonly work: Work;
  /** Of the monotonic clock, ms. */
  readonly since: number;
}

/** Entries that go to Redis together. */
interface Batch {
  readonly entries: readonly Entry[];
  done: boolean;
}

/** What the pipeline has last heard of Redis; times are of the monotonic clock, ms. */
export interface PipelineHealth {
  readonly lastSuccessAt: number | undefined;
  readonly failingSince: number | undefined;
  /** What the last call failed with, while it does. */
  readonly fault: RedisFault | undefined;
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
  readonly patience?: number;
  /** Bounds of what waits; beyond them new work is refused at once. */
  readonly maxBytes?: number;
  readonly maxEntries?: number;
}

// With two, Redis works on one while the next is gathered; a third would only wait there.
const MAX_IN_FLIGHT = 2;
/** What one call carries at most beside its first operation, however much waits: arguments, and bytes. */
const MAX_ARGUMENTS = 4000;
const MAX_CALL_BYTES = 1 << 20;
/** The part of what may wait that one owner may take: there is room for others while he floods. */
const MOST_OF_ONE = 1 / 2;

/**
 * Carries the work of each turn of the event loop to the ledger in one call, and lets what follows from it happen in
 * the order of arrival. A lone message does not wait for company.
 *
 * While Redis does not answer, work waits: what may be refused for a few seconds and within bounds, what must not be
 * lost (receipts, hand-overs) until Redis is back. A batch whose reply was lost is carried out again, which is safe.
 */
export class Pipeline {
  readonly #options: Required<PipelineOptions>;
  readonly #calls: Calls;
  readonly #waiting: FairQueue<Entry>;
  #waitingBytes = 0;
  /** Batches that are under way, oldest first. */
  readonly #inFlight: Batch[] = [];
  #scheduled = false;
  #closed = false;
  #patience: NodeJS.Timeout | undefined;
  #lastSuccessAt: number | undefined;
  #failing: { readonly since: number; readonly fault: RedisFault } | undefined;
  #idle: (() => void)[] = [];
  #onRoom: () => void = () => {};

  constructor(turns: Turns, options: PipelineOptions) {
    const defaults = { batch: 200, patience: 5000, maxBytes: 64 * 1024 * 1024, maxEntries: 100_000 };
    this.#options = { onFailing: () => {}, onSetAside: () => {}, ...defaults, ...options };
    this.#waiting = new FairQueue({
      owner: ({ work }) => work.owner ?? '',
      cost: ({ work }) => work.bytes ?? 0,
      plainUpTo: this.#options.batch,
    });
    this.#calls = new Calls({
      turns,
      onAnswer: () => this.#noteWorking(),
      onFailure: (error, items) => this.#noteFailing(error, items as readonly Entry[]),
      closed: () => this.#closed,
    });
  }

  /** Whether the last call to Redis failed. */
  get failing(): boolean {
    return this.#failing !== undefined;
  }

  get health(): PipelineHealth {
    return { lastSuccessAt: this.#lastSuccessAt, failingSince: this.#failing?.since, fault: this.#failing?.fault };
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
    clearInterval(this.#patience);
  }

  push(work: Work): void {
    if (this.#closed) return;
    const bytes = work.bytes ?? 0;
    if (work.refuse && this.#isFull(bytes, work.owner ?? '')) {
      work.refuse();
      return;
    }
    this.#waitingBytes += bytes;
    // In one literal: this is made for every message.
    this.#waiting.push({
      work,
      operation: work.operation,
      since: performance.now(),
      over: false,
      tried: false,
      reply: undefined,
      error: undefined,
    });
    this.#schedule();
  }

  /**
   * Pushes an operation and gives its result; rejects when it is refused or cannot be carried out.
   *
   * @param take does what must follow before anything does that comes after in the order of arrival: whoever awaits the
   *   result goes on only when all of its call is through
   */
  perform<Result>(operation: Operation<Result>, take?: (result: Result) => void): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.push({
        operation,
        done: (reply) => {
          const result = operation.decode(reply);
          take?.(result);
          resolve(result);
        },
        refuse: () => reject(new Error('Redis does not answer')),
        failed: reject,
      });
    });
  }

  /** Resolves when nothing waits or is under way. */
  drained(): Promise<void> {
    if (this.#waiting.size === 0 && this.#inFlight.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Whether there is no room for so many bytes more, or they would take too much of it for one owner. */
  #isFull(bytes: number, owner: string): boolean {
    const { maxBytes, maxEntries } = this.#options;
    const [all, count] = [this.#waitingBytes + bytes, this.#waiting.size];
    if (all > maxBytes || count >= maxEntries) return true;
    if (owner === '') return false;
    if (all <= maxBytes * MOST_OF_ONE && count < maxEntries * MOST_OF_ONE) return false;
    const his = this.#waiting.of(owner);
    return his.cost + bytes > maxBytes * MOST_OF_ONE || his.count >= maxEntries * MOST_OF_ONE;
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight.length >= MAX_IN_FLIGHT) return;
    this.#scheduled = true;
    // At the end of this turn: all that has arrived in it goes together.
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#waiting.size > 0 && this.#inFlight.length < MAX_IN_FLIGHT) {
      const entries = this.#take();
      if (this.#inFlight.length === 0 && entries.every(({ operation }) => operation === undefined)) {
        this.#finish(entries);
      } else {
        const batch: Batch = { entries, done: false };
        this.#inFlight.push(batch);
        void this.#carryOut(batch);
      }
    }
    this.#onRoom();
    this.#noteIdle();
  }

  #take(): Entry[] {
    let operations = 0;
    let size = 0;
    let bytes = 0;
    const batch: Entry[] = [];
    while (operations < this.#options.batch) {
      const next = this.#waiting.peek();
      if (next === undefined) break;
      const { operation, work } = next;
      if (operation !== undefined) {
        size += operation.args.length;
        bytes += work.bytes ?? 0;
        if (operations > 0 && (size > MAX_ARGUMENTS || bytes > MAX_CALL_BYTES)) break;
        operations += 1;
      }
      this.#waiting.shift();
      batch.push(next);
    }
    return batch;
  }

  async #carryOut(batch: Batch): Promise<void> {
    await this.#calls.carryOut(batch.entries);
    batch.done = true;
    // In the order in which they were taken up: what follows from a later one waits for the earlier one.
    for (let first = this.#inFlight[0]; first?.done; first = this.#inFlight[0]) {
      this.#inFlight.shift();
      this.#finish(first.entries);
    }
    this.#schedule();
    this.#noteIdle();
  }

  #finish(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#waitingBytes -= entry.work.bytes ?? 0;
      if (entry.over) continue;
      if (entry.error !== undefined) {
        this.#setAside(entry, entry.error);
        continue;
      }
      entry.over = true;
      try {
        entry.work.done(entry.reply ?? '');
      } catch (error) {
        // One stanza's fault must not take the others of its turn with it.
        this.#options.log.error({ err: error }, 'A stanza could not be handled');
        entry.work.failed?.(error as Error);
      }
    }
  }

  /** One that Redis rejects for its content would be rejected for ever, and hold up what is behind it. */
  #setAside(entry: Entry, error: Error): void {
    const { log, onSetAside } = this.#options;
    const [operation, key] = entry.operation?.args ?? [];
    log.error({ err: error, operation, key }, 'Redis rejects an operation for what is in it; it is set aside');
    onSetAside();
    if (entry.work.failed === undefined) this.#refuse(entry);
    entry.over = true;
    entry.work.failed?.(error);
  }

  #noteFailing(error: unknown, entries: readonly Entry[]): void {
    const fault = redisFault(error);
    const since = this.#failing?.since ?? performance.now();
    if (this.#failing?.fault.code !== fault.code) {
      const { log, onFailing } = this.#options;
      log.error({ err: error }, `No message is acknowledged. ${fault.text}`);
      if (this.#failing === undefined) onFailing(true);
    }
    this.#failing = { since, fault };
    if (fault.code === 'OOM') {
      // At its memory limit Redis refuses a script that begins by adding: refuse those, and let receipts free memory.
      for (const entry of entries) if (entry.operation?.grows) this.#refuse(entry);
    }
    this.#loseOnly(entries);
    for (const batch of this.#inFlight)
      this.#loseOnly(batch.entries.filter(({ operation }) => operation === undefined));
    this.#patience ??= setInterval(() => this.#losePatience(), 250).unref();
  }

  #noteWorking(): void {
    this.#lastSuccessAt = performance.now();
    if (this.#failing === undefined) return;
    const seconds = (this.#lastSuccessAt - this.#failing.since) / 1000;
    this.#options.log.info({ seconds }, 'Redis takes messages again');
    this.#failing = undefined;
    clearInterval(this.#patience);
    this.#patience = undefined;
    this.#options.onFailing(false);
  }

  #losePatience(): void {
    const waiting = [...this.#waiting];
    this.#loseOnly(waiting);
    const left = waiting.filter((entry) => !entry.over);
    if (left.length === waiting.length) return;
    for (const { over, work } of waiting) if (over) this.#waitingBytes -= work.bytes ?? 0;
    // What was refused may have pushed what takes it back.
    const known = new Set(waiting);
    const pushed = [...this.#waiting].filter((entry) => !known.has(entry));
    this.#waiting.clear();
    for (const entry of [...left, ...pushed]) this.#waiting.push(entry);
  }

  /** Refuses what has waited too long; what needs no ledger goes on; the rest keeps waiting. */
  #loseOnly(entries: readonly Entry[]): void {
    const limit = performance.now() - this.#options.patience;
    for (const entry of entries) {
      if (entry.over || entry.since > limit) continue;
      if (entry.work.refuse) this.#refuse(entry);
      else if (entry.operation === undefined) {
        entry.over = true;
        entry.work.done('');
      }
    }
  }

  #refuse(entry: Entry): void {
    if (entry.over || !entry.work.refuse) return;
    entry.over = true;
    entry.work.refuse();
    // A Redis that hangs carries out what it was given when it comes to itself: then what was refused must not be sent.
    const { withdraw, owner = '' } = entry.work;
    if (entry.tried && withdraw) this.push({ operation: withdraw(), done: () => {}, owner });
  }

  #noteIdle(): void {
    if (this.#waiting.size > 0 || this.#inFlight.length > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
