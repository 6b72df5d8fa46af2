import type { Redis } from 'ioredis';
import type { Keys } from '../../../src/store/redis/keys.ts';
import { DEFAULT_SHARDS, Shards } from '../../../src/store/redis/shards.ts';

/**
 * Where things lie in the ledger that a process keeps in a running Redis: for who looks into it from outside. It is asked for its
 * number of shards each time; before it is begun, it has those that a process will begin it with. Also a ledger's preparation.
 */
export class KeptShards {
  readonly isReady = false;
  readonly shards: Shards;
  readonly #redis: Redis;

  constructor(redis: Redis, prefix = '{receipts}') {
    this.#redis = redis;
    this.shards = new Shards(prefix, DEFAULT_SHARDS);
  }

  async prepare(): Promise<void> {
    const kept = Number((await this.#redis.hget(`${this.shards.base}:identity`, 'shards')) ?? DEFAULT_SHARDS);
    if (kept !== this.shards.count) this.shards.adopt(kept);
  }

  /** Names of what is a user's. */
  async ofUser(jid: string): Promise<Keys> {
    await this.prepare();
    return this.shards.keysOfUser(jid);
  }

  /** Names of what is a message's. */
  async ofMessage(key: string): Promise<Keys> {
    await this.prepare();
    return this.shards.keysOfMessage(key);
  }

  /** Names of what is each shard's. */
  async all(): Promise<readonly Keys[]> {
    await this.prepare();
    return this.shards.keys;
  }

  /** The members of all sets of due times, with these (ms). */
  async due(): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for (const { due } of await this.all()) {
      const flat = await this.#redis.zrange(due, '0', '-1', 'WITHSCORES');
      for (let i = 0; i < flat.length; i += 2) found.set(flat[i] as string, Number(flat[i + 1]));
    }
    return found;
  }

  /** How many members they have together. */
  async dueCount(): Promise<number> {
    const counts = await Promise.all((await this.all()).map(({ due }) => this.#redis.zcard(due)));
    return counts.reduce((sum, count) => sum + count, 0);
  }
}
