import { DEFAULT_SHARDS, Shards } from '../../src/store/redis/shards.ts';
import { askRedis, type RedisServer, startRedis } from '../support/servers/redis.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

const CONFIRMS = new Shards('{receipts}', DEFAULT_SHARDS).keysOfUser('bob@example.org').confirms('bob@example.org');

let redis: RedisServer;
let it: PeerProxy;

beforeEach(async () => {
  redis = await startRedis();
  it = await PeerProxy.start(redis.url, { LOG_LEVEL: 'error' });
  await it.ready();
});

afterEach(async () => {
  await it.close();
  await redis.stop();
});

const losses = (count: number) =>
  until(async () => (await it.metric('ledger_losses_total')) === count, { what: `${count} losses` });

test('FLUSHALL: said once and loudly, counted, and what is cached of the ledger is dropped', async () => {
  await it.confirmed(await it.acknowledged('one'));
  expect(await askRedis(redis.port, `EXISTS ${CONFIRMS}`)).toBe(':1');
  await askRedis(redis.port, 'FLUSHALL');
  await losses(1);
  const { status, warnings } = await it.readyz();
  expect(status).toBe(200);
  expect(warnings).toEqual(expect.arrayContaining([expect.stringMatching(/^Redis has lost its data.*\(since/)]));
  const said = it.lines.filter(({ loss }) => loss !== undefined);
  expect(said).toEqual([expect.objectContaining({ level: 'error', loss: 'empty' })]);
  // Redis is told anew who confirms, though this process told it a moment ago.
  await it.confirmed(await it.acknowledged('two'));
  await until(async () => (await askRedis(redis.port, `EXISTS ${CONFIRMS}`)) === ':1', { what: 'it to be remembered' });
});

test('an older copy is known by its count, another ledger by its id', async () => {
  // Far enough that a step back is one.
  const count = async () => Number((await askRedis(redis.port, 'HINCRBY {receipts}:identity count 0')).slice(1));
  await until(async () => (await count()) >= 5, { what: 'some probes' });
  await askRedis(redis.port, 'HSET {receipts}:identity count 1');
  await losses(1);
  await askRedis(redis.port, 'HSET {receipts}:identity id other count 100000');
  await losses(2);
  expect(it.lines.flatMap(({ loss }) => loss ?? [])).toEqual(['older', 'another']);
});

test('a restart with all its data is none', async () => {
  const before = await it.acknowledged('before');
  await redis.kill();
  await it.unready(/Redis/);
  await redis.restart();
  await it.ready();
  await it.confirmed(before);
  expect(await it.metric('ledger_losses_total')).toBe(0);
});
