// Redis looks through all of a small sorted set for each member that comes or goes: where many do, a sweep makes it one of another kind.
import type { Keys } from '../../src/store/redis/keys.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { aliceWrites, openLedger } from '../support/store/ledger.ts';
import { NOW } from '../support/store/scripts.ts';

let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  opened = openLedger(server.url, { shards: 2 });
});
afterEach(() => opened.close());

const LEASE = 10_000;

/** Messages to somebody of a shard. */
function messagesIn(shard: number, count: number) {
  const names = Array.from({ length: 100 }, (_, number) => `bob${number}@example.org`);
  const recipient = names.find((name) => opened.ledger.shards.ofUser(name) === shard) as string;
  return Array.from({ length: count }, (_, number) => aliceWrites({ id: `${shard}-${number}`, at: NOW, recipient }));
}

const dueIn = async (shard: number) => {
  const { due } = opened.ledger.shards.keys[shard] as Keys;
  return {
    kind: await opened.redis.object('ENCODING', due),
    members: await opened.redis.zrange(due, '0', '-1', 'WITHSCORES'),
  };
};

test('the due times of a busy shard are kept as a skip list, and nothing else of them changes', async () => {
  const { ledger } = opened;
  await ledger.batch([...messagesIn(0, 100), ...messagesIn(1, 49)], NOW);
  const before = [await dueIn(0), await dueIn(1)];
  expect(before.map(({ kind }) => kind)).toEqual(['listpack', 'listpack']);
  await ledger.sweep(LEASE, 100, NOW);
  const [busy, quiet] = before;
  expect([await dueIn(0), await dueIn(1)]).toEqual([{ ...busy, kind: 'skiplist' }, quiet]);
});

test('where nothing has come since, a sweep writes nothing', async () => {
  const { ledger, redis } = opened;
  await ledger.batch(messagesIn(0, 100), NOW);
  await ledger.sweep(LEASE, 100, NOW);
  await redis.config('RESETSTAT');
  await ledger.sweep(LEASE, 100, NOW);
  expect(await redis.info('commandstats')).not.toMatch(/^cmdstat_zadd:/m);
});

test('what a busy shard has few of stays small', async () => {
  const { ledger } = opened;
  for (const message of messagesIn(0, 15)) {
    for (let turn = 0; turn < 4; turn += 1) await ledger.batch([message], NOW);
  }
  await ledger.sweep(LEASE, 100, NOW);
  expect((await dueIn(0)).kind).toBe('listpack');
});
