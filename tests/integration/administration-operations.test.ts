import {
  cancel,
  claim,
  endCommandSession,
  erase,
  expire,
  handOver,
  openCommandSession,
  pause,
  readCommandSession,
  requeue,
  resume,
  retryNow,
  senderAvailable,
  settle,
} from '../../src/store/contract.ts';
import { Erasure } from '../../src/store/erasure.ts';
import { RedisQueries } from '../../src/store/redis/administration-queries.ts';
import { Shards } from '../../src/store/redis/shards.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, openLedger, SECOND } from '../support/store/ledger.ts';

/** What people do to the ledger by commands. */
let server: RedisServer;
let open: ReturnType<typeof openLedger>;
let inquiry: RedisQueries;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  open = openLedger(server.url);
  inquiry = new RedisQueries(open.redis, open.ledger.shards);
});
afterEach(() => open.close());

const NOW = Date.now();
const key = keyOf('m-1');

/** A message of alice's that bob's server has, and that is due in an hour. */
async function handedOver(id = 'm-1', at = NOW) {
  await open.ledger.batch([aliceWrites({ id, at })], at);
  const due = at + 3600 * SECOND;
  const copy = {
    key: keyOf(id),
    attempt: 1,
    copies: 1,
    byTimetable: due,
    unconfirmed: due,
    sender: ALICE,
    recipient: BOB,
    noStore: false,
  };
  await open.ledger.batch([handOver(copy)], at);
  await open.redis.sadd(open.ledger.keys.from(ALICE), keyOf(id));
}

/** One that has expired; its sender is to be told. */
async function undelivered() {
  await open.ledger.batch([aliceWrites({ at: NOW - 8 * DAY })], NOW - 8 * DAY);
  await open.redis.sadd(open.ledger.keys.from(ALICE), key);
  expect(await open.ledger.perform(expire(key, NOW))).toMatchObject({ state: 'expired' });
}

describe('cancel', () => {
  test('ends a pending message, with nothing due, nobody to be told and nothing kept', async () => {
    await handedOver();
    const cancelled = await open.ledger.perform(cancel(key, ALICE, NOW, 'its sender'));
    expect(cancelled).toMatchObject({
      outcome: 'cancelled',
      record: {
        key,
        state: 'rejected',
        condition: 'undefined-condition',
        conditionText: 'Cancelled by its sender',
        inner: '',
      },
    });
    const { keys } = open.ledger;
    expect(await open.redis.zcard(keys.due)).toBe(0);
    expect(await open.redis.exists(keys.undelivered(key), keys.from(ALICE), keys.copies(BOB))).toBe(0);
    expect(await open.ledger.figures()).toMatchObject({ pending: 0, owed: 0 });
    expect(await open.redis.pttl(keys.record(key))).toBeGreaterThan(0);
  });

  test('in the same turn as the message comes', async () => {
    await open.ledger.batch([aliceWrites(), cancel(key, ALICE, NOW, 'its sender')]);
    expect(await open.redis.zcard(open.ledger.keys.due)).toBe(0);
    expect(await open.ledger.figures()).toMatchObject({ pending: 0 });
  });

  test('a hand-over that comes late does not bring it back; a late receipt still counts', async () => {
    await open.ledger.perform(aliceWrites());
    await open.ledger.perform(cancel(key, ALICE, NOW, 'its sender'));
    const copy = {
      key,
      attempt: 1,
      copies: 1,
      byTimetable: NOW,
      unconfirmed: NOW,
      sender: ALICE,
      recipient: BOB,
      noStore: false,
    };
    expect(await open.ledger.perform(handOver(copy))).toBeUndefined();
    expect(await open.redis.zcard(open.ledger.keys.due)).toBe(0);
    expect(await open.ledger.perform(settle(key, 'desk', NOW))).toMatchObject({ outcome: 'late' });
  });

  test('throws an undelivered one away; that its sender is told of its end stays owed', async () => {
    await undelivered();
    expect(await open.ledger.perform(cancel(key, ALICE, NOW, 'its sender'))).toEqual({ outcome: 'dropped' });
    expect(await open.redis.exists(open.ledger.keys.undelivered(key))).toBe(0);
    expect(await open.ledger.figures()).toMatchObject({ owed: 1 });
    expect(await open.ledger.perform(requeue(key))).toBeUndefined();
  });

  test('a sender who was away when his message was thrown away is told when he comes', async () => {
    await undelivered();
    const [owed = ''] = await open.redis.zrange(open.ledger.keys.due, '0', '-1');
    // When it would be tried again if he did not come.
    const postponed = NOW + DAY;
    await open.redis.zadd(open.ledger.keys.due, postponed, owed);
    await open.ledger.perform(cancel(key, ALICE, NOW, 'its sender'));
    await open.ledger.perform(senderAvailable(ALICE, '0'));
    expect(Number(await open.redis.zscore(open.ledger.keys.due, owed))).toBeLessThan(postponed);
    await open.redis.zrem(open.ledger.keys.due, owed);
    await open.ledger.perform(senderAvailable(ALICE, '0'));
    expect(await open.redis.exists(open.ledger.keys.from(ALICE))).toBe(0);
  });

  test.each([
    ['another user', BOB],
    ['one whose address looks like a part of hers', 'ice@example.org'],
    ['one who writes JSON into his address', `x","s":"${ALICE}`],
  ])('is not for %s', async (_, owner) => {
    await handedOver();
    expect(await open.ledger.perform(cancel(key, owner, NOW, 'him'))).toEqual({ outcome: 'unknown' });
    expect(await open.ledger.perform(retryNow(key, owner))).toBe('unknown');
    expect(await open.ledger.figures()).toMatchObject({ pending: 1 });
  });

  test('but for an administrator', async () => {
    await handedOver();
    expect(await open.ledger.perform(cancel(key, undefined, NOW, 'an administrator'))).toMatchObject({
      outcome: 'cancelled',
    });
  });

  test('of what has been delivered, or never was, does nothing', async () => {
    await handedOver();
    await open.ledger.perform(settle(key, 'desk', NOW, { sender: ALICE, recipient: BOB }));
    expect(await open.ledger.perform(cancel(key, ALICE, NOW, 'its sender'))).toEqual({ outcome: 'unknown' });
    expect(await open.ledger.perform(cancel(keyOf('never'), ALICE, NOW, 'its sender'))).toEqual({ outcome: 'unknown' });
  });
});

describe('retry now', () => {
  /** Alice gets bob's presence. */
  beforeEach(() => open.redis.hset(open.ledger.keys.subscriptions(BOB), ALICE, 's'));

  test('makes it due, and the normal claim takes it', async () => {
    await handedOver();
    expect((await open.ledger.sweep(1000, 10, Date.now())).overdue).toEqual([]);
    expect(await open.ledger.perform(retryNow(key, ALICE))).toBe('due');
    const [swept] = (await open.ledger.sweep(1000, 10, Date.now())).overdue;
    expect(swept).toMatchObject({ key, attempt: 1 });
    expect(await open.ledger.perform(claim(key, 1))).toMatchObject({ outcome: 'claimed' });
  });

  test('leaves alone what is being sent: twice would be two copies', async () => {
    await handedOver();
    await open.ledger.perform(retryNow(key, ALICE));
    await open.ledger.perform(claim(key, 1));
    expect(await open.ledger.perform(retryNow(key, ALICE))).toBe('in flight');
    expect((await open.ledger.sweep(1000, 10, Date.now())).overdue).toEqual([]);
  });

  test.each([
    ['is known to be away', { '': '1' }],
    ['has a client that returns no receipts', { '': '1', desk: '1;n' }],
  ])('leaves alone what a claim would not take: the recipient %s', async (_, sessions) => {
    await handedOver();
    await open.redis.set(open.ledger.keys.confirms(BOB), '1');
    await open.redis.hset(open.ledger.keys.sessions(BOB), sessions);
    const due = await open.redis.zscore(open.ledger.keys.due, key);
    expect(await open.ledger.perform(retryNow(key, ALICE))).toBe('waiting');
    expect(await open.redis.zscore(open.ledger.keys.due, key)).toBe(due);
    await open.redis.hset(open.ledger.keys.sessions(BOB), { desk: '1;y' });
    expect(await open.ledger.perform(retryNow(key, ALICE))).toBe('due');
    expect(await open.ledger.perform(claim(key, 1))).toMatchObject({ outcome: 'claimed' });
  });

  test('tells one to whom each of his sessions is unavailable what it tells when he is away', async () => {
    await handedOver();
    await open.redis.set(open.ledger.keys.confirms(BOB), '1');
    await open.redis.hset(open.ledger.keys.sessions(BOB), { '': '1', desk: '1;y;1;', phone: '1;y;1;' });
    const hides = (resource: string) => open.redis.sadd(`${open.ledger.keys.prefix}:hidden:${BOB}\0${resource}`, ALICE);
    await hides('desk');
    expect(await open.ledger.perform(retryNow(key, 'carol@example.org'))).toBe('unknown');
    await hides('phone');
    const due = await open.redis.zscore(open.ledger.keys.due, key);
    expect(await open.ledger.perform(retryNow(key, ALICE))).toBe('waiting');
    expect(await open.redis.zscore(open.ledger.keys.due, key)).toBe(due);
    await open.redis.zadd(open.ledger.keys.due, Date.now(), key);
    expect(await open.ledger.perform(retryNow(key, ALICE))).toBe('waiting');
    // An administrator is told how it is.
    expect(await open.ledger.perform(retryNow(key, undefined))).toBe('in flight');
  });

  test('of an undelivered one says that it takes a new life', async () => {
    await undelivered();
    expect(await open.ledger.perform(retryNow(key, ALICE))).toBe('undelivered');
  });
});

describe('the pause', () => {
  const due = () => open.redis.zadd(open.ledger.keys.due, NOW - 1, key);

  test('keeps further copies back from sweeps and claims, and lets them go again', async () => {
    await handedOver();
    expect(await open.ledger.perform(pause('admin@example.org', NOW))).toBeUndefined();
    expect(await open.ledger.perform(pause('other@example.org', NOW + 1))).toEqual({
      since: NOW,
      by: 'admin@example.org',
    });
    expect(await inquiry.paused()).toEqual({ since: NOW, by: 'admin@example.org' });
    await due();
    expect((await open.ledger.sweep(1000, 10, NOW)).overdue).toEqual([]);
    await due();
    expect(await open.ledger.perform(claim(key, 1))).toEqual({ outcome: 'moot' });
    expect(await open.ledger.perform(resume())).toMatchObject({ by: 'admin@example.org' });
    expect(await open.ledger.perform(resume())).toBeUndefined();
    await due();
    expect((await open.ledger.sweep(1000, 10, NOW)).overdue).toHaveLength(1);
    expect(await open.ledger.perform(claim(key, 1))).toMatchObject({ outcome: 'claimed' });
  });

  test('is shown also where one shard alone is paused, which stood still when the others were resumed', async () => {
    const shards = new Shards('{paused}', 16);
    const queries = new RedisQueries(open.redis, shards);
    expect(await queries.paused()).toBeUndefined();
    await open.redis.set(shards.keys[5]?.paused as string, `${NOW} admin@example.org`);
    expect(await queries.paused()).toEqual({ since: NOW, by: 'admin@example.org' });
    const of = openLedger(server.url, { prefix: '{paused}', shards: 16 });
    await of.ledger.perform(resume());
    of.close();
    expect(await queries.paused()).toBeUndefined();
  });

  test('lets first copies, notices and the end of a life go on', async () => {
    await open.ledger.perform(pause('admin@example.org', NOW));
    await open.ledger.batch([aliceWrites({ id: 'first', at: NOW - 3600 * SECOND })], NOW - 3600 * SECOND);
    await handedOver('old', NOW - 8 * DAY);
    await open.redis.zadd(open.ledger.keys.due, NOW - 1, keyOf('old'));
    await open.ledger.batch([aliceWrites({ id: 'told', at: NOW - 8 * DAY })], NOW - 8 * DAY);
    await open.ledger.batch([expire(keyOf('told'), NOW)], NOW - 3600 * SECOND);
    const swept = (await open.ledger.sweep(1000, 10, NOW)).overdue;
    expect(swept.map(({ wireId }) => wireId).sort()).toEqual(['first', 'old', 'told']);
    expect(await open.ledger.perform(claim(keyOf('first'), 1))).toMatchObject({ outcome: 'claimed' });
    expect(await open.ledger.perform(claim(keyOf('old'), 1))).toEqual({ outcome: 'overdue' });
  });

  test('what is kept back does not hide what may go on', async () => {
    await open.ledger.perform(pause('admin@example.org', NOW));
    for (let i = 0; i < 30; i += 1) {
      await handedOver(`held-${i}`);
      await open.redis.zadd(open.ledger.keys.due, NOW - 1000, keyOf(`held-${i}`));
    }
    await open.ledger.perform(aliceWrites({ id: 'first' }));
    await open.redis.zadd(open.ledger.keys.due, NOW - 1, keyOf('first'));
    expect((await open.ledger.sweep(1000, 10, NOW)).overdue).toMatchObject([{ wireId: 'first' }]);
  });
});

test('a session ends once; a repetition after a lost reply is known', async () => {
  await open.ledger.perform(openCommandSession('s', 'hers', 60 * SECOND));
  expect(await open.ledger.perform(readCommandSession('s'))).toEqual({ whose: 'hers' });
  expect(await open.ledger.perform(endCommandSession('s', 'one'))).toBe(true);
  expect(await open.ledger.perform(endCommandSession('s', 'one'))).toBe(true);
  expect(await open.ledger.perform(endCommandSession('s', 'two'))).toBe(false);
  expect(await open.ledger.perform(readCommandSession('s'))).toBe('ended');
  expect(await open.redis.pttl(`${open.ledger.keys.prefix}:session:s`)).toBeGreaterThan(0);
  expect(await open.ledger.perform(readCommandSession('other'))).toBeUndefined();
  expect(await open.ledger.perform(endCommandSession('other', 'one'))).toBe(false);
});

describe('forget', () => {
  const erasure = () => new Erasure({ queries: inquiry, perform: (operation) => open.ledger.perform(operation) });
  const last = async (counts: AsyncGenerator<number>) => {
    let count = 0;
    for await (const one of counts) count = one;
    return count;
  };

  test.each([
    ['the sender', ALICE],
    ['the recipient', BOB],
  ])('leaves nothing that bears the name of %s, and all about others', async (_, jid) => {
    for (let i = 0; i < 300; i += 1) await open.ledger.perform(aliceWrites({ id: `m-${i}`, originId: `o-${i}` }));
    await open.ledger.perform(aliceWrites({ id: 'm-0', originId: 'o-0', body: 'another text' }));
    await handedOver('out');
    await open.ledger.perform(settle(keyOf('o-1'), 'desk', NOW, { sender: ALICE, recipient: BOB }));
    await open.ledger.batch([aliceWrites({ id: 'dead', at: NOW - 8 * DAY })], NOW - 8 * DAY);
    await open.ledger.perform(expire(keyOf('dead'), NOW));
    await open.redis.del(open.ledger.keys.record(keyOf('dead')));
    const { prefix } = open.ledger.keys;
    await open.redis.rpush(`${prefix}:life:${keyOf('out')}`, '1 handed-over');
    await open.redis.sadd(`${prefix}:from:${ALICE}`, keyOf('out'));
    await open.redis.hset(`${prefix}:sub:${BOB}`, { [ALICE]: 's', 'carol@example.org': 's' });
    await open.redis.hset(`${prefix}:sub:${ALICE}`, { [BOB]: 'p1', 'carol@example.org': 's' });
    await open.redis.hset(`${prefix}:sub:carol@example.org`, { [ALICE]: 's', [BOB]: 's' });
    await open.redis.sadd(`${prefix}:subs`, ALICE, BOB, 'carol@example.org');
    for (const one of [ALICE, BOB]) await open.redis.hset(`${prefix}:sessions:${one}`, 'desk', '1;y');

    expect(await last(erasure().records('carol@example.org', false))).toBe(0);
    expect(await last(erasure().records(jid, true))).toBe(303);
    expect(await open.ledger.figures()).toMatchObject({ pending: 301 });
    expect(await last(erasure().records(jid, false))).toBe(303);
    expect(await erasure().user(jid)).toBeGreaterThan(0);

    expect(await open.ledger.figures()).toMatchObject({ pending: 0, owed: 0 });
    const left = await open.redis.keys(`${prefix.replace('{', '{')}*`);
    const other = jid === ALICE ? BOB : ALICE;
    for (const name of left) expect(name).not.toContain(jid);
    expect(left.filter((name) => /^(?:[.]|:(?:u|i|life|dues|ages))/.test(name.slice(prefix.length)))).toEqual([]);
    expect(await open.redis.hgetall(`${prefix}:sub:carol@example.org`)).toEqual({ [other]: 's' });
    expect(await open.redis.exists(`${prefix}:sessions:${other}`)).toBe(1);
    expect((await open.redis.smembers(`${prefix}:subs`)).sort()).toEqual([other, 'carol@example.org']);
    // A receipt for an erased message settles nothing, and so passes.
    expect(await open.ledger.perform(settle(keyOf('out'), 'desk', NOW))).toEqual({ outcome: 'unknown' });
  });

  test('spares a user whose address begins or ends like his', async () => {
    await open.ledger.perform(aliceWrites());
    for (const jid of ['lice@example.org', 'alice@example.or', 'alice@example.orgs', 'phone', '.*']) {
      expect(await open.ledger.perform(erase(jid, [key]))).toBe(0);
    }
    expect(await open.ledger.perform(erase(ALICE, [key, keyOf('never')]))).toBe(1);
  });
});

describe('inquiry', () => {
  test('lists what is in trouble, the oldest first, and nothing that is over or another’s', async () => {
    await handedOver('b', NOW);
    await handedOver('a', NOW - 1000);
    await handedOver('c', NOW - 2000);
    await open.ledger.perform(settle(keyOf('c'), 'desk', NOW));
    await open.redis.sadd(open.ledger.keys.from(ALICE), keyOf('gone'));
    await open.redis.sadd(open.ledger.keys.from(BOB), keyOf('a'));
    const { found, total } = await inquiry.inTrouble(ALICE, 1);
    expect(total).toBe(2);
    expect(found).toMatchObject([{ kept: false, due: NOW - 1000 + 3600 * SECOND, record: { wireId: 'a', inner: '' } }]);
    expect(await inquiry.inTrouble(BOB, 10)).toEqual({ found: [], total: 0 });
  });

  test('finds all messages under one id, and an undelivered one of which nothing else is left', async () => {
    await open.ledger.batch([aliceWrites(), aliceWrites({ body: 'another text' })]);
    expect(await inquiry.byKey(key)).toHaveLength(2);
    await open.redis.flushdb();
    await undelivered();
    await open.redis.del(open.ledger.keys.record(key));
    expect(await inquiry.byKey(key)).toMatchObject([{ kept: true, record: { sender: ALICE, inner: '' } }]);
  });

  test('tells a life in order, and skips what it cannot read', async () => {
    await open.redis.rpush(open.ledger.keys.life(key), '20 bounced x y', '10 handed-over', 'nonsense', 'x y', '30');
    expect(await inquiry.life(key)).toEqual([
      { at: 10, what: 'handed-over' },
      { at: 20, what: 'bounced x y' },
    ]);
  });
});
