// A process that meets a ledger of a newer version says so, and is refused as for a fault of its configuration.
import { Probe } from '../../src/store/redis/probe.ts';
import { checkSetup } from '../../src/store/redis/server-setup.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openLedger } from '../support/store/ledger.ts';

let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
beforeAll(async () => {
  server = await startRedis();
  opened = openLedger(server.url);
});
afterAll(async () => {
  opened.close();
  await server.stop();
});

const refusals = async () => {
  const { redis, ledger } = opened;
  return (await checkSetup(redis, new Probe(redis, ledger.keys.prefix))).refusals;
};
const format = () => opened.redis.hget(opened.ledger.keys.identity, 'format');

test('a ledger without a mark is none to refuse, and is marked only when it has been taken over', async () => {
  expect(await refusals()).toEqual([]);
  expect(await format()).toBeNull();
});

test('one of a newer format is refused, and left as it is', async () => {
  await opened.redis.hset(opened.ledger.keys.identity, 'format', 7);
  expect(await refusals()).toEqual([
    'A newer version has written what is in Redis (format 7; this one knows up to 6). Start that version again, or name another REDIS_PREFIX.',
  ]);
  expect(await format()).toBe('7');
});
