import type { Operation } from '../ledger/operations.ts';

/** The part of the ledger that the pipeline needs. */
export interface Turns {
  turn(operations: readonly Operation<unknown>[]): Promise<string[]>;
}

/** One thing in the order of arrival: an operation on the ledger and what follows from its reply, or a mere action. */
export interface Work {
  readonly operation?: Operation<unknown>;
  /** Called in the order of arrival, with the ledger's reply (empty where there is no operation). */
  done(reply: string): void;
  /** Makes it work that may be refused while Redis is unusable; called instead of `done`. */
  refuse?: (() => void) | undefined;
  /** Undoes the operation of work that was refused, should Redis have carried it out all the same. */
  withdraw?: (() => Operation<unknown>) | undefined;
  /** What it takes in memory; counts towards `maxBytes`. */
  readonly bytes?: number;
}

interface Entry {
  readonly work: Work;
  readonly since: number;
  /** Refused, or an action that could not wait. */
  over: boolean;
  /** Redis was given it, whatever became of that. */
  tried: boolean;
}

/** A batch of entries in one call to Redis, and its replies once they are there. */
interface Call {
  readonly batch: Entry[];
  replies: string[] | undefined;
}

export interface PipelineOptions {
  readonly log: {
    warn(fields: object, message: string): void;
    info(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  /** Redis begins to fail, or works again. */
  readonly onFailing?: (failing: boolean) => void;
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
const RETRY_AFTER = 100;

/**
 * Carries the work of each turn of the event loop to the ledger in one call, and lets what follows from it happen in
 * the order of arrival. A lone message does not wait for company.
 *
 * While Redis does not answer, work waits: what may be refused for a few seconds and within bounds, what must not be
 * lost (receipts, hand-overs) until Redis is back. A batch whose reply was lost is carried out again, which is safe.
 */
export class Pipeline {
  readonly #turns: Turns;
  readonly #options: Required<PipelineOptions>;
  #waiting: Entry[] = [];
  #waitingBytes = 0;
  /** Calls to Redis that are under way, oldest first. */
  readonly #inFlight: Call[] = [];
  #scheduled = false;
  #closed = false;
  #patience: NodeJS.Timeout | undefined;
  #failingSince: number | undefined;
  #idle: (() => void)[] = [];

  constructor(turns: Turns, options: PipelineOptions) {
    this.#turns = turns;
    const defaults = { batch: 200, patience: 5000, maxBytes: 64 * 1024 * 1024, maxEntries: 100_000 };
    this.#options = { onFailing: () => {}, ...defaults, ...options };
  }

  /** Whether the last call to Redis failed. */
  get failing(): boolean {
    return this.#failingSince !== undefined;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Gives up what waits and takes nothing more: Redis is being left, and to go on trying would keep the process alive. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
    clearInterval(this.#patience);
  }

  push(work: Work): void {
    if (this.#closed) return;
    const bytes = work.bytes ?? 0;
    const { maxBytes, maxEntries } = this.#options;
    if (work.refuse && (this.#waitingBytes + bytes > maxBytes || this.#waiting.length >= maxEntries)) {
      work.refuse();
      return;
    }
    this.#waitingBytes += bytes;
    this.#waiting.push({ work, since: Date.now(), over: false, tried: false });
    this.#schedule();
  }

  /** Pushes an operation and gives its result; rejects when it is refused. */
  perform<Result>(operation: Operation<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.push({
        operation,
        done: (reply) => resolve(operation.decode(reply)),
        refuse: () => reject(new Error('Redis does not answer')),
      });
    });
  }

  /** Resolves when nothing waits or is under way. */
  drained(): Promise<void> {
    if (this.#waiting.length === 0 && this.#inFlight.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
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
    while (this.#waiting.length > 0 && this.#inFlight.length < MAX_IN_FLIGHT) {
      const batch = this.#take();
      if (this.#inFlight.length === 0 && batch.every(({ work }) => work.operation === undefined)) {
        this.#finish(batch, []);
      } else {
        const call: Call = { batch, replies: undefined };
        this.#inFlight.push(call);
        void this.#carryOut(call);
      }
    }
    this.#noteIdle();
  }

  #take(): Entry[] {
    let operations = 0;
    let end = 0;
    for (; end < this.#waiting.length && operations < this.#options.batch; end += 1) {
      if ((this.#waiting[end] as Entry).work.operation) operations += 1;
    }
    const batch = this.#waiting.slice(0, end);
    this.#waiting = this.#waiting.slice(end);
    return batch;
  }

  async #carryOut(call: Call): Promise<void> {
    call.replies = await this.#replies(call.batch);
    // In the order in which they were taken up: a later one's replies wait for the earlier one's.
    for (let first = this.#inFlight[0]; first?.replies !== undefined; first = this.#inFlight[0]) {
      this.#inFlight.shift();
      this.#finish(first.batch, first.replies);
    }
    this.#schedule();
    this.#noteIdle();
  }

  /** Gives the batch's replies in the order of what is left of it, however long it takes. */
  async #replies(batch: Entry[]): Promise<string[]> {
    for (;;) {
      const operations: Operation<unknown>[] = [];
      for (const entry of batch) {
        if (entry.over || !entry.work.operation) continue;
        entry.tried = true;
        operations.push(entry.work.operation);
      }
      if (operations.length === 0) return [];
      try {
        const replies = await this.#turns.turn(operations);
        this.#noteWorking();
        return replies;
      } catch (error) {
        if (this.#closed) {
          for (const entry of batch) entry.over = true;
          return [];
        }
        this.#noteFailing(error, batch);
        await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER));
      }
    }
  }

  #finish(batch: Entry[], replies: string[]): void {
    let next = 0;
    for (const entry of batch) {
      this.#waitingBytes -= entry.work.bytes ?? 0;
      if (entry.over) continue;
      entry.over = true;
      const reply = entry.work.operation ? (replies[next++] as string) : '';
      try {
        entry.work.done(reply);
      } catch (error) {
        // One stanza's fault must not take the others of its turn with it.
        this.#options.log.error({ err: error }, 'A stanza could not be handled');
      }
    }
  }

  #noteFailing(error: unknown, batch: Entry[]): void {
    if (this.#failingSince === undefined) {
      this.#failingSince = Date.now();
      this.#options.log.error({ err: error }, 'Redis does not take messages; none is acknowledged until it does');
      this.#options.onFailing(true);
    }
    if (error instanceof Error && error.message.startsWith('OOM')) {
      // At its memory limit Redis refuses a script that begins by adding: refuse those, and let receipts free memory.
      for (const entry of batch) if (entry.work.operation?.grows) this.#refuse(entry);
    }
    this.#loseOnly(batch);
    this.#patience ??= setInterval(() => this.#losePatience(), 250).unref();
  }

  #noteWorking(): void {
    if (this.#failingSince === undefined) return;
    this.#options.log.info({ seconds: (Date.now() - this.#failingSince) / 1000 }, 'Redis takes messages again');
    this.#failingSince = undefined;
    clearInterval(this.#patience);
    this.#patience = undefined;
    this.#options.onFailing(false);
  }

  #losePatience(): void {
    this.#loseOnly(this.#waiting);
    const over = this.#waiting.filter((entry) => entry.over);
    for (const { work } of over) this.#waitingBytes -= work.bytes ?? 0;
    if (over.length > 0) this.#waiting = this.#waiting.filter((entry) => !entry.over);
  }

  /** Refuses what has waited too long; what needs no ledger goes on; the rest keeps waiting. */
  #loseOnly(entries: Entry[]): void {
    const limit = Date.now() - this.#options.patience;
    for (const entry of entries) {
      if (entry.over || entry.since > limit) continue;
      if (entry.work.refuse) this.#refuse(entry);
      else if (!entry.work.operation) {
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
    if (entry.tried && entry.work.withdraw) this.push({ operation: entry.work.withdraw(), done: () => {} });
  }

  #noteIdle(): void {
    if (this.#waiting.length > 0 || this.#inFlight.length > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
