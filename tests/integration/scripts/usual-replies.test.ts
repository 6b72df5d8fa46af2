// A batch whose operations all come to what they usually do is replied to once: each request is given what a reply of its own would say.
import * as c from '../../../src/store/contract.ts';
import type { Keys } from '../../../src/store/redis/keys.ts';
import { type RedisServer, startRedis } from '../../support/servers/redis.ts';
import { ALICE, aliceWrites, openLedger } from '../../support/store/ledger.ts';
import { NOW } from '../../support/store/scripts.ts';

let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
let raw: unknown[] = [];
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  opened = openLedger(server.url, { shards: 2 });
  const { redis } = opened;
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = async (command) => {
    const reply = await send(command);
    if (command.name.startsWith('eval')) raw = reply as unknown[];
    return reply;
  };
});
afterEach(() => opened.close());

const limits = { messages: 10, bytes: 0, toOne: 0, domainMessages: 0, domainBytes: 0 };
const stored = (key: string, taken?: number) => ({ outcome: 'stored', key, target: undefined, taken });

/** Somebody of a shard. */
function inShard(shard: number): string {
  const names = Array.from({ length: 100 }, (_, number) => `bob${number}@example.org`);
  return names.find((name) => opened.ledger.shards.ofUser(name) === shard) as string;
}

test('messages, receipts, and word to senders, of several shards', async () => {
  const { ledger } = opened;
  const first = aliceWrites({ id: 'one', at: NOW, recipient: inShard(0), quota: { limits, refuse: undefined } });
  const second = aliceWrites({ id: 'two', at: NOW, recipient: inShard(1) });
  expect(await ledger.batch([second, first], NOW)).toEqual([stored(second.key), stored(first.key, 0)]);
  expect(raw.slice(1)).toEqual(['as-usual']);

  const [atHand] = await ledger.status([first.key]);
  const third = aliceWrites({ id: 'three', at: NOW });
  const settles = c.settle(first.key, 'desk', NOW, undefined, atHand);
  const [told] = c.notified([{ key: second.key, state: 'delivered' }]);
  const [before, receipt, done] = await ledger.batch([third, settles, told] as c.Request[], NOW);
  expect(raw.slice(1)).toEqual(['as-usual']);
  expect([before, done]).toEqual([stored(third.key), undefined]);
  expect(receipt).toMatchObject({
    outcome: 'delivered',
    record: { key: first.key, sender: ALICE, state: 'delivered', copies: 0, attempt: 1, receiptResource: 'desk' },
  });
});

test('each message is due in the shard that it lies in', async () => {
  const { ledger, redis } = opened;
  const to = (shard: number, ids: string[]) => ids.map((id) => aliceWrites({ id, at: NOW, recipient: inShard(shard) }));
  const messages = [to(0, ['one', 'two', 'three']), to(1, ['four', 'five'])];
  await ledger.batch(messages.flat(), NOW);
  expect(raw.slice(1)).toEqual(['as-usual']);
  for (const [shard, own] of messages.entries()) {
    const due = await redis.zrange((ledger.shards.keys[shard] as Keys).due, '0', '-1');
    expect(due.sort()).toEqual(own.map(({ key }) => key).sort());
  }
});

test('the one that cannot be carried out is told apart from those before and behind it', async () => {
  const { ledger, redis } = opened;
  const messages = ['one', 'two', 'three'].map((id) => aliceWrites({ id, at: NOW, recipient: inShard(1) }));
  await ledger.batch(messages, NOW);
  const atHand = await ledger.status(messages.map(({ key }) => key));
  await redis.set(ledger.shards.keysOfUser(inShard(1)).due, 'no sorted set');
  const [one, two, three] = messages.map(({ key }, i) => c.settle(key, 'desk', NOW, undefined, atHand[i]));
  const [told] = c.notified([{ key: (messages[0] as c.RequestOf<'accept'>).key, state: 'delivered' }]);
  const outcomes = await ledger.batch([one, two, told, three] as c.Request[], NOW);
  expect(raw).toHaveLength(4);
  expect(outcomes[2]).toBeInstanceOf(c.OperationError);
  expect(outcomes.toSpliced(2, 1)).toMatchObject(
    messages.map(({ key }) => ({ outcome: 'delivered', record: { key, state: 'delivered' } })),
  );
});
