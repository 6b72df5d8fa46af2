import type { Cluster } from 'ioredis';
import {
  claim,
  type Figures,
  type Outcome,
  type ReplyTo,
  type Request,
  type StoredRecord,
  type StoreQueries,
  type Swept,
} from '../../../src/store/contract.ts';
import { MemoryStore } from '../../../src/store/memory/memory-store.ts';
import { RedisQueries } from '../../../src/store/redis/administration-queries.ts';
import type { Ledger } from '../../../src/store/redis/ledger.ts';
import { shardOf } from '../../../src/store/redis/routes.ts';
import { ShardPipelines } from '../../../src/store/redis/shard-pipelines.ts';
import type { Retention } from '../../../src/store/retry-policy.ts';
import { partitionOfKey } from '../../../src/xmpp/stanza/partition.ts';
import { DAY, ledgerIn, openLedger, RETRY } from './ledger.ts';

/** A store whose time is the test's: each step says when it happens (ms since the epoch). */
export interface Subject {
  batch(requests: readonly Request[], at: number): Promise<readonly unknown[]>;
  perform<R extends Request>(request: R, at: number): Promise<ReplyTo<R>>;
  sweep(lease: number, limit: number, at: number): Promise<Swept>;
  status(keys: readonly string[], forSender?: boolean): Promise<(StoredRecord | undefined)[]>;
  contacts(cursor: string): Promise<{ next: string; users: string[] }>;
  sessionsOf(user: string): Promise<string[]>;
  figures(now: number): Promise<Figures>;
}

/** One implementation, open. */
export interface Implementation {
  readonly store: Subject;
  readonly queries: StoreQueries;
  close(): void;
}

function openInRedis(url: string, shards: number, retention: Partial<Retention>): Implementation {
  const { ledger, redis, close } = openLedger(url, { ...retention, shards });
  return { store: inOrder(ledger), queries: new RedisQueries(redis, ledger.shards), close };
}

/** In a running cluster, whose connection stays. */
export function openInCluster(cluster: Cluster, retention: Partial<Retention> = {}): Implementation {
  const ledger = inOrder(ledgerIn(cluster, { ...retention, shards: 16 }));
  const store: Subject = Object.assign(Object.create(ledger) as Subject, {
    batch: ledger.batch,
    perform: <R extends Request>(request: R, at: number) => throughPipelines(ledger, request, at),
    status: ledger.status.bind(ledger),
    contacts: ledger.contacts.bind(ledger),
    sessionsOf: ledger.sessionsOf.bind(ledger),
    figures: ledger.figures.bind(ledger),
    sweep: (lease: number, limit: number, at: number) => sweepAll(ledger, lease, limit, at),
  });
  return { store, queries: new RedisQueries(cluster, ledger.shards), close: () => {} };
}

/** As the product makes a request of a cluster: what other shards are asked goes its own way. */
async function throughPipelines<R extends Request>(ledger: Ledger, request: R, at: number): Promise<ReplyTo<R>> {
  const store = {
    batch: (requests: readonly Request[]) => ledger.batch(requests, at),
    batchIn: (shard: number, requests: Parameters<Ledger['batchIn']>[1]) => ledger.batchIn(shard, requests, at),
  };
  const pipelines = new ShardPipelines(store, ledger.shards, { log: { info() {}, warn() {}, error() {} } });
  try {
    const reply = await pipelines.perform(request);
    await pipelines.drained();
    return reply;
  } finally {
    pipelines.close();
  }
}

/** All shards, as a sweeper does it. */
async function sweepAll(ledger: Ledger, lease: number, limit: number, at: number): Promise<Swept> {
  const all: Swept[] = [];
  let left = limit;
  for (let i = 0; i < ledger.sweeps; i += 1) {
    const swept = await ledger.sweep(lease, left, at);
    all.push(swept);
    left -= swept.overdue.length;
  }
  return {
    now: at,
    overdue: all.flatMap(({ overdue }) => overdue).sort((one, other) => one.storedAt - other.storedAt),
    damaged: all.reduce((sum, { damaged }) => sum + damaged, 0),
    unreported: all.flatMap(({ unreported }) => unreported),
    unreadable: all.flatMap(({ unreadable }) => unreadable),
  };
}

/** Order is kept within a shard: what is for several is compared where the order is theirs, or one by one. */
function inOrder(ledger: Ledger): Ledger {
  const batch = ledger.batch.bind(ledger);
  ledger.batch = async (requests, at) => {
    const shardsOf = requests.map((request) => shardOf(request, ledger.shards));
    if (shardsOf.every((shard, i) => shard !== undefined && shard >= (shardsOf[i - 1] ?? 0)))
      return batch(requests, at);
    const outcomes: Outcome[] = [];
    for (const request of requests) outcomes.push(...(await batch([request], at)));
    return outcomes;
  };
  return ledger;
}

/** How a test of the contract opens each implementation. */
export const IMPLEMENTATIONS: Record<string, (redisUrl: string, retention?: Partial<Retention>) => Implementation> = {
  Redis(url, retention = {}) {
    return openInRedis(url, 1, retention);
  },
  'Redis, in shards'(url, retention = {}) {
    return openInRedis(url, 16, retention);
  },
  memory(_, retention = {}) {
    return openInMemory(1, retention);
  },
};

/** @param shards what a store of so many shards does shard by shard, this one does so, too */
export function openInMemory(shards: number, retention: Partial<Retention> = {}): Implementation {
  const shardOf = (key: string) => partitionOfKey(key) % shards;
  const kept = { dedupWindow: 8 * DAY, undeliveredRetention: 30 * DAY, ...retention };
  const store = new MemoryStore({ retry: RETRY, ...kept, shardOf });
  return { store, queries: store.queries, close: () => {} };
}

/** Claims the attempt that is next of this message, and gives the record as it then stands. */
export async function claimed(store: Subject, key: string, at: number): Promise<StoredRecord> {
  const [record] = await store.status([key]);
  if (record === undefined) throw new Error(`There is no ${key}`);
  const reply = await store.perform(claim(key, record.attempt), at);
  if (reply.outcome !== 'claimed') throw new Error(`It is ${reply.outcome}`);
  return reply.record;
}
