import { Redis } from 'ioredis';
import { notified, settle } from '../src/store/contract.ts';
import { SCRIPT_TIMES } from '../src/store/retry-policy.ts';
import { acceptance, BATCH, DAY, database, ledgerIn } from './filling.ts';
import { redisCpu, redisMemory } from './measure.ts';
import type { Place } from './variant.ts';

/** DEDUP_WINDOW of the ledger that is filled, ms. */
const WINDOW = 8 * DAY;

export interface Delivered {
  /** Bytes in Redis of a message that was delivered, whose sender was told half an hour ago, and that is known if it comes again. */
  readonly bytes: number;
  /** The same by the messages of the window, when that has been full for half of its length: others are over, and not yet taken out. */
  readonly bytesFull: number;
  /** What a message takes of Redis then, by what it takes in the first part of the first window. */
  readonly redisCpuFull: number;
}

/**
 * A window's messages, spread over its time, and half as many after them.
 *
 * @param count how many are in a window
 */
export async function delivered(place: Place, count: number, say: (text: string) => void): Promise<Delivered> {
  const redis = new Redis(database(place, 2).redisUrl);
  try {
    const ledger = ledgerIn(redis);
    const before = await redisMemory(redis);
    say(`delivering ${count.toLocaleString('en')} messages, and half as many`);
    const start = Date.now();
    let number = 0;
    let at = start;
    /** CPU of Redis, us a message. */
    const deliver = async (upto: number) => {
      const [first, cpu] = [number, await redisCpu(redis)];
      while (number < upto) {
        const messages = Array.from({ length: Math.min(BATCH, upto - number) }, (_, i) => acceptance(number + i, at));
        await ledger.batch(messages, at);
        await ledger.batch(
          messages.map(({ key }) => settle(key, 'desk', at)),
          at,
        );
        await ledger.batch(notified(messages.map(({ key }) => ({ key, state: 'delivered' as const }))), at);
        number += messages.length;
        at = Math.floor(start + (WINDOW * number) / count);
        // Redis is not asked to hold all of them whole.
        await ledger.sweep(1000, 10, at);
        await ledger.sweep(1000, 10, at);
      }
      return ((await redisCpu(redis)) - cpu) / (number - first);
    };
    const bytesEach = async () => {
      const later = at + SCRIPT_TIMES.DELIVERED_KEPT_WHOLE + 1000;
      for (let i = 0; i < 10; i += 1) await ledger.sweep(1000, 10, later);
      return ((await redisMemory(redis)) - before) / count;
    };
    const part = count / 4;
    const cpuFirst = await deliver(part);
    await deliver(count);
    const bytes = await bytesEach();
    await deliver(count + part);
    const cpuFull = await deliver(count + 2 * part);
    return { bytes, bytesFull: await bytesEach(), redisCpuFull: cpuFull / cpuFirst };
  } finally {
    await redis.flushdb();
    redis.disconnect();
  }
}
