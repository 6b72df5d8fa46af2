import type { Redis } from 'ioredis';
import type { Keys } from '../../../src/store/redis/keys.ts';

/** Writes the entry of a copy that is out, as scripts/include/copies.lua has it, of which nothing is counted. Times in ms. */
export function writeCopy(
  redis: Redis,
  keys: Keys,
  recipient: string,
  key: string,
  how: string,
  stored: number,
  handed: number,
): Promise<number> {
  const entry = Buffer.alloc(14);
  entry.write(how, 0, 'latin1');
  entry.writeUIntBE(handed, 2, 6);
  entry.writeUIntBE(handed - stored, 11, 3);
  return redis.hset(keys.copies(recipient), key, entry);
}
