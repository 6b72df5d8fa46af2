import type { Cluster, Redis } from 'ioredis';

/** What is wrong with a Redis server, in words for an operator. */
export interface RedisHealth {
  /** It must not be used like this: acknowledged messages would be lost. */
  readonly refusals: readonly string[];
  /** It works, and promises less. */
  readonly warnings: readonly string[];
}

function field(info: string, name: string): string | undefined {
  return info.match(new RegExp(`^${name}:(.*?)\\r?$`, 'm'))?.[1];
}

/** Judges what `INFO` says. Pure. CONFIG GET would say more, and managed Redis services forbid it. */
export function judgeRedis(info: string, save: string | undefined, fsync: string | undefined): RedisHealth {
  const refusals: string[] = [];
  const warnings: string[] = [];
  const policy = field(info, 'maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    refusals.push(
      `Redis may throw away acknowledged messages: its maxmemory-policy is "${policy}". Set "maxmemory-policy noeviction".`,
    );
  }
  if (field(info, 'aof_enabled') !== '1') {
    warnings.push(
      save === ''
        ? 'Redis keeps nothing on disk: all pending messages are lost when it restarts. Set "appendonly yes".'
        : 'Redis writes to disk only now and then: a crash loses the messages since its last snapshot. Set "appendonly yes".',
    );
  } else if (fsync !== undefined && fsync !== 'always') {
    warnings.push(
      `Redis may lose the last second of acknowledged messages when its machine crashes (appendfsync ${fsync}). Set "appendfsync always" to rule that out.`,
    );
  }
  return { refusals, warnings };
}

/** @throws connection errors of ioredis */
export async function checkRedis(redis: Redis | Cluster): Promise<RedisHealth> {
  const setting = async (name: string): Promise<string | undefined> => {
    try {
      return ((await redis.config('GET', name)) as string[])[1];
    } catch {
      return undefined;
    }
  };
  const [info, save, fsync] = await Promise.all([redis.info(), setting('save'), setting('appendfsync')]);
  return judgeRedis(info, save, fsync);
}
