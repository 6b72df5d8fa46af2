// A whole process on a Redis Cluster of three masters, each with a replica.
import { type RedisCluster, startRedisCluster } from '../support/servers/redis-cluster.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

const { jest } = import.meta;

jest.setTimeout(120_000);

let group: RedisCluster;
let it: PeerProxy | undefined;

const settings = () => ({
  REDIS_CLUSTER: group.addresses,
  SHARDS: '16',
  // Dates that a failover of some seconds does not turn round.
  RETRY_SCHEDULE: '5s,5s',
  UNCONFIRMED_RETRIES: '50',
});

beforeAll(async () => {
  group = await startRedisCluster({ password: 'redis-password' });
});
afterAll(() => group.stop());
afterEach(async () => {
  await it?.close();
  it = undefined;
});

test('messages go through and are sent again by jobs; all that is shown is there', async () => {
  it = await PeerProxy.start(group.url, settings());
  await it.ready();
  const id = await it.acknowledged('again');
  await until(() => (it as PeerProxy).copies('again') >= 2, { within: 40_000, what: 'another copy' });
  expect(await it.metric('pending')).toBe(1);
  await it.confirmed(id);
  await until(async () => (await it?.metric('pending')) === 0, { what: 'nothing pending' });
  expect((await it.readyz()).problems).toEqual([]);
  for (const queue of ['redelivery', 'expiry', 'undelivered']) {
    expect((await fetch(`${it.proxy.url}/queues/api/queues?activeQueue=${queue}`)).status).toBe(200);
  }
});
