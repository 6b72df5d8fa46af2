import type { Cluster, Redis } from 'ioredis';

/**
 * A name beside a shard's own, which nothing is ever kept under. A call in Redis Cluster names both as its keys. While the slot of a
 * shard goes from one master to another, a part of its keys lies on each; a script carried out then, on whichever, would find records
 * missing. The first master refuses a call whose keys are not there (ASK), and the second one a call of several, also when it was
 * asked to (TRYAGAIN): so that such a call is carried out before, or after.
 */
const absentName = (prefix: string) => `${prefix}:absent`;

/** A script, as one that is called with {@link keysOf}. */
export function scriptFor(redis: Pick<Redis | Cluster, 'isCluster'>, lua: string): string {
  // On its first line, so that errors name the same lines.
  return redis.isCluster ? `KEYS[2] = nil ${lua}` : lua;
}

/** What a call to one shard names as its keys. */
export function keysOf(redis: Pick<Redis | Cluster, 'isCluster'>, prefix: string): string[] {
  return redis.isCluster ? [prefix, absentName(prefix)] : [prefix];
}

/** Defines a script that is called with {@link keysOf} and its arguments. */
export function defineShardScript(redis: Redis | Cluster, name: string, lua: string): void {
  redis.defineCommand(name, { numberOfKeys: redis.isCluster ? 2 : 1, lua: scriptFor(redis, lua) });
}
