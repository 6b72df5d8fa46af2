// Who confirms what he gets is looked at once a second for what he was passed over with: nearly always there is nothing.
import { anythingOut, sequenceGap } from '../../src/store/contract.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, BOB, openLedger, SECOND } from '../support/store/ledger.ts';

let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  opened = openLedger(server.url, { shards: 16 });
});
afterEach(() => opened.close());

const NOW = Date.now();
const gapOf = (user: string) => sequenceGap(user, 'desk', ALICE, NOW, NOW + 10 * SECOND);

test('many to whom nothing is out cost few commands', async () => {
  const { ledger, redis } = opened;
  const users = Array.from({ length: 320 }, (_, number) => `user${number}@example.org`);
  await ledger.batch(anythingOut(users), NOW);
  await redis.config('RESETSTAT');
  expect(await ledger.batch(anythingOut(users), NOW)).toEqual(anythingOut(users).map(() => []));
  const stats = await redis.info('commandstats');
  const calls = [...stats.matchAll(/^cmdstat_(?!config|info|eval)\w+:calls=(\d+)/gm)].map(([, count]) => Number(count));
  // And what any call costs.
  expect(calls.reduce((sum, count) => sum + count, 0)).toBeLessThan(users.length / 2);
});

test('of many in all shards those are named to whom something is out, or of whom a session was asked', async () => {
  const { ledger, redis } = opened;
  const users = Array.from({ length: 100 }, (_, number) => `user${number}@example.org`);
  const some = users.filter((_, number) => number % 7 === 0);
  for (const user of some) await redis.hset(ledger.shards.keysOfUser(user).asked(user), 'desk', `${NOW};${NOW};s`);
  const found = (await ledger.batch(anythingOut(users), NOW)).flat() as string[];
  expect(found.sort()).toEqual(some.sort());
});

test('a session that was taken for silent is there, though nothing is out to it', async () => {
  const { ledger, redis } = opened;
  await redis.hset(ledger.shards.keysOfUser(BOB).sessions(BOB), { '': NOW, desk: `${NOW};y;${NOW};` });
  await redis.hset(ledger.shards.keysOfUser(BOB).asked(BOB), 'desk', `${NOW};${NOW};s`);
  const isAsked = () => redis.hexists(ledger.shards.keysOfUser(BOB).asked(BOB), 'desk');
  expect(await isAsked()).toBe(1);
  expect(await ledger.batch(anythingOut([BOB]), NOW)).toEqual([[BOB]]);
  await ledger.perform(gapOf(BOB), NOW + 2 * SECOND);
  expect(await isAsked()).toBe(0);
});
