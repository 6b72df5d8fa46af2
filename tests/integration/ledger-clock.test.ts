import { claim, expire } from '../../src/store/contract.ts';
import { Pipeline } from '../../src/store/redis/pipeline.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { aliceWrites, DAY, keyOf, openLedger, SECOND } from '../support/store/ledger.ts';

/**
 * Steps of Redis' clock. The ledger adds an offset to that clock and takes both in at one place, so that a change of what
 * is noted of the offset is to it what a step of the clock is. (`npm run faults` steps the clock itself.)
 */
let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
let pipeline: Pipeline;

const silent = { info: () => {}, warn: () => {}, error: () => {} };

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  opened = openLedger(server.url);
  pipeline = new Pipeline(opened.ledger, { log: silent });
});
afterEach(() => opened.close());

const KEY = keyOf('m-1');

async function setClock(by: number): Promise<void> {
  const name = opened.ledger.keys.clock;
  const [offset, latest, epoch] = ((await opened.redis.get(name)) as string).split(' ').map(Number) as [
    number,
    number,
    number,
  ];
  await opened.redis.set(name, `${offset + by} ${latest} ${epoch}`);
}

/** Ledger time as Redis has it, not as this process thinks it is. */
async function ledgerTime(): Promise<number> {
  const other = openLedger(server.url, { prefix: opened.ledger.keys.prefix });
  await other.ledger.perform(claim('nothing', 1));
  other.close();
  return other.ledger.clock.now();
}

const near = (time: number) => Math.abs(time - Date.now()) < 5 * SECOND;

test('without a step it is the wall clock', async () => {
  await pipeline.perform(aliceWrites());
  expect(near(await ledgerTime())).toBe(true);
  expect(opened.ledger.clock.aheadOfWall()).toBe(0);
});

test.each([
  ['forward a day', DAY],
  ['forward an hour', DAY / 24],
  ['back a day', -DAY],
  ['back an hour', -DAY / 24],
])('a clock that is set %s moves nothing that is due', async (_, step) => {
  const before = performance.now();
  await pipeline.perform(aliceWrites());
  const due = Number(await opened.redis.zscore(opened.ledger.keys.due, KEY));
  await setClock(step);
  // Not given up, nor sent again, for a day that has not passed; and due in ten seconds still.
  expect(await pipeline.perform(expire(KEY, opened.ledger.clock.now()))).toBeUndefined();
  await pipeline.perform(aliceWrites({ id: 'm-2' }));
  const dueLater = Number(await opened.redis.zscore(opened.ledger.keys.due, keyOf('m-2')));
  expect(dueLater - due).toBeGreaterThanOrEqual(-1 * SECOND);
  expect(dueLater - due).toBeLessThanOrEqual(performance.now() - before + 1 * SECOND);
  expect(near(await ledgerTime())).toBe(true);
});

test('set forward and back again, it is what it was', async () => {
  await pipeline.perform(aliceWrites());
  for (const step of [DAY, -DAY, -DAY, DAY]) {
    await setClock(step);
    await pipeline.perform(claim('nothing', 1));
  }
  expect(near(await ledgerTime())).toBe(true);
});

test('a sweep on a clock that was just set forward takes nothing, and the next one goes on', async () => {
  await pipeline.perform(aliceWrites());
  await setClock(DAY);
  await expect(opened.ledger.sweep(SECOND, 10)).rejects.toThrow('Redis was late');
  expect((await opened.ledger.sweep(SECOND, 10)).overdue).toEqual([]);
});

test('a clock that is set back before its step forward was taken out is what it was', async () => {
  await pipeline.perform(aliceWrites());
  await setClock(DAY);
  await expect(opened.ledger.sweep(SECOND, 10)).rejects.toThrow('Redis was late');
  await setClock(-DAY);
  await opened.ledger.sweep(SECOND, 10);
  expect(near(await ledgerTime())).toBe(true);
});

test('two processes that notice one step take it out once', async () => {
  const other = openLedger(server.url, { prefix: opened.ledger.keys.prefix });
  const others = new Pipeline(other.ledger, { log: silent });
  await Promise.all([pipeline, others].map((one) => one.perform(claim('nothing', 1))));
  await setClock(DAY);
  await Promise.all([pipeline, others].map((one) => one.perform(claim('nothing', 1))));
  expect(near(await ledgerTime())).toBe(true);
  other.close();
});

test('a process that was not there at a step back goes by the latest time that was noted', async () => {
  await pipeline.perform(aliceWrites());
  await setClock(-DAY);
  expect(near(await ledgerTime())).toBe(true);
});
