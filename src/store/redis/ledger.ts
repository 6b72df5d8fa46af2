import type { Cluster, Redis } from 'ioredis';
import {
  adds,
  byStoring,
  type Figures,
  LateCallError,
  nothingButDelivered,
  type Outcome,
  type ReplyTo,
  type Request,
  type Store,
  type StoredRecord,
  type Swept,
} from '../contract.ts';
import { RULES } from '../redelivery-rules.ts';
import { LEASE, type RetryPolicy } from '../retry-policy.ts';
import { type Departure, LedgerClock } from './clock.ts';
import { decode } from './codec/replies.ts';
import { type Arguments, encode } from './codec/requests.ts';
import { decodeScript } from './codec/script-replies.ts';
import type { DurabilityWait } from './durability.ts';
import { Keys } from './keys.ts';
import { decodeRecord, tokenOf } from './record-codec.ts';
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
  /** What a message must have come to before it counts as stored. */
  readonly durability?: DurabilityWait;
}

/** What defineCommand adds to the connection. */
type Scripted = Record<
  'receiptsBatch' | 'receiptsUsualBatch' | 'receiptsSweep' | 'receiptsStatus',
  (...args: (string | number)[]) => Promise<unknown[]>
>;

/** The records of all messages, in Redis. It alone knows how they are kept; every change of one is one script call. */
export class Ledger implements Store {
  readonly keys: Keys;
  readonly clock: LedgerClock;
  readonly #redis: Redis | Cluster;
  readonly #scripts: Scripted;
  readonly #constants: readonly number[];
  readonly #lease: number;
  readonly #ttl: number;
  readonly #durability: DurabilityWait | undefined;

  constructor(redis: Redis | Cluster, options: LedgerOptions) {
    const { prefix, retry, dedupWindow, undeliveredRetention, lease = LEASE, clock = new LedgerClock() } = options;
    this.keys = new Keys(prefix);
    this.clock = clock;
    this.#redis = redis;
    this.#lease = lease;
    this.#durability = options.durability?.isNeeded ? options.durability : undefined;
    redis.defineCommand('receiptsBatch', { numberOfKeys: 1, lua: BATCH });
    redis.defineCommand('receiptsUsualBatch', { numberOfKeys: 1, lua: USUAL_BATCH });
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
   * @param at the time (ms) to carry them out at; by default Redis' own
   * @throws ReplyError and connection errors of ioredis, a {@link LateCallError}, or a DurabilityError
   */
  async batch(requests: readonly Request[], at?: number): Promise<Outcome[]> {
    const departure = this.clock.depart();
    const args: Arguments = [this.keys.prefix, this.#hint(departure, at), this.#lease];
    args.push(...this.#constants, RULES, requests.some(adds) ? 1 : 0);
    let isUsual = true;
    for (const request of requests) {
      const name = args.length;
      encode(request, args);
      if (isUsual && !USUAL.has(args[name])) isUsual = false;
    }
    const call = () => this.#scripts[isUsual ? 'receiptsUsualBatch' : 'receiptsBatch'](...args);
    const isKept = this.#durability !== undefined && requests.some(({ kind }) => kind === 'accept');
    const replies = await (isKept ? this.#durability.keep(call) : call());
    this.#stamped(departure, replies[0], at);
    return requests.map((request, i) => decode(request, replies[i + 1]));
  }

  /**
   * Carries out one request by itself. Throws an OperationError if it cannot be.
   *
   * @param at as of {@link batch}
   */
  async perform<R extends Request>(request: R, at?: number): Promise<ReplyTo<R>> {
    const [outcome] = await this.batch([request], at);
    if (outcome instanceof Error) throw outcome;
    return outcome as ReplyTo<R>;
  }

  /** @param at as of {@link batch} */
  async sweep(lease: number, limit: number, at?: number): Promise<Swept> {
    const departure = this.clock.depart();
    const hint = this.#hint(departure, at);
    const [window, retention] = this.#constants as [number, number];
    const [stamp, damage, ...taken] = await this.#scripts.receiptsSweep(
      this.keys.prefix,
      hint,
      lease,
      limit,
      this.#ttl,
      window,
      retention,
    );
    const now = this.#stamped(departure, stamp, at);
    const { damaged, unreported } = decodeScript('damaged', damage);
    const overdue: { record: StoredRecord; storedAt: number; token: string }[] = [];
    const unreadable: string[] = [];
    for (const reply of taken) {
      const { key, value } = decodeScript('taken', reply);
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
    return { now, overdue: records, damaged, unreported, unreadable };
  }

  #hint(departure: Departure, at: number | undefined): string {
    return at === undefined ? this.clock.hint(departure) : `=${at}`;
  }

  /** Gives the time of a call that was carried out. */
  #stamped(departure: Departure, reply: unknown, at: number | undefined): number {
    const stamp = decodeScript('stamp', reply);
    if (at !== undefined) return at;
    this.clock.arrived(departure, stamp);
    if (stamp.late) throw new LateCallError();
    return stamp.time;
  }

  async status(keys: readonly string[], forSender = false): Promise<(StoredRecord | undefined)[]> {
    const replies: unknown[] = [];
    for (let i = 0; i < keys.length; i += STATUS_PORTION) {
      const portion = keys.slice(i, i + STATUS_PORTION);
      replies.push(...(await this.#scripts.receiptsStatus(this.keys.prefix, forSender ? '1' : '0', ...portion)));
    }
    return keys.map((key, i) => {
      const value = decodeScript('status', replies[i]);
      return value === 'delivered' ? nothingButDelivered(key) : value && decodeRecord(key, value.value);
    });
  }

  async contacts(cursor: string): Promise<{ next: string; users: string[] }> {
    const [next, users] = await this.#redis.sscan(this.keys.contacts, cursor, 'COUNT', 500);
    return { next, users };
  }

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
