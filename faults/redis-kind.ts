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

/** Servers of the other kinds than one. */
export interface RedisGroup {
  readonly cluster?: RedisCluster;
  readonly sentinel?: SentinelGroup;
  /** How the proxy finds them. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export async function startRedisGroup(kind: RedisKind): Promise<RedisGroup | undefined> {
  if (kind === 'one') return undefined;
  if (kind === 'cluster') {
    const cluster = await startRedisCluster();
    const environment = { REDIS_URL: cluster.url, REDIS_CLUSTER: cluster.addresses };
    return { cluster, environment, stop: () => cluster.stop() };
  }
  const sentinel = await startSentinelGroup();
  const environment = {
    REDIS_URL: sentinel.url,
    REDIS_SENTINELS: sentinel.addresses,
    REDIS_MASTER_NAME: MASTER,
    REDIS_SENTINEL_PASSWORD: SENTINEL_PASSWORD,
  };
  return { sentinel, environment, stop: () => sentinel.stop() };
}
