import { hash } from 'node:crypto';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { type Setting, serve } from './child.ts';
import { acknowledgement, type Design, deliveryReceipt, forward, type Stock, startStock } from './stock.ts';

const STORE = `
if redis.call('SET', KEYS[1], ARGV[1], 'NX') then
  redis.call('ZADD', KEYS[2], ARGV[2], KEYS[1])
  return 1
end
return 0`;
const SETTLE = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('SET', KEYS[1], 'delivered', 'PX', ARGV[1])
redis.call('ZREM', KEYS[2], KEYS[1])
return 1`;
const DUE = '{naive}:due';
const RETRY_AFTER = 30_000;
const DEDUP_WINDOW = 8 * 24 * 3600 * 1000;

type Scripted = Redis & {
  store(record: string, due: string, value: string, at: number): Promise<number>;
  settle(record: string, due: string, window: number): Promise<number>;
};

const keyOf = (id: string) => hash('sha256', id, 'base64url').slice(0, 22);

/** Store, set an alarm, acknowledge, forward; settle, put the alarm off, tell: each awaited before the next. */
function naive(stock: Stock, redis: Scripted, jobs: Queue): Design {
  return {
    message: async (id, stanza) => {
      const key = keyOf(id);
      const stored = await redis.store(`{naive}:${key}`, DUE, stanza.toString(), Date.now() + RETRY_AFTER);
      if (stored === 0) return;
      await jobs.add('message', { key }, { jobId: key, delay: RETRY_AFTER, removeOnComplete: true });
      await stock.send(acknowledgement(id, stanza));
      await stock.send(forward(stanza));
    },
    receipt: async (id, stanza) => {
      const key = keyOf(id);
      if ((await redis.settle(`{naive}:${key}`, DUE, DEDUP_WINDOW)) === 0) return;
      await jobs.remove(key);
      await stock.send(deliveryReceipt(id, stanza));
    },
  };
}

/** The order in which messages came is kept the naive way: one stanza after the other. */
function inOrder({ message, receipt }: Design): Design {
  let before = Promise.resolve();
  const after =
    (handle: Design['message']): Design['message'] =>
    (id, stanza) => {
      before = before.then(() => handle(id, stanza));
      return before;
    };
  return { message: after(message), receipt: after(receipt) };
}

/**
 * (b) The naive design, one stanza after the other; or with `concurrent`, in whatever order Redis answers: faster, but
 * messages may then overtake each other on their way.
 */
serve(async (setting: Setting) => {
  const concurrent = process.argv[3] === 'concurrent';
  const redis = new Redis(setting.redisUrl);
  redis.defineCommand('store', { numberOfKeys: 2, lua: STORE });
  redis.defineCommand('settle', { numberOfKeys: 2, lua: SETTLE });
  const prefix = '{naive}';
  const jobs = new Queue('redelivery', { connection: new Redis(setting.redisUrl), prefix });
  const connection = new Redis(setting.redisUrl, { maxRetriesPerRequest: null });
  // Nothing comes due while the benchmark runs, but the design has its worker.
  new Worker('redelivery', async () => {}, { connection, prefix });
  await startStock(setting, (stock) => {
    const design = naive(stock, redis as Scripted, jobs);
    return concurrent ? design : inOrder(design);
  });
});
