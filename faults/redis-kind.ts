import type { TemporaryServer } from '../tests/support/process/temporary-server.ts';
import { type RedisCluster, startRedisCluster } from '../tests/support/servers/redis-cluster.ts';
import {
  MASTER,
  SENTINEL_PASSWORD,
  type SentinelGroup,
  startSentinelGroup,
} from '../tests/support/servers/redis-sentinel.ts';

/** Where the ledger is: in one Redis, in one of three that sentinels watch, or in a cluster of three masters with a replica each. */
export const REDIS_KINDS = ['one', 'sentinel', 'cluster'] as const;
export type RedisKind = (typeof REDIS_KINDS)[number];

export type SeveralRedis = Exclude<RedisKind, 'one'>;

/** How many replicas a primary has: with as many in DURABILITY, whichever takes its place has all that was acknowledged. */
export const REPLICAS: Readonly<Record<SeveralRedis, number>> = { sentinel: 2, cluster: 1 };

/** Servers of the other kinds than one. */
export interface RedisGroup {
  readonly cluster?: RedisCluster;
  readonly sentinel?: SentinelGroup;
  /** All of them, and what watches them. */
  readonly servers: readonly TemporaryServer[];
  /** Resolves when each primary is served and followed by all of its replicas. */
  whole(): Promise<void>;
  /** How the proxy finds them. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export async function startRedisGroup(kind: RedisKind): Promise<RedisGroup | undefined> {
  if (kind === 'one') return undefined;
  if (kind === 'cluster') {
    const cluster = await startRedisCluster();
    const environment = { REDIS_URL: cluster.url, REDIS_CLUSTER: cluster.addresses };
    const { nodes: servers } = cluster;
    return { cluster, servers, environment, whole: () => cluster.whole(), stop: () => cluster.stop() };
  }
  const sentinel = await startSentinelGroup();
  const environment = {
    REDIS_URL: sentinel.url,
    REDIS_SENTINELS: sentinel.addresses,
    REDIS_MASTER_NAME: MASTER,
    REDIS_SENTINEL_PASSWORD: SENTINEL_PASSWORD,
  };
  const servers = [...sentinel.redis, ...sentinel.sentinels];
  return { sentinel, servers, environment, whole: () => sentinel.whole(), stop: () => sentinel.stop() };
}
