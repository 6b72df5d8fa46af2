import { FairQueue } from '../../util/fair-queue.ts';
import {
  adds,
  type ReplyTo,
  type Request,
  type Store,
  type StoreFault,
  type StoreQueue,
  type StoreQueueHealth,
  UnreadableReplyError,
  type Work,
} from '../contract.ts';
import { Calls, type Item } from './calls.ts';
import { argumentCount } from './codec/requests.ts';
import { redisFault } from './redis-faults.ts';

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
}

// With two, Redis works on one while the next is gathered; a third would only wait there.
const MAX_IN_FLIGHT = 2;
/** The part of a whole call that a second one must carry: a small one costs Redis more than it saves to send it so soon. */
const LEAST_OF_SECOND = 1 / 3;
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
export class Pipeline implements StoreQueue {
  readonly #options: Required<PipelineOptions>;
  readonly #calls: Calls;
  readonly #waiting: FairQueue<Entry>;
  #waitingBytes = 0;
  /** Batches that are under way, oldest first. */
  readonly #inFlight: Batch[] = [];
  #scheduled = false;
  #closed = false;
  #expiry: NodeJS.Timeout | undefined;
  #lastSuccessAt: number | undefined;
  #failing: { readonly since: number; readonly fault: StoreFault } | undefined;
  #idle: (() => void)[] = [];
  #onRoom: () => void = () => {};

  constructor(store: Pick<Store, 'batch'>, options: PipelineOptions) {
    const defaults = { batch: 200, timeout: 5000, maxBytes: 64 * 1024 * 1024, maxEntries: 100_000 };
    this.#options = { onFailing: () => {}, onSetAside: () => {}, ...defaults, ...options };
    this.#waiting = new FairQueue({
      owner: ({ work }) => work.owner ?? '',
      cost: ({ work }) => work.bytes ?? 0,
      plainUpTo: this.#options.batch,
    });
    this.#calls = new Calls({
      store,
      onAnswer: () => this.#noteWorking(),
      onFailure: (error, items) => this.#noteFailing(error, items as readonly Entry[]),
      closed: () => this.#closed,
    });
  }

  /** Whether the last call to Redis failed. */
  get failing(): boolean {
    return this.#failing !== undefined;
  }

  get health(): StoreQueueHealth {
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
    clearInterval(this.#expiry);
  }

  push<R extends Request>(work: Work<R>): void {
    if (this.#closed) return;
    const bytes = work.bytes ?? 0;
    if (work.refuse && this.#isFull(bytes, work.owner ?? '')) {
      work.refuse();
      return;
    }
    this.#waitingBytes += bytes;
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

  perform<R extends Request>(request: R, take?: (reply: ReplyTo<R>) => void): Promise<ReplyTo<R>> {
    return new Promise((resolve, reject) => {
      this.push<R>({
        request,
        done: (reply) => {
          take?.(reply);
          resolve(reply);
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
    while (this.#waiting.size > 0 && this.#hasRoom()) {
      const entries = this.#take();
      if (this.#inFlight.length === 0 && entries.every(({ request }) => request === undefined)) {
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

  #hasRoom(): boolean {
    const { length } = this.#inFlight;
    if (length === 0) return true;
    return length < MAX_IN_FLIGHT && this.#waiting.size >= this.#options.batch * LEAST_OF_SECOND;
  }

  #take(): Entry[] {
    let requests = 0;
    let size = 0;
    let bytes = 0;
    const batch: Entry[] = [];
    while (requests < this.#options.batch) {
      const next = this.#waiting.peek();
      if (next === undefined) break;
      const { request, work } = next;
      if (request !== undefined) {
        size += argumentCount(request);
        bytes += work.bytes ?? 0;
        if (requests > 0 && (size > MAX_ARGUMENTS || bytes > MAX_CALL_BYTES)) break;
        requests += 1;
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
        const { reply } = entry;
        if (reply instanceof UnreadableReplyError) throw reply;
        entry.work.done(reply as ReplyTo<Request>);
      } catch (error) {
        // One stanza's fault must not take the others of its turn with it.
        this.#options.log.error({ err: error, operation: entry.request?.kind }, 'A stanza could not be handled');
        entry.work.failed?.(error as Error);
      }
    }
  }

  /** One that Redis rejects for its content would be rejected for ever, and hold up what is behind it. */
  #setAside(entry: Entry, error: Error): void {
    const { log, onSetAside } = this.#options;
    const { request } = entry;
    const key = request !== undefined && 'key' in request ? request.key : undefined;
    log.error(
      { err: error, operation: request?.kind, key },
      'Redis rejects an operation for what is in it; it is set aside',
    );
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
      for (const entry of entries) if (entry.request && adds(entry.request)) this.#refuse(entry);
    }
    this.#loseOnly(entries);
    for (const batch of this.#inFlight) this.#loseOnly(batch.entries.filter(({ request }) => request === undefined));
    this.#expiry ??= setInterval(() => this.#refuseExpired(), 250).unref();
  }

  #noteWorking(): void {
    this.#lastSuccessAt = performance.now();
    if (this.#failing === undefined) return;
    const seconds = (this.#lastSuccessAt - this.#failing.since) / 1000;
    this.#options.log.info({ seconds }, 'Redis takes messages again');
    this.#failing = undefined;
    clearInterval(this.#expiry);
    this.#expiry = undefined;
    this.#options.onFailing(false);
  }

  #refuseExpired(): void {
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
    const limit = performance.now() - this.#options.timeout;
    for (const entry of entries) {
      if (entry.over || entry.since > limit) continue;
      if (entry.work.refuse) this.#refuse(entry);
      else if (entry.request === undefined) {
        entry.over = true;
        entry.work.done(undefined);
      }
    }
  }

  #refuse(entry: Entry): void {
    if (entry.over || !entry.work.refuse) return;
    entry.over = true;
    entry.work.refuse();
    // A Redis that hangs carries out what it was given when it comes to itself: then what was refused must not be sent.
    const { withdraw, owner = '' } = entry.work;
    if (entry.tried && withdraw) this.push({ request: withdraw(), done: () => {}, owner });
  }

  #noteIdle(): void {
    if (this.#waiting.size > 0 || this.#inFlight.length > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
