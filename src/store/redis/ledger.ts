import type { Cluster, Redis } from 'ioredis';
import { RULES } from '../redelivery-rules.ts';
import { LEASE, type RetryPolicy } from '../retry-policy.ts';
import { type Departure, LedgerClock } from './clock.ts';
import { byStoring } from './evidence-operations.ts';
import { Keys } from './keys.ts';
import type { Operation } from './operations.ts';
import { decodeRecord, type StoredRecord, tokenOf } from './record.ts';
import { BATCH, STATUS, SWEEP, USUAL, USUAL_BATCH } from './scripts.ts';

/** Messages that one call tells the status of: a client may have given a hundred others the id of each. */
const STATUS_PORTION = 20;

/** Times in ms. */
export interface LedgerOptions {
  readonly prefix: string;
  readonly retry: RetryPolicy;
  readonly dedupWindow: number;
  readonly undeliveredRetention: number;
  readonly lease?: number;
  readonly clock?: LedgerClock;
}

/** What a sweep has found. */
export interface Swept {
  /** The ledger's time at the sweep, ms. */
  readonly now: number;
  /** Leased records without their payloads, in the order in which they were stored. */
  readonly overdue: readonly StoredRecord[];
  /** Damaged records that are kept aside. */
  readonly damaged: number;
  /** Keys of those that no log has named; see {@link named}. */
  readonly unnamed: readonly string[];
  /** Keys of records that passed for sound in Redis and cannot be read here. */
  readonly unreadable: readonly string[];
}

/**
 * Redis was late with a call, or its clock was set forward, and nothing of the call was carried out. To make it again is
 * right in either case.
 */
export class LateCallError extends Error {
  override name = 'LateCallError';
  constructor() {
    super('Redis was late, and the call was not carried out');
  }
}

/** What the reply of an operation begins with that could not be carried out: see {@link OperationError}. */
const FAULT = 0;

/** An operation that Redis rejected for what it is or what it found; the others of its call were carried out. */
export class OperationError extends Error {
  override name = 'OperationError';
}

/** The error that a reply stands for, if it does. */
export function faultOf(reply: string): OperationError | undefined {
  // Looked at for every reply.
  return reply.charCodeAt(0) === FAULT ? new OperationError(reply.slice(1)) : undefined;
}

export interface Figures {
  readonly pending: number;
  /** Ended messages whose sender has yet to be told; a moment's difference when others write at the same time. */
  readonly owed: number;
  /** 0 when nothing is pending; to the minute. */
  readonly oldestPendingAgeSeconds: number;
  /** Damaged records that are kept aside. */
  readonly damaged: number;
}

/** What defineCommand adds to the connection. */
type Scripted = Record<
  'receiptsTurn' | 'receiptsUsualTurn' | 'receiptsSweep' | 'receiptsStatus',
  (...args: (string | number)[]) => Promise<string[]>
>;

/** The records of all messages, in Redis. It alone knows how they are kept; every change of one is one script call. */
export class Ledger {
  readonly keys: Keys;
  readonly clock: LedgerClock;
  readonly #redis: Redis | Cluster;
  readonly #scripts: Scripted;
  readonly #constants: readonly number[];
  readonly #lease: number;
  readonly #ttl: number;

  constructor(redis: Redis | Cluster, options: LedgerOptions) {
    const { prefix, retry, dedupWindow, undeliveredRetention, lease = LEASE, clock = new LedgerClock() } = options;
    this.keys = new Keys(prefix);
    this.clock = clock;
    this.#redis = redis;
    this.#lease = lease;
    redis.defineCommand('receiptsTurn', { numberOfKeys: 1, lua: BATCH });
    redis.defineCommand('receiptsUsualTurn', { numberOfKeys: 1, lua: USUAL_BATCH });
    redis.defineCommand('receiptsSweep', { numberOfKeys: 1, lua: SWEEP });
    redis.defineCommand('receiptsStatus', { numberOfKeys: 1, lua: STATUS });
    this.#scripts = redis as unknown as Scripted;
    const times = retry.storeTimes({ dedupWindow, undeliveredRetention });
    this.#ttl = times.messageTtl;
    this.#constants = [
      times.dedupWindow,
      times.undeliveredRetention,
      times.messageTtl,
      times.receiptSupportKept,
      times.firstStep,
    ];
  }

  /**
   * Carries out operations in their order, atomically, in one round trip.
   *
   * @param at the time (ms) to carry them out at; by default Redis' own
   * @returns the raw replies, for each operation to decode; of one that could not be carried out, see {@link faultOf}
   * @throws ReplyError and connection errors of ioredis, or a {@link LateCallError}; whether the operations took effect is
   *   then unknown, and to carry them out again is safe
   */
  async turn(operations: readonly Operation<unknown>[], at?: number): Promise<string[]> {
    const grows = operations.some((operation) => operation.grows) ? 1 : 0;
    const departure = this.clock.depart();
    const args: (string | number)[] = [this.keys.prefix, this.#hint(departure, at), this.#lease];
    args.push(...this.#constants, RULES, grows);
    for (const { args: own } of operations) for (const arg of own) args.push(arg);
    const isUsual = operations.every(({ args: [name] }) => USUAL.has(name));
    const replies = await this.#scripts[isUsual ? 'receiptsUsualTurn' : 'receiptsTurn'](...args);
    this.#stamped(departure, replies.shift() as string, at);
    return replies;
  }

  /** Carries out one operation by itself. Throws an {@link OperationError} if it cannot be. */
  async once<Result>(operation: Operation<Result>): Promise<Result> {
    const [reply] = (await this.turn([operation])) as [string];
    const fault = faultOf(reply);
    if (fault !== undefined) throw fault;
    return operation.decode(reply);
  }

  /**
   * Takes up to `limit` overdue messages, and as many untold senders; each is taken by nobody else for `lease` ms.
   * Damaged records that it meets are put aside.
   *
   * @param at as of {@link turn}
   * @throws as {@link turn}
   */
  async sweep(lease: number, limit: number, at?: number): Promise<Swept> {
    const departure = this.clock.depart();
    const hint = this.#hint(departure, at);
    const [window, retention] = this.#constants as [number, number];
    const flat = await this.#scripts.receiptsSweep(this.keys.prefix, hint, lease, limit, this.#ttl, window, retention);
    const now = this.#stamped(departure, flat[0] as string, at);
    const first = 3 + Number(flat[2]);
    const overdue: { record: StoredRecord; storedAt: number; token: string }[] = [];
    const unreadable: string[] = [];
    for (let i = first; i < flat.length; i += 2) {
      const [key, value] = [flat[i] as string, flat[i + 1] as string];
      try {
        const record = decodeRecord(key, value);
        overdue.push({ record, storedAt: record.storedAt, token: tokenOf(value) });
      } catch {
        // One must not keep the others, which are leased by now.
        unreadable.push(key);
      }
    }
    // What became due together goes out in the order in which it was written.
    const records = overdue.sort(byStoring).map(({ record }) => record);
    return { now, overdue: records, damaged: Number(flat[1]), unnamed: flat.slice(3, first), unreadable };
  }

  #hint(departure: Departure, at: number | undefined): string {
    return at === undefined ? this.clock.hint(departure) : `=${at}`;
  }

  /** Gives the time of a call that was carried out. */
  #stamped(departure: Departure, stamp: string, at: number | undefined): number {
    if (at !== undefined) return at;
    if (!this.clock.arrived(departure, stamp)) throw new LateCallError();
    return Number(stamp.slice(0, stamp.indexOf(' ')));
  }

  /**
   * The newest message under each key, a few at a time: it holds up everything else.
   *
   * @param forSender whether their sender is told: then how often one was sent is left out, unless he gets the
   *   recipient's presence, which it would show
   */
  async status(keys: readonly string[], forSender = false): Promise<(StoredRecord | undefined)[]> {
    const values: string[] = [];
    for (let i = 0; i < keys.length; i += STATUS_PORTION) {
      const portion = keys.slice(i, i + STATUS_PORTION);
      values.push(...(await this.#scripts.receiptsStatus(this.keys.prefix, forSender ? '1' : '0', ...portion)));
    }
    return values.map((value, i) => (value === '' ? undefined : decodeRecord(keys[i] as string, value)));
  }

  /** A portion of the users whose presence somebody wants; the cursor is `0` at the beginning, and again at the end. */
  async watched(cursor: string): Promise<{ next: string; users: string[] }> {
    const [next, users] = await this.#redis.sscan(this.keys.watched, cursor, 'COUNT', 500);
    return { next, users };
  }

  /** The resources of a user's sessions, as far as they are known. */
  async sessionsOf(user: string): Promise<string[]> {
    return (await this.#redis.hkeys(this.keys.sessions(user))).filter((field) => /^[^\0]/.test(field));
  }

  async figures(now: number = this.clock.now()): Promise<Figures> {
    const [due, ages, damaged] = await Promise.all([
      this.#redis.zcard(this.keys.due),
      this.#redis.hgetall(this.keys.ages),
      this.#redis.zcard(this.keys.damaged),
    ]);
    const minutes = Object.entries(ages);
    const pending = minutes.reduce((sum, [, count]) => sum + Number(count), 0);
    const oldest = minutes.reduce((least, [minute]) => Math.min(least, Number(minute)), Number.POSITIVE_INFINITY);
    const oldestPendingAgeSeconds = minutes.length === 0 ? 0 : Math.max(0, (now - oldest * 60_000) / 1000);
    return { pending, owed: Math.max(0, due - pending), oldestPendingAgeSeconds, damaged };
  }
}
