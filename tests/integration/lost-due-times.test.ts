// Somebody deletes in Redis when messages are due: what was acknowledged is due again.
import { LostDueTimes } from '../../src/jobs/lost-due-times.ts';
import { Sweeper } from '../../src/jobs/sweeper.ts';
import type { StoredRecord } from '../../src/store/contract.ts';
import { RedisQueries } from '../../src/store/redis/administration-queries.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { aliceWrites, keyOf, openLedger, RETRY } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
let sweeper: Sweeper | undefined;
const warned: object[] = [];

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  opened = openLedger(server.url);
  warned.length = 0;
});
afterEach(async () => {
  await sweeper?.stop();
  opened.close();
});

const log = { warn: (fields: object) => warned.push(fields), error: () => {} };

/** Sweeps, and gives what it finds due; how many portions of all records were looked at. */
function sweeping() {
  const { ledger, redis } = opened;
  const queries = new RedisQueries(redis, ledger.shards);
  const found: string[] = [];
  const looks = { count: 0 };
  let swept = 0;
  const lostDueTimes = new LostDueTimes({
    queries: {
      portion: (cursor) => {
        looks.count += 1;
        return queries.portion(cursor);
      },
      records: (keys) => queries.records(keys),
    },
    perform: (request) => ledger.perform(request),
    clock: ledger.clock,
    log,
  });
  const queues = {
    waiting: async () => {
      swept += 1;
      return 0;
    },
    addSwept: async (overdue: readonly StoredRecord[]) => void found.push(...overdue.map(({ key }) => key)),
    addDamaged: async () => undefined,
  };
  const options = { queues, retry: RETRY, onProblem: () => {}, every: 10, log, lostDueTimes };
  sweeper = new Sweeper({ ...options, ledger, perform: (request) => ledger.perform(request) });
  sweeper.start();
  const sweeps = (count: number) => {
    const wanted = swept + count + 1;
    return until(() => swept >= wanted, { what: 'further sweeps' });
  };
  return { found, looks, sweeps };
}

const deleteDueTimes = async () => {
  for (const { due } of opened.ledger.shards.keys) await opened.redis.del(due);
};

test('all of them, while nobody writes: what was stored is due at the next sweep, and is found once', async () => {
  for (const id of ['m-1', 'm-2']) await opened.ledger.perform(aliceWrites({ id }));
  await deleteDueTimes();
  const { found, looks, sweeps } = sweeping();
  await until(() => found.length === 2, { what: 'both' });
  expect(new Set(found)).toEqual(new Set([keyOf('m-1'), keyOf('m-2')]));
  expect(warned).toEqual([{ messages: 2 }]);
  await opened.ledger.perform(aliceWrites({ id: 'm-3' }));
  const before = looks.count;
  await sweeps(3);
  expect([found.length, looks.count]).toEqual([2, before]);
});

test('all of them, and others are written since: noticed by the count, which is compared now and then', async () => {
  const { ledger } = opened;
  for (const id of ['m-1', 'm-2']) await ledger.perform(aliceWrites({ id }));
  await deleteDueTimes();
  await ledger.perform(aliceWrites({ id: 'm-3' }));
  // At the beginning of each half minute.
  const at = (Math.floor(ledger.clock.now() / 30_000) + 1) * 30_000;
  expect((await ledger.sweep(1000, 10, at + 15_000)).missing).toBeUndefined();
  expect((await ledger.sweep(1000, 10, at)).missing).toBe(2);
});

test('what waits in so many minutes that to add them up would hold Redis for long is not compared while something is due', async () => {
  const { ledger, redis } = opened;
  await ledger.perform(aliceWrites({ id: 'm-1' }));
  const ages = ledger.shards.home.ages;
  const at = (Math.floor(ledger.clock.now() / 30_000) + 1) * 30_000;
  await redis.hset(ages, Object.fromEntries(Array.from({ length: 20_000 }, (_, minute) => [minute, 1])));
  expect((await ledger.sweep(1000, 10, at)).missing).toBeUndefined();
  await redis.hdel(ages, '1');
  expect((await ledger.sweep(1000, 10, at)).missing).toBe(19_999);
});

test('a count that has drifted is no reason to look at all records again and again, and is put right when nothing is due', async () => {
  const { ledger, redis } = opened;
  const ages = ledger.shards.home.ages;
  await redis.hset(ages, 1, 3);
  const { looks, sweeps } = sweeping();
  await until(async () => (await redis.exists(ages)) === 0, { what: 'the count' });
  expect(looks.count).toBeLessThan(100);
  expect(warned).toEqual([]);
  const before = looks.count;
  await sweeps(3);
  expect(looks.count).toBe(before);
});
