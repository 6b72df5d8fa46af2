// Marks in the shards of a Redis Cluster, of several processes (tests/integration/cluster-restored.test.ts has a whole process).
import { type Cluster, Redis } from 'ioredis';
import { ShardMarks } from '../../src/store/redis/shard-marks.ts';
import { Shards } from '../../src/store/redis/shards.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { DAY } from '../support/store/ledger.ts';

const ID = 'the-ledger';

let server: RedisServer;
let master: Redis;
let shards: Shards;
beforeEach(async () => {
  server = await startRedis();
  master = new Redis(server.url);
  shards = new Shards('{receipts}', 2);
});
afterEach(async () => {
  master.disconnect();
  await server.stop();
});

/** As if the one server were a cluster. */
const marksOf = () => new ShardMarks(Object.create(master, { isCluster: { value: true } }) as Cluster, shards, DAY);

/** A probe, in the first shard alone. */
async function probe(marks: ShardMarks, count: number): Promise<void> {
  const beside = await marks.read({ id: ID, count });
  await marks.note(0, master, { id: ID, count });
  await marks.keep(beside);
}

const first = () => shards.home;

test('what one process has found to be set back is not found again by one that was away meanwhile', async () => {
  const [one, other] = [marksOf(), marksOf()];
  await probe(one, 900);
  await probe(one, 1000);
  await probe(other, 1001);
  // With the ledger's own mark, to what they were long ago.
  await master.set(first().mark, `${ID} 500`);
  await master.del(`${shards.base}:identity`);
  await probe(one, 502);
  expect(one.found).toEqual({ older: 1, emptied: 0 });
  expect(await master.get(first().restored)).toMatch(/ h$/);
  // The operator has it sent, and messages come.
  await master.del(first().restored);
  for (let count = 503; count < 510; count += 1) await probe(one, count);
  await probe(other, 510);
  expect(await master.exists(first().restored)).toBe(0);
  // A further one is found by both.
  for (let count = 511; count < 600; count += 1) await probe(other, count);
  await probe(one, 600);
  await master.set(first().mark, `${ID} 400`);
  await probe(other, 601);
  expect(await master.get(first().restored)).toMatch(/ h$/);
});

test.each(['older', 'emptied'])('what one process has found (%s) each of the others learns, once', async (what) => {
  const [one, other] = [marksOf(), marksOf()];
  for (const count of [900, 1000]) await probe(one, count);
  await probe(other, 1001);
  if (what === 'older') await master.set(first().mark, `${ID} 500`);
  else await master.del(first().mark);
  await probe(one, 1002);
  expect(one.found).toMatchObject({ [what]: 1 });
  for (let count = 1003; count < 1010; count += 1) await probe(count % 2 === 0 ? one : other, count);
  expect(one.found.older + one.found.emptied).toBe(1);
  // Of that he knows no more than that he has to ask anew.
  expect(other.found).toEqual({ older: 1, emptied: 0 });
});

test('before a connection is made it counts as another one, whatever was looked at over one that was not made yet', async () => {
  const marks = marksOf();
  const check = marks.checkOf(0);
  await marks.read({ id: ID, count: 1 });
  const before = new Redis(server.url, { lazyConnect: true });
  const after = new Redis(server.url, { lazyConnect: true });
  expect(check.isNew(before)).toBe(true);
  await check.look(before);
  expect(check.isNew(before)).toBe(false);
  expect(check.isNew(after)).toBe(true);
  before.disconnect();
  after.disconnect();
});

test('a replica that takes over before the first mark of a ledger that is there has come to it is no older copy', async () => {
  const marks = marksOf();
  await master.hset(first().ages, '1', '1');
  await probe(marks, 1000);
  await master.del(first().mark);
  await probe(marks, 1001);
  await probe(marksOf(), 1002);
  expect(marks.found).toEqual({ older: 0, emptied: 0 });
  for (let count = 1003; count < 1040; count += 1) await probe(marks, count);
  await master.del(first().mark);
  await probe(marks, 1040);
  expect(marks.found).toEqual({ older: 1, emptied: 0 });
});

test('that the ledger’s own mark was set back counts once, however many probes find it before it is noted, and again the next time', () => {
  const marks = marksOf();
  for (const isOlder of [false, true, true, false, false, true]) marks.markIsOlder(isOlder);
  expect(marks.found).toEqual({ older: 2, emptied: 0 });
});
