import { Redis } from 'ioredis';
import { notified, settle } from '../src/store/contract.ts';
import { SCRIPT_TIMES } from '../src/store/retry-policy.ts';
import { acceptance, BATCH, database, ledgerIn } from './filling.ts';
import { redisMemory } from './measure.ts';
import type { Place } from './variant.ts';

/** Bytes in Redis of a message that was delivered, whose sender was told half an hour ago, and that is known if it comes again. */
export async function delivered(place: Place, count: number, say: (text: string) => void): Promise<number> {
  const redis = new Redis(database(place, 2).redisUrl);
  try {
    const ledger = ledgerIn(redis);
    const before = await redisMemory(redis);
    say(`delivering ${count.toLocaleString('en')} messages`);
    const start = Date.now();
    const LATER = SCRIPT_TIMES.DELIVERED_KEPT_WHOLE + 1000;
    for (let number = 0; number < count; number += BATCH) {
      const messages = Array.from({ length: Math.min(BATCH, count - number) }, (_, i) => acceptance(number + i, start));
      await ledger.batch(messages, start);
      await ledger.batch(
        messages.map(({ key }) => settle(key, 'desk', start)),
        start,
      );
      await ledger.batch(notified(messages.map(({ key }) => ({ key, state: 'delivered' as const }))), start);
      // Redis is not asked to hold all of them whole.
      await ledger.sweep(1000, 10, start + LATER);
      await ledger.sweep(1000, 10, start + LATER);
    }
    return ((await redisMemory(redis)) - before) / count;
  } finally {
    await redis.flushdb();
    redis.disconnect();
  }
}
