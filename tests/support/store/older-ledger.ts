import type { Redis } from 'ioredis';

/** A key of a ledger that an older version has written, without its prefix. */
export interface OlderKey {
  readonly key: string;
  readonly type: string;
  /** ms */
  readonly ttl?: number;
  /** Of a sorted set members and scores, in turn or by name; of a hash octets, a character each. */
  readonly value: string | string[] | Record<string, string>;
}

const WRITES: Readonly<Record<string, string>> = {
  string: 'SET',
  hash: 'HSET',
  list: 'RPUSH',
  set: 'SADD',
  zset: 'ZADD',
};

/** Writes what a process of that time left, and its mark; that is among the keys where these have their whole names (no prefix). */
export async function writeOlderLedger(redis: Redis, prefix: string, keys: readonly OlderKey[]): Promise<void> {
  for (const { key, type, ttl, value } of keys) {
    let parts = typeof value === 'string' ? [value] : Array.isArray(value) ? value : Object.entries(value).flat();
    // Of a sorted set the score comes first.
    if (type === 'zset') parts = parts.map((_, i) => parts[i % 2 === 0 ? i + 1 : i - 1] as string);
    const octets = type === 'hash' ? parts.map((part) => Buffer.from(part, 'latin1')) : parts;
    await redis.call(WRITES[type] as string, prefix + key, ...octets);
    if (ttl !== undefined) await redis.pexpire(prefix + key, ttl);
  }
  if (prefix !== '') await redis.hset(`${prefix}:identity`, 'id', 'older', 'count', '7');
}
