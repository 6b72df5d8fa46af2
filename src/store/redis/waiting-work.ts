import { FairQueue } from '../../util/fair-queue.ts';
import type { Work } from '../contract.ts';
import type { Item } from './calls.ts';
import { argumentCount } from './codec/requests.ts';

/** Work that waits for Redis, or is under way. */
export interface Entry extends Item {
  readonly work: Work;
  /** Of the monotonic clock, ms. */
  readonly since: number;
}

export interface WaitingWorkOptions {
  /** Operations in one call to Redis. */
  readonly batch: number;
  /** Bounds of what waits or is under way, and of how many entries wait. */
  readonly maxBytes: number;
  readonly maxEntries: number;
}

/** What one call carries at most beside its first operation, however much waits: arguments, and bytes. */
const MAX_ARGUMENTS = 4000;
const MAX_CALL_BYTES = 1 << 20;
/** The part of what may wait that one owner may take: there is room for others while he floods. */
const MOST_OF_ONE = 1 / 2;

/** The work that waits for Redis: how much of it there may be, and what goes into one call. */
export class WaitingWork extends FairQueue<Entry> {
  readonly #limits: WaitingWorkOptions;
  /** Of what waits and of what is under way. The pipeline counts them: a call a message would cost more. */
  bytes = 0;

  constructor(options: WaitingWorkOptions) {
    super({
      owner: ({ work }) => work.owner ?? '',
      cost: ({ work }) => work.bytes ?? 0,
      plainUpTo: options.batch,
    });
    this.#limits = options;
  }

  /** Whether there is no room for so many bytes more, or they would take too much of it for one owner. */
  isFull(bytes: number, owner: string): boolean {
    const { maxBytes, maxEntries } = this.#limits;
    const [all, count] = [this.bytes + bytes, this.size];
    if (all > maxBytes || count >= maxEntries) return true;
    if (owner === '') return false;
    if (all <= maxBytes * MOST_OF_ONE && count < maxEntries * MOST_OF_ONE) return false;
    const his = this.of(owner);
    return his.cost + bytes > maxBytes * MOST_OF_ONE || his.count >= maxEntries * MOST_OF_ONE;
  }

  /** Takes what goes to Redis in one call. */
  takeCall(): Entry[] {
    let requests = 0;
    let size = 0;
    let bytes = 0;
    const batch: Entry[] = [];
    while (requests < this.#limits.batch) {
      const next = this.peek();
      if (next === undefined) break;
      const { request, work } = next;
      if (request !== undefined) {
        size += argumentCount(request);
        bytes += work.bytes ?? 0;
        if (requests > 0 && (size > MAX_ARGUMENTS || bytes > MAX_CALL_BYTES)) break;
        requests += 1;
      }
      this.shift();
      batch.push(next);
    }
    return batch;
  }

  /** Removes what `expire`, which may push more, marks as over. */
  removeExpired(expire: (entries: readonly Entry[]) => void): void {
    const waiting = [...this];
    expire(waiting);
    const left = waiting.filter((entry) => !entry.over);
    if (left.length === waiting.length) return;
    for (const { over, work } of waiting) if (over) this.bytes -= work.bytes ?? 0;
    // What was refused may have pushed what takes it back.
    const known = new Set(waiting);
    const pushed = [...this].filter((entry) => !known.has(entry));
    this.clear();
    for (const entry of [...left, ...pushed]) this.push(entry);
  }
}
