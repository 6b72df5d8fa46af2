import type { Cluster, Redis } from 'ioredis';
import { byStoring } from './evidence.ts';
import { Keys } from './keys.ts';
import type { Operation } from './operations.ts';
import { decodeRecord, type StoredRecord, tokenOf } from './record.ts';
import { RULES } from './redelivery.ts';
import { STATUS, SWEEP, TURN } from './scripts.ts';
import type { Timetable } from './timetable.ts';

/**
 * How long a copy that is being sent is nobody else's to send, ms. Long enough for a server's answer to a ping,
 * short enough that what a dead process had in hand is soon sent by another.
 */
const LEASE = 10_000;
/** How long it is remembered that a recipient returns receipts, ms: 90 days. */
const CONFIRMS_FOR = 90 * 24 * 3600 * 1000;

/** Times in ms. */
export interface LedgerOptions {
  readonly prefix: string;
  readonly timetable: Timetable;
  readonly dedupWindow: number;
  readonly undeliveredRetention: number;
  readonly lease?: number;
}

export interface Figures {
  readonly pending: number;
  /** Ended messages whose sender has yet to be told; a moment's difference when others write at the same time. */
  readonly owed: number;
  /** 0 when nothing is pending; to the minute. */
  readonly oldestPendingAgeSeconds: number;
}

/** What defineCommand adds to the connection. */
type Scripted = Record<
  'receiptsTurn' | 'receiptsSweep' | 'receiptsStatus',
  (...args: (string | number)[]) => Promise<string[]>
>;

/** The records of all messages, in Redis. It alone knows how they are kept; every change of one is one script call. */
export class Ledger {
  readonly keys: Keys;
  readonly #redis: Redis | Cluster;
  readonly #scripts: Scripted;
  readonly #constants: readonly number[];
  readonly #lease: number;
  readonly #ttl: number;

  constructor(redis: Redis | Cluster, options: LedgerOptions) {
    const { prefix, timetable, dedupWindow, undeliveredRetention, lease = LEASE } = options;
    this.keys = new Keys(prefix);
    this.#redis = redis;
    this.#lease = lease;
    this.#ttl = timetable.messageTtl;
    redis.defineCommand('receiptsTurn', { numberOfKeys: 1, lua: TURN });
    redis.defineCommand('receiptsSweep', { numberOfKeys: 1, lua: SWEEP });
    redis.defineCommand('receiptsStatus', { numberOfKeys: 1, lua: STATUS });
    this.#scripts = redis as unknown as Scripted;
    this.#constants = [
      dedupWindow,
      undeliveredRetention,
      timetable.messageTtl,
      CONFIRMS_FOR,
      timetable.schedule[0] as number,
    ];
  }

  /**
   * Carries out operations in their order, atomically, in one round trip.
   *
   * @returns the raw replies, for each operation to decode
   * @throws ReplyError and connection errors of ioredis; whether the operations took effect is then unknown, and to
   *   carry them out again is safe
   */
  turn(operations: readonly Operation<unknown>[], now: number = Date.now()): Promise<string[]> {
    const grows = operations.some((operation) => operation.grows) ? 1 : 0;
    const args: (string | number)[] = [this.keys.prefix, now, now + this.#lease, ...this.#constants, RULES, grows];
    for (const { args: own } of operations) for (const arg of own) args.push(arg);
    return this.#scripts.receiptsTurn(...args);
  }

  /** Carries out one operation by itself. */
  async once<Result>(operation: Operation<Result>): Promise<Result> {
    const [reply] = await this.turn([operation]);
    return operation.decode(reply as string);
  }

  /**
   * Takes up to `limit` overdue messages, and as many untold senders; each is taken by nobody else for `lease` ms.
   * Their payloads are left out.
   */
  async sweep(now: number, lease: number, limit: number): Promise<StoredRecord[]> {
    const flat = await this.#scripts.receiptsSweep(this.keys.prefix, now, now + lease, limit, this.#ttl);
    const overdue: { record: StoredRecord; storedAt: number; token: string }[] = [];
    for (let i = 0; i < flat.length; i += 2) {
      const value = flat[i + 1] as string;
      const record = decodeRecord(flat[i] as string, value);
      overdue.push({ record, storedAt: record.storedAt, token: tokenOf(value) });
    }
    // What became due together goes out in the order in which it was written.
    return overdue.sort(byStoring).map(({ record }) => record);
  }

  /** The newest message under each key. */
  async status(keys: readonly string[]): Promise<(StoredRecord | undefined)[]> {
    const values = await this.#scripts.receiptsStatus(this.keys.prefix, ...keys);
    return values.map((value, i) => (value === '' ? undefined : decodeRecord(keys[i] as string, value)));
  }

  /** A portion of the users whose presence somebody wants; the cursor is `0` at the beginning, and again at the end. */
  async watched(cursor: string): Promise<{ next: string; users: string[] }> {
    const [next, users] = await this.#redis.sscan(this.keys.watched, cursor, 'COUNT', 500);
    return { next, users };
  }

  /** The resources of a user's sessions, as far as they are known. */
  async sessionsOf(user: string): Promise<string[]> {
    return (await this.#redis.hkeys(this.keys.sessions(user))).filter((resource) => resource !== '');
  }

  async figures(now: number = Date.now()): Promise<Figures> {
    const [due, ages] = await Promise.all([this.#redis.zcard(this.keys.due), this.#redis.hgetall(this.keys.ages)]);
    const minutes = Object.entries(ages);
    const pending = minutes.reduce((sum, [, count]) => sum + Number(count), 0);
    const oldest = minutes.reduce((least, [minute]) => Math.min(least, Number(minute)), Number.POSITIVE_INFINITY);
    const oldestPendingAgeSeconds = minutes.length === 0 ? 0 : Math.max(0, (now - oldest * 60_000) / 1000);
    return { pending, owed: Math.max(0, due - pending), oldestPendingAgeSeconds };
  }
}
