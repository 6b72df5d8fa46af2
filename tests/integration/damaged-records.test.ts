import { claim, notified, OperationError, reject, reported, settle } from '../../src/store/contract.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, openLedger, SECOND, spoil } from '../support/store/ledger.ts';

/** One record that something else has damaged stops nothing else, and its sender is told where it still says who that is. */
let server: RedisServer;
let opened: ReturnType<typeof openLedger>;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  opened = openLedger(server.url);
  for (const id of ['before', 'bad', 'after']) await opened.ledger.perform(aliceWrites({ id, at: LONG_AGO }));
});
afterEach(() => opened.close());

const LONG_AGO = Date.now() - 8 * DAY;
const BAD = keyOf('bad');
const name = () => opened.ledger.keys.record(BAD);
const later = () => Date.now() + 60 * SECOND;
const sweep = (at = later()) => opened.ledger.sweep(SECOND, 100, at);
const ids = (records: readonly { wireId: string }[]) => records.map(({ wireId }) => wireId);

const cut = async (end: number) => {
  const value = (await opened.redis.get(name())) as string;
  await opened.redis.set(name(), value.slice(0, end));
};

const PAYLOAD = '\x1e';

const DAMAGES: [string, () => Promise<unknown>][] = [
  ['cut short in its head', () => cut(10)],
  ['cut short in its body', () => cut(60)],
  ['emptied', () => opened.redis.set(name(), '')],
  ['overwritten', () => opened.redis.set(name(), 'Hello, World, this is not what it was')],
  ['of another type', async () => (await opened.redis.del(name())) && opened.redis.hset(name(), 'a', 'b')],
  ['a list', async () => (await opened.redis.del(name())) && opened.redis.rpush(name(), 'a', 'b')],
  ['written over between its fields', () => spoil(opened.redis, name())],
  ['of an unknown format', async () => opened.redis.setrange(name(), 0, '3')],
  ['with a NUL in its body', async () => opened.redis.setrange(name(), 30, '\0')],
  ['with a control character in its body', async () => opened.redis.setrange(name(), 30, '\u0001')],
];

describe.each(DAMAGES)('a record that is %s', (_, damage) => {
  beforeEach(damage);

  test('is put aside by the sweep, which takes all others', async () => {
    const kind = await opened.redis.type(name());
    const found = await sweep();
    expect(ids(found.overdue).sort()).toEqual(['after', 'before']);
    expect(found.damaged).toBe(1);
    expect(found.unreported).toEqual([BAD]);
    expect(await opened.redis.type(opened.ledger.keys.quarantined(BAD))).toBe(kind);
    await opened.ledger.perform(reported(found.unreported));
    expect((await sweep()).unreported).toEqual([]);
    expect(await opened.ledger.figures()).toMatchObject({ damaged: 1 });
  });

  test('stops no other operation of its call', async () => {
    const operations = [
      settle(keyOf('before'), '', 1),
      settle(BAD, '', 1),
      claim(BAD, 1),
      settle(keyOf('after'), '', 1),
    ];
    const replies = await opened.ledger.batch(operations);
    expect(replies[0]).toMatchObject({ outcome: 'delivered' });
    expect(replies[3]).toMatchObject({ outcome: 'delivered' });
    expect(replies.filter((reply) => reply instanceof Error)).toEqual([]);
  });

  test('gives way to a resend of its message, which is stored anew', async () => {
    expect(await opened.ledger.perform(aliceWrites({ id: 'bad' }))).toEqual({ key: BAD, outcome: 'stored' });
    expect(await opened.ledger.status([BAD])).toMatchObject([{ state: 'pending' }]);
    expect(await opened.redis.exists(opened.ledger.keys.quarantined(BAD))).toBe(1);
  });
});

test('an operation that meets something else that is damaged fails alone', async () => {
  await opened.redis.set(opened.ledger.keys.index(keyOf('alias')), 'no list');
  const operations = [
    aliceWrites({ id: 'one' }),
    aliceWrites({ id: 'alias', originId: 'origin' }),
    aliceWrites({ id: 'two' }),
  ];
  const replies = await opened.ledger.batch(operations);
  expect(replies.map((reply) => (reply instanceof OperationError ? reply.message : undefined))).toEqual([
    undefined,
    expect.stringContaining('WRONGTYPE'),
    undefined,
  ]);
  expect(await opened.ledger.status([keyOf('one'), keyOf('two')])).toMatchObject([
    { wireId: 'one' },
    { wireId: 'two' },
  ]);
});

test('its sender is told when what is left still names him', async () => {
  const value = (await opened.redis.get(name())) as string;
  // The text is lost.
  await opened.redis.set(name(), value.slice(0, value.indexOf(PAYLOAD)));
  await sweep();
  expect(await opened.ledger.status([BAD])).toMatchObject([
    { state: 'rejected', sender: ALICE, senderResource: 'phone', recipient: BOB, condition: 'internal-server-error' },
  ]);
  const { overdue } = await sweep(Date.now() + 120 * SECOND);
  expect(overdue.find(({ wireId }) => wireId === 'bad')).toMatchObject({ state: 'rejected' });
});

test('a record that Redis does not let us read is not damaged', async () => {
  const { redis, ledger } = opened;
  await redis.call('ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '&*', '+@all', '-get', '-getrange');
  await redis.call('AUTH', 'reader', 'secret');
  await expect(sweep()).rejects.toThrow(/can't run this command|NOPERM/);
  await expect(ledger.batch([claim(BAD, 1)])).rejects.toThrow(/can't run this command|NOPERM/);
  await redis.call('ACL', 'SETUSER', 'reader', '+get', '+getrange');
  const found = await sweep();
  expect(ids(found.overdue).sort()).toEqual(['after', 'bad', 'before']);
  expect(found.damaged).toBe(0);
});

test('of a damaged record whose sender was told long ago nobody is told again', async () => {
  await opened.ledger.perform(settle(BAD, 'desk', 1));
  await opened.redis.zrem(opened.ledger.keys.due, BAD);
  const value = (await opened.redis.get(name())) as string;
  await opened.redis.set(name(), value.slice(0, -1));
  // Something comes across it.
  await opened.ledger.perform(claim(BAD, 1));
  expect((await sweep(Date.now() + 120 * SECOND)).overdue.map(({ wireId }) => wireId)).not.toContain('bad');
});

test('a date that nobody can have set is mended, and what names no record goes', async () => {
  const { due } = opened.ledger.keys;
  await opened.redis.zadd(due, Date.now() + 300 * DAY, BAD);
  await opened.redis.zadd(due, 1, 'garbage', 2, '', 3, 'x'.repeat(500), '-inf', 'y');
  expect(ids((await sweep()).overdue).sort()).toEqual(['after', 'bad', 'before']);
  expect(await opened.redis.zcard(due)).toBe(3);
});

test('the oldest of what is pending is not one that is gone', async () => {
  for (const id of ['before', 'after']) await opened.ledger.perform(settle(keyOf(id), '', 1));
  await opened.redis.set(name(), 'nothing that tells a time');
  await sweep();
  for (const member of await opened.redis.zrange(opened.ledger.keys.due, '0', '-1')) {
    await opened.redis.zrem(opened.ledger.keys.due, member);
  }
  const { missing } = await sweep();
  // By the count one is; somebody has looked, and there is none.
  expect(missing).toBe(1);
  await opened.ledger.sweep(1000, 10, undefined, 0, missing);
  expect(await opened.ledger.figures()).toMatchObject({ pending: 0, oldestPendingAgeSeconds: 0 });
});

test('another message under the id of a damaged one takes nothing from who is to be told of that', async () => {
  await spoil(opened.redis, name());
  const other = aliceWrites({ id: 'bad', body: 'another', countable: true });
  const stored = await opened.ledger.perform(other);
  if (stored.outcome !== 'stored') throw new Error('It is taken for the damaged one');
  const { overdue } = await sweep();
  const rejected = overdue.filter(({ wireId, state }) => wireId === 'bad' && state === 'rejected');
  expect(rejected).toMatchObject([{ sender: ALICE, condition: 'internal-server-error' }]);
  expect(overdue.filter(({ key, state }) => key === stored.key && state === 'pending')).toHaveLength(1);
});

test.each([
  ['rejected', 'a sweep'],
  ['delivered', 'a sweep'],
  ['rejected', 'a job'],
  ['delivered', 'a job'],
])('who is owed word that his message was %s is told also if that is damaged, as %s finds out', async (state, who) => {
  if (state === 'rejected') await opened.ledger.perform(reject(BAD, 1, 'gone', undefined, undefined));
  else await opened.ledger.perform(settle(BAD, 'desk', Date.now()));
  await spoil(opened.redis, name());
  if (who === 'a sweep') await sweep();
  else expect(await opened.ledger.perform(claim(BAD, 1))).toEqual({ outcome: 'moot' });
  const { overdue } = await sweep(later() + 10 * SECOND);
  expect(overdue.filter(({ wireId }) => wireId === 'bad')).toMatchObject([{ sender: ALICE, state }]);
});

test.each(['a\nb', 'tab\tz', '100%\r', '\x7f%z'])(
  'one whose sender gave it the id %j is whole, whatever else it says',
  async (id) => {
    const { key } = aliceWrites({ id });
    await opened.ledger.perform(aliceWrites({ id, body: 'zzz', originId: id, resource: 'z%', at: LONG_AGO }));
    const { overdue, damaged } = await sweep();
    expect(damaged).toBe(0);
    expect(overdue.find((one) => one.key === key)).toMatchObject({
      state: 'pending',
      wireId: id,
      senderResource: 'z%',
    });
  },
);

test.each([
  'ages',
  'advance',
  'clock',
  'damaged',
  'damaged:new',
  'd:0',
  'delivered',
  'ended',
  'load',
  'paused',
  'restored',
])(
  'what stands beside the records under "%s", damaged from outside, stops neither a call nor a sweep',
  async (what) => {
    const { ledger, redis } = opened;
    const full = `${ledger.keys.prefix}:${what}`;
    const isText = ['clock', 'delivered', 'paused', 'restored'].includes(what);
    const spoilIt = async () => {
      await redis.del(full);
      await (isText ? redis.hset(full, 'a', 'b') : redis.set(full, 'not what it was'));
    };
    await spoilIt();
    const now = Date.now();
    const written = ['m-1', 'm-2'].map((id) => aliceWrites({ id, at: now }));
    expect(await ledger.batch(written)).toMatchObject([{ outcome: 'stored' }, { outcome: 'stored' }]);
    await spoilIt();
    const receipts = written.map(({ key }) => settle(key, 'desk', 1));
    expect(await ledger.batch(receipts)).toMatchObject([{ outcome: 'delivered' }, { outcome: 'delivered' }]);
    await spoilIt();
    await ledger.batch(notified(written.map(({ key }) => ({ key, state: 'delivered' as const }))));
    for (const at of [later(), now + DAY, now + 9 * DAY]) {
      await spoilIt();
      expect((await sweep(at)).overdue.map(({ wireId }) => wireId)).toEqual(
        expect.arrayContaining(['before', 'after']),
      );
    }
  },
);

test('nor does a count of what is pending that is no number', async () => {
  const { ledger, redis } = opened;
  const now = Date.now();
  await redis.hset(ledger.keys.ages, `${Math.floor(now / 60_000)}`, 'none', `${Math.floor(now / 60_000) + 1}`, 'none');
  expect(await ledger.perform(aliceWrites({ id: 'm-1', at: now }))).toMatchObject({ outcome: 'stored' });
});
