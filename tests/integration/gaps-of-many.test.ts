// Who confirms what he gets is looked at once a second for what he was passed over with: nearly always there is nothing.
import { sequenceGap } from '../../src/store/contract.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, BOB, openLedger, SECOND } from '../support/store/ledger.ts';
import { BATCH_ARGUMENTS } from '../support/store/scripts.ts';

let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  opened = openLedger(server.url);
});
afterEach(() => opened.close());

const NOW = Date.now();
const gapOf = (user: string) => sequenceGap(user, 'desk', ALICE, NOW, NOW + 10 * SECOND);

test('one to whom nothing is out costs one command', async () => {
  const { ledger, redis } = opened;
  const users = Array.from({ length: 50 }, (_, number) => `user${number}@example.org`);
  const all = (requests: readonly ReturnType<typeof gapOf>[]) => ledger.batch(requests, NOW);
  await all(users.map(gapOf));
  await redis.config('RESETSTAT');
  const portions = await all(users.map(gapOf));
  expect(portions).toEqual(users.map(() => ({ next: '0', keys: [] })));
  const stats = await redis.info('commandstats');
  const calls = [...stats.matchAll(/^cmdstat_(?!config|info|eval)\w+:calls=(\d+)/gm)].map(([, count]) => Number(count));
  // And what any call costs.
  expect(calls.reduce((sum, count) => sum + count, 0)).toBeLessThan(users.length + BATCH_ARGUMENTS.length + 10);
});

test('a session that was taken for silent is there, though nothing is out to it', async () => {
  const { ledger, redis } = opened;
  await redis.hset(ledger.keys.sessions(BOB), { '': NOW, desk: `${NOW};y;${NOW};` });
  await redis.hset(ledger.keys.asked(BOB), 'desk', `${NOW};${NOW};s`);
  const isAsked = () => redis.hexists(ledger.keys.asked(BOB), 'desk');
  expect(await isAsked()).toBe(1);
  await ledger.perform(gapOf(BOB), NOW + 2 * SECOND);
  expect(await isAsked()).toBe(0);
});
