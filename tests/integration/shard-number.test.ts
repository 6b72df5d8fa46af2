// How many shards a ledger has: what its first start makes it, whatever the default is later.
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

let server: RedisServer;
let redis: Redis;
let it: PeerProxy | undefined;
beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(() => redis.flushall());
afterEach(() => it?.close());

async function start(settings: Record<string, string> = {}): Promise<PeerProxy> {
  await it?.close();
  it = await PeerProxy.start(server.url, settings);
  return it;
}

const kept = () => redis.hget('{receipts}:identity', 'shards');
const hashTags = async () => [
  ...new Set((await redis.keys('*}.*')).map((name) => name.slice(0, name.indexOf('}') + 1))),
];

test('a new ledger has 16, where nothing else is set', async () => {
  await (await start()).acknowledged('one');
  expect(await kept()).toBe('16');
  expect(await hashTags()).toEqual([expect.stringMatching(/^\{receipts\.\d+[.\w]*\}$/)]);
});

test('one that was begun with 1 keeps that where nothing is set, and its messages are known', async () => {
  const id = await (await start({ SHARDS: '1' })).acknowledged('before');
  const after = await start();
  await after.confirmed(id);
  await after.acknowledged('after');
  expect(await kept()).toBe('1');
  expect(await hashTags()).toEqual(['{receipts}']);
  // Its process goes on with the names that it has, and so must those that come later.
  await redis.flushall();
  await until(async () => (await kept()) !== null, { what: 'a new mark' });
  expect(await kept()).toBe('1');
  await (await start()).acknowledged('later');
  expect(await hashTags()).toEqual(['{receipts}']);
});

test('another number that is set is refused, and the line says what to do', async () => {
  await start({ SHARDS: '1' });
  await expect(start({ SHARDS: '4' })).rejects.toThrow('SHARDS is 4. Set SHARDS=1, or leave it out.');
  await start({ SHARDS: '1' });
});
