import type { Cluster, Redis } from 'ioredis';
import type { Figures, Outcome, ReplyTo, Request, Store, StoredRecord, Swept } from '../contract.ts';
import { LEASE, type RetryPolicy } from '../retry-policy.ts';
import { LedgerClock } from './clock.ts';
import { masterOf } from './cluster-nodes.ts';
import type { ConnectionCheck } from './connection-check.ts';
import type { ClusterDurability, DurabilityWait } from './durability.ts';
import { slotOf } from './hash-slot.ts';
import type { InternalRequest } from './internal-requests.ts';
import type { Keys } from './keys.ts';
import { LedgerCalls, type LedgerCallsOptions } from './ledger-calls.ts';
import { type Ask, carryOut, type Part, type Plan } from './plan.ts';
import { planOf } from './plans.ts';
import type { LedgerPreparation } from './preparation.ts';
import { shardOf } from './routes.ts';
import { linkOf } from './shard-link.ts';
import type { ShardMarks } from './shard-marks.ts';
import { Shards } from './shards.ts';

/** Times in ms. */
export interface LedgerOptions {
  /** What all names begin with, with a hash tag. */
  readonly prefix: string;
  /** Its shards, or how many; 1 by default. */
  readonly shards?: Shards | number;
  readonly retry: RetryPolicy;
  readonly dedupWindow: number;
  readonly undeliveredRetention: number;
  readonly lease?: number;
  readonly clock?: LedgerClock;
  /** What a message must have come to before it counts as stored. */
  readonly durability?: DurabilityWait | ClusterDurability;
  /** In a cluster: of its shards. */
  readonly marks?: ShardMarks | undefined;
  /** Without it the ledger is taken as it is. */
  readonly preparation?: Pick<LedgerPreparation, 'isReady' | 'prepare'>;
}

/** The records of all messages, in Redis. It alone knows how they are kept; every change of one is one script call. */
export class Ledger implements Store {
  readonly shards: Shards;
  readonly clock: LedgerClock;
  readonly #redis: Redis | Cluster;
  readonly #preparation: LedgerOptions['preparation'];
  readonly #common: Pick<LedgerCallsOptions, 'lease' | 'times'>;
  readonly #durability: LedgerOptions['durability'];
  readonly #marks: ShardMarks | undefined;
  #made: readonly LedgerCalls[] | undefined;
  #nextSweep = 0;

  constructor(redis: Redis | Cluster, options: LedgerOptions) {
    const {
      prefix,
      shards = 1,
      retry,
      dedupWindow,
      undeliveredRetention,
      lease = LEASE,
      clock = new LedgerClock(),
    } = options;
    this.shards = typeof shards === 'number' ? new Shards(prefix, shards) : shards;
    this.clock = clock;
    this.#redis = redis;
    this.#preparation = options.preparation;
    const times = retry.storeTimes({ dedupWindow, undeliveredRetention });
    this.#durability = options.durability;
    this.#marks = options.marks;
    this.#common = { lease, times };
    // Else it is known when the ledger is prepared.
    if (options.preparation === undefined) this.#made = this.#makeCalls();
  }

  /** One for all shards; in Redis Cluster one for each. Made when the number of shards is known. */
  get #calls(): readonly LedgerCalls[] {
    this.#made ??= this.#makeCalls();
    return this.#made;
  }

  #makeCalls(): LedgerCalls[] {
    const { keys, count } = this.shards;
    const calls = (own: readonly Keys[], clock: LedgerClock, check?: ConnectionCheck) => {
      const link = linkOf(this.#redis, own, this.#durability, check);
      return new LedgerCalls({ ...this.#common, count, link, shards: own, clock });
    };
    return this.#isCluster
      ? keys.map((own, i) => calls([own], i === 0 ? this.clock : new LedgerClock(), this.#marks?.checkOf(i)))
      : [calls(keys, this.clock)];
  }

  get #isCluster(): boolean {
    return this.#redis.isCluster && this.shards.count > 1;
  }

  /** Names of what belongs to no user; where there is one shard, of all. */
  get keys(): Keys {
    return this.shards.home;
  }

  /**
   * Of each shard, one atomic step; of those on one server together.
   *
   * @param at the time (ms) to carry them out at; by default Redis' own
   * @throws ReplyError and connection errors of ioredis, a {@link LateCallError}, or a DurabilityError
   */
  batch(requests: readonly Request[], at?: number): Promise<Outcome[]> {
    const preparation = this.#preparation;
    if (preparation === undefined || preparation.isReady) return this.#batch(requests, at);
    return preparation.prepare().then(() => this.#batch(requests, at));
  }

  /** Whether its shards are known. */
  get isPrepared(): boolean {
    return this.#preparation === undefined || this.#preparation.isReady;
  }

  /**
   * What these ask of one shard, and nothing else; of a cluster, once {@link isPrepared}.
   *
   * @param at as of {@link batch}, which this rejects as
   */
  batchIn(shard: number, requests: readonly (Request | InternalRequest)[], at?: number): Promise<Outcome[]> {
    const carryOut = () =>
      (this.#calls[shard] as LedgerCalls).batch(requests, new Array<number>(requests.length).fill(0), at);
    const preparation = this.#preparation;
    return preparation === undefined || preparation.isReady ? carryOut() : preparation.prepare().then(carryOut);
  }

  #batch(requests: readonly Request[], at: number | undefined): Promise<Outcome[]> {
    const shardsOf = new Array<number>(requests.length);
    for (let i = 0; i < requests.length; i += 1) {
      const request = requests[i] as Request;
      const shard = shardOf(request, this.shards);
      if (shard === undefined || this.#isCluster) return this.#batchByPlans(requests, at);
      shardsOf[i] = shard;
    }
    return (this.#calls[0] as LedgerCalls).batch(requests, shardsOf, at);
  }

  #batchByPlans(requests: readonly Request[], at: number | undefined): Promise<Outcome[]> {
    const all = requests.map((request): Part | Plan => {
      const plan = planOf(request, this.shards, this.#isCluster);
      return plan ?? { shard: shardOf(request, this.shards) ?? 0, request };
    });
    return carryOut(all, (parts) => this.#ask(parts, at));
  }

  async #ask(parts: Parameters<Ask>[0], at: number | undefined): ReturnType<Ask> {
    const requests = parts.map(({ request }) => request);
    if (!this.#isCluster) {
      const shardsOf = parts.map(({ shard }) => shard);
      return (this.#calls[0] as LedgerCalls).batch(requests, shardsOf, at);
    }
    const outcomes = new Array<Outcome>(parts.length);
    const byShard = this.shards.split([...parts.keys()], (index) => (parts[index] as Part).shard);
    await Promise.all(
      [...byShard].map(async ([shard, indexes]) => {
        const own = indexes.map((index) => requests[index] as Request);
        const replies = await (this.#calls[shard] as LedgerCalls).batch(own, new Array(own.length).fill(0), at);
        indexes.forEach((index, i) => {
          outcomes[index] = replies[i] as Outcome;
        });
      }),
    );
    return outcomes;
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

  /** Whether a shard lies on the server that a connection leads to. */
  leadsTo(shard: number, master: Redis | undefined): boolean {
    if (!('nodes' in this.#redis) || master === undefined) return true;
    return masterOf(this.#redis, slotOf((this.shards.keys[shard] as Keys).prefix)) === master;
  }

  /** How many sweeps look at all shards: each looks at those that one call reaches. */
  get sweeps(): number {
    return this.#isCluster ? this.shards.count : 1;
  }

  /** @param at as of {@link batch} */
  async sweep(
    lease: number,
    limit: number,
    at?: number,
    part: number = this.#nextSweep + 1,
    miscounted = 0,
  ): Promise<Swept> {
    await this.#prepared();
    this.#nextSweep = part % this.#calls.length;
    return (this.#calls[this.#nextSweep] as LedgerCalls).sweep(lease, limit, at, miscounted);
  }

  async status(keys: readonly string[], forSender = false): Promise<(StoredRecord | undefined)[]> {
    await this.#prepared();
    const found = new Map<string, StoredRecord | undefined>();
    const byShard = this.shards.split(keys, (key) => this.shards.ofKey(key));
    await Promise.all(
      [...byShard].map(async ([shard, own]) => {
        const calls = this.#calls[this.#isCluster ? shard : 0] as LedgerCalls;
        const records = await calls.status(this.#isCluster ? 0 : shard, own, forSender);
        own.forEach((key, i) => void found.set(key, records[i]));
      }),
    );
    return keys.map((key) => found.get(key));
  }

  /** The cursor is that of a shard, and its number where there are several. */
  async contacts(cursor: string): Promise<{ next: string; users: string[] }> {
    await this.#prepared();
    const [own = '0', number = '0'] = cursor.split(':');
    const shard = Number(number);
    const { contacts } = this.shards.keys[shard] as Keys;
    const [next, users] = await this.#redis.sscan(contacts, own, 'COUNT', 500);
    if (next !== '0') return { next: shard === 0 ? next : `${next}:${shard}`, users };
    return { next: shard + 1 < this.shards.count ? `0:${shard + 1}` : '0', users };
  }

  async sessionsOf(user: string): Promise<string[]> {
    await this.#prepared();
    const fields = await this.#redis.hkeys(this.shards.keysOfUser(user).sessions(user));
    return fields.filter((field) => /^[^\0]/.test(field));
  }

  async figures(now: number = this.clock.now()): Promise<Figures> {
    await this.#prepared();
    const all = await Promise.all(this.shards.keys.map((keys) => this.#figuresOf(keys)));
    const sum = (of: (one: (typeof all)[number]) => number) => all.reduce((before, one) => before + of(one), 0);
    const due = sum((one) => one.due);
    // What a call gains or loses in all shards is counted with the first that it reaches.
    const pending = Math.min(
      due,
      sum((one) => one.pending),
    );
    const oldest = Math.min(...all.map((one) => one.oldest));
    const oldestPendingAgeSeconds = Number.isFinite(oldest) ? Math.max(0, (now - oldest * 60_000) / 1000) : 0;
    return {
      pending,
      owed: due - pending,
      oldestPendingAgeSeconds,
      damaged: sum((one) => one.damaged),
    };
  }

  /** Which shards it has is not known before. */
  async #prepared(): Promise<void> {
    if (this.#preparation?.isReady === false) await this.#preparation.prepare();
  }

  async #figuresOf(keys: Keys) {
    const [due, ages, damaged] = await Promise.all([
      this.#redis.zcard(keys.due),
      this.#redis.hgetall(keys.ages),
      this.#redis.zcard(keys.damaged),
    ]);
    const minutes = Object.entries(ages);
    const pending = minutes.reduce((sum, [, count]) => sum + Number(count), 0);
    const oldest = minutes.reduce((least, [minute]) => Math.min(least, Number(minute)), Number.POSITIVE_INFINITY);
    return { due, pending, oldest, damaged };
  }
}
