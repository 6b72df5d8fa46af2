import { readFileSync } from 'node:fs';
import { askRedis, askRedisForAll, type RedisServer, startRedis } from '../support/servers/redis.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
const line = /^ACL SETUSER .*$/m.exec(text)?.[0] as string;

let redis: RedisServer;
let it: PeerProxy;

beforeAll(async () => {
  redis = await startRedis();
  expect(await askRedis(redis.port, line)).toBe('+OK');
  it = await PeerProxy.start(
    `redis://receipts:the-password@127.0.0.1:${redis.port}`,
    { UNCONFIRMED_RETRIES: '50', LOG_LEVEL: 'warn' },
    { health: { storage: { inspectEvery: 200 } } },
  );
});
afterAll(async () => {
  await it.close();
  await redis.stop();
});

test('with the ACL of docs/operations.md all goes well: accepting, sending again, settling, what is shown', async () => {
  await it.ready();
  const id = await it.acknowledged('again');
  // By jobs of the queue library.
  await until(() => it.copies('again') >= 3, { what: 'further copies' });
  await it.confirmed(id);
  expect(await it.metric('pending')).toBeDefined();
  for (const queue of ['redelivery', 'expiry', 'undelivered']) {
    const response = await fetch(`${it.proxy.url}/queues/api/queues?activeQueue=${queue}`);
    expect([queue, response.status]).toEqual([queue, 200]);
  }
  expect((await it.readyz()).problems).toEqual([]);
  expect(it.lines.filter(({ err }) => JSON.stringify(err ?? '').includes('NOPERM'))).toEqual([]);
  // What Redis has refused, also where nobody says so: looks at its settings, and of the queues' page at its clients. Both can
  // be done without.
  const refused = (await askRedisForAll(redis.port, 'ACL LOG')).matchAll(/\r\nobject\r\n\$\d+\r\n(.*)\r\n/g);
  expect([...new Set([...refused].map(([, name]) => name))].sort()).toEqual(['client|list', 'config|get']);
});

test('a command that is taken away while it runs is noticed, though the watch itself can do without', async () => {
  await it.ready();
  await askRedis(redis.port, 'ACL SETUSER receipts -xadd');
  await it.unready(/Redis forbids the user of REDIS_URL.*: XADD\. /);
  await askRedis(redis.port, 'ACL SETUSER receipts +xadd');
  await it.ready();
});
