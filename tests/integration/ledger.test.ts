import {
  bounce,
  bringForward,
  cancel,
  claim,
  expire,
  handOver,
  notified,
  type Request,
  readdress,
  reject,
  requeue,
  settle,
} from '../../src/store/contract.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, openLedger, SECOND, TIMETABLE } from '../support/store/ledger.ts';

let server: RedisServer;
let opened: ReturnType<typeof openLedger>;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  opened = openLedger(server.url);
});
afterEach(() => opened.close());

const once: (typeof opened.ledger)['perform'] = (operation) => opened.ledger.perform(operation);
const dueOf = async (key: string) => Number(await opened.redis.zscore(opened.ledger.keys.due, key));
const owedKeys = () => opened.redis.zrange(opened.ledger.keys.due, '0', '-1');
const stateOf = async (id: string) => (await opened.ledger.status([keyOf(id)]))[0]?.state;
const handOverOf = (key: string, attempt: number, due: { confirming: number; other: number }) =>
  handOver({
    key,
    attempt,
    copies: 1,
    byTimetable: due.confirming,
    unconfirmed: due.other,
    sender: ALICE,
    recipient: BOB,
    noStore: false,
  });
const AT_ONCE = { confirming: 1, other: 1 };

describe('accepting', () => {
  test('a new message is stored, pending, and due when its lease ends', async () => {
    const before = Date.now();
    expect(await once(aliceWrites())).toEqual({ key: keyOf('m-1'), outcome: 'stored' });
    expect(await dueOf(keyOf('m-1'))).toBeGreaterThanOrEqual(before + 10 * SECOND);
    expect(await opened.ledger.figures()).toMatchObject({ pending: 1, owed: 0 });
  });

  test('a resend is a duplicate; the same id with another text is another message', async () => {
    await once(aliceWrites());
    expect(await once(aliceWrites())).toMatchObject({ record: { state: 'pending', key: keyOf('m-1') } });
    const other = await once(aliceWrites({ body: 'other' }));
    expect(other.outcome).toBe('stored');
    expect(await once(aliceWrites({ body: 'other' }))).toMatchObject({ record: { state: 'pending' } });
    expect(await opened.ledger.figures()).toMatchObject({ pending: 2 });
  });

  test('a repetition after a lost reply is no duplicate', async () => {
    await once(aliceWrites({ token: 'mine' }));
    // As if the first try had ended in the middle: whatever is stored must be due.
    await opened.redis.del(opened.ledger.keys.due);
    expect(await once(aliceWrites({ token: 'mine' }))).toEqual({ key: keyOf('m-1'), outcome: 'stored' });
    expect(await dueOf(keyOf('m-1'))).toBeGreaterThan(Date.now());
    await once(aliceWrites({ body: 'other', token: 'second' }));
    expect((await once(aliceWrites({ body: 'other', token: 'second' }))).outcome).toBe('stored');
    expect(await opened.ledger.figures()).toMatchObject({ pending: 2 });
  });

  test('two processes that accept the same message at once store it once', async () => {
    const other = openLedger(server.url, { prefix: opened.ledger.keys.prefix });
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 ? opened : other).ledger.perform(aliceWrites())),
    );
    expect(results.filter(({ outcome }) => outcome === 'stored')).toHaveLength(1);
    other.close();
  });

  test('the first message of a reused id is known for as long as a later one, which is looked for through it', async () => {
    await once(aliceWrites());
    await once(settle(keyOf('m-1'), '', Date.now()));
    await once(aliceWrites({ body: 'other' }));
    await opened.redis.pexpire(opened.ledger.keys.record(keyOf('m-1')), 60_000);
    await once(settle(keyOf('m-1'), '', Date.now()));
    const left = await opened.redis.pttl(opened.ledger.keys.record(keyOf('m-1')));
    expect(left).toBeGreaterThan(7 * DAY);
    expect(await once(aliceWrites({ body: 'other' }))).toMatchObject({ record: { state: 'delivered' } });
  });
});

describe('settling', () => {
  test('a receipt ends a message, and its sender is owed one until it is handed over', async () => {
    await once(aliceWrites());
    const settled = await once(settle(keyOf('m-1'), 'desk', 5));
    expect(settled).toMatchObject({
      outcome: 'delivered',
      record: { state: 'delivered', sender: ALICE, senderResource: 'phone', receiptResource: 'desk', settledAt: 5 },
    });
    expect(await opened.ledger.figures()).toEqual({ pending: 0, owed: 1, oldestPendingAgeSeconds: 0, damaged: 0 });
    await once(notified([{ key: keyOf('m-1'), state: 'delivered' }])[0] as Request);
    expect(await owedKeys()).toEqual([]);
  });

  test('a receipt near the end of the first lease gives its notice a lease of its own', async () => {
    const now = Date.now();
    await opened.ledger.batch([aliceWrites({ at: now - 9 * SECOND })], now - 9 * SECOND);
    await opened.ledger.batch([settle(keyOf('m-1'), '', now)], now);
    expect(await dueOf(keyOf('m-1'))).toBe(now + 10 * SECOND);
  });

  test('a receipt after the hand-over brings its notice’s turn forward', async () => {
    await once(aliceWrites());
    await once(handOverOf(keyOf('m-1'), 1, { confirming: Date.now() + DAY, other: Date.now() + DAY }));
    await once(settle(keyOf('m-1'), '', Date.now()));
    expect(await dueOf(keyOf('m-1'))).toBeLessThanOrEqual(Date.now() + 10 * SECOND);
  });

  test('nothing is owed to a sender who did not ask', async () => {
    await once(aliceWrites({ owesReceipt: false }));
    await once(settle(keyOf('m-1'), '', Date.now()));
    expect(await owedKeys()).toEqual([]);
  });

  test('the tombstone keeps no payload and goes after the dedup window', async () => {
    await once(aliceWrites({ body: 'a secret' }));
    await once(settle(keyOf('m-1'), '', Date.now()));
    const name = opened.ledger.keys.record(keyOf('m-1'));
    expect(await opened.redis.get(name)).not.toContain('secret');
    const left = await opened.redis.pttl(name);
    expect(left).toBeGreaterThan(8 * DAY - 60 * SECOND);
    expect(left).toBeLessThanOrEqual(8 * DAY);
    expect(await once(aliceWrites({ body: 'a secret' }))).toMatchObject({ record: { state: 'delivered' } });
  });

  test('a receipt that comes again is repeated; one for nothing known is unknown', async () => {
    await once(aliceWrites());
    await once(settle(keyOf('m-1'), '', Date.now()));
    expect(await once(settle(keyOf('m-1'), '', Date.now()))).toEqual({ outcome: 'repeated' });
    expect(await once(settle(keyOf('m-2'), '', Date.now()))).toEqual({ outcome: 'unknown' });
  });

  test('receipts for a reused id settle the oldest pending message first; its status is the newest one’s', async () => {
    await once(aliceWrites({ body: 'one' }));
    await once(aliceWrites({ body: 'two' }));
    await once(settle(keyOf('m-1'), '', Date.now()));
    expect(await opened.ledger.figures()).toMatchObject({ pending: 1 });
    expect(await once(aliceWrites({ body: 'two' }))).toMatchObject({ record: { state: 'pending' } });
    expect(await stateOf('m-1')).toBe('pending');
    await once(settle(keyOf('m-1'), '', Date.now()));
    expect(await stateOf('m-1')).toBe('delivered');
  });

  test('a receipt may name the id or the origin-id', async () => {
    await once(aliceWrites({ id: 'm-1', originId: 'o-1' }));
    await once(aliceWrites({ id: 'm-2', originId: 'o-2' }));
    expect(await once(settle(keyOf('m-1'), '', Date.now()))).toMatchObject({ outcome: 'delivered' });
    expect(await once(settle(keyOf('o-2'), '', Date.now()))).toMatchObject({ outcome: 'delivered' });
    expect(await once(aliceWrites({ id: 'm-9', originId: 'o-1' }))).toMatchObject({ record: { state: 'delivered' } });
  });

  test('a late receipt settles what had expired, and what was owed about that is owed no more', async () => {
    await once(aliceWrites({ at: Date.now() - 8 * DAY }));
    expect(await once(expire(keyOf('m-1'), Date.now()))).toMatchObject({ state: 'expired' });
    expect(await once(settle(keyOf('m-1'), 'desk', Date.now()))).toMatchObject({ outcome: 'late' });
    await once(notified([{ key: keyOf('m-1'), state: 'expired' }])[0] as Request);
    expect(await owedKeys()).toEqual([keyOf('m-1')]);
    expect(await once(requeue(keyOf('m-1')))).toBeUndefined();
  });

  test.each<[string, () => Request]>([
    ['rejected', () => reject(keyOf('m-1'), Date.now(), 'forbidden', undefined, undefined)],
    ['expired', () => expire(keyOf('m-1'), Date.now())],
    ['cancelled', () => cancel(keyOf('m-1'), ALICE, Date.now(), 'its sender')],
  ])('what was %s and settled in one call is owed a receipt', async (_, end) => {
    await once(aliceWrites({ at: Date.now() - 8 * DAY }));
    await opened.ledger.batch([end(), settle(keyOf('m-1'), 'desk', Date.now())]);
    expect(await opened.ledger.status([keyOf('m-1')])).toMatchObject([{ state: 'delivered' }]);
    expect(await owedKeys()).toEqual([keyOf('m-1')]);
  });
});

describe('handing over', () => {
  test('moves a message from its lease to the timetable, by what its recipient is known to do', async () => {
    await once(aliceWrites());
    const due = { confirming: Date.now() + 30 * SECOND, other: Date.now() + 900 * SECOND };
    expect(await once(handOverOf(keyOf('m-1'), 1, due))).toBe(due.other);
    await once(aliceWrites({ id: 'm-2' }));
    await once(aliceWrites({ id: 'm-3' }));
    await once(settle(keyOf('m-2'), '', Date.now(), { sender: ALICE, recipient: BOB }));
    expect(await once(handOverOf(keyOf('m-3'), 1, due))).toBe(due.confirming);
    expect(await dueOf(keyOf('m-3'))).toBe(due.confirming);
  });

  test('a recipient’s first receipt puts all that waits for him on the normal timetable', async () => {
    const far = { confirming: 0, other: Date.now() + 900 * SECOND };
    for (const id of ['m-1', 'm-2', 'm-3']) {
      await once(aliceWrites({ id }));
      await once(handOverOf(keyOf(id), 1, far));
    }
    await once(settle(keyOf('m-1'), '', Date.now(), { sender: ALICE, recipient: BOB }));
    for (const id of ['m-2', 'm-3']) {
      expect(await dueOf(keyOf(id))).toBeLessThanOrEqual(Date.now() + (TIMETABLE.schedule[0] as number));
    }
    const remembered = await opened.redis.pttl(opened.ledger.keys.confirms(BOB));
    expect(remembered).toBeGreaterThan(89 * DAY);
  });

  test('changes nothing about a message that has ended or was claimed anew', async () => {
    await once(aliceWrites());
    await once(claim(keyOf('m-1'), 1));
    const lease = await dueOf(keyOf('m-1'));
    expect(await once(handOverOf(keyOf('m-1'), 1, AT_ONCE))).toBeUndefined();
    expect(await dueOf(keyOf('m-1'))).toBe(lease);
    await once(settle(keyOf('m-1'), '', Date.now()));
    expect(await once(handOverOf(keyOf('m-1'), 2, AT_ONCE))).toBeUndefined();
    expect(await stateOf('m-1')).toBe('delivered');
  });
});

describe('claiming', () => {
  test('of two processes that race for an attempt, one sends', async () => {
    await once(aliceWrites());
    const other = openLedger(server.url, { prefix: opened.ledger.keys.prefix });
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 ? opened : other).ledger.perform(claim(keyOf('m-1'), 1))),
    );
    expect(results.filter(({ outcome }) => outcome === 'claimed')).toHaveLength(1);
    other.close();
  });

  test('gives the payload, whether a copy is out, and whether offline storage must not have it', async () => {
    await once(aliceWrites({ body: 'hello' }));
    expect(await once(claim(keyOf('m-1'), 1))).toMatchObject({
      noStore: false,
      record: { attempt: 2, copies: 0, copyOut: false, inner: '<body>hello</body>' },
    });
    await once(handOverOf(keyOf('m-1'), 2, AT_ONCE));
    await once(aliceWrites({ id: 'm-2' }));
    await once(settle(keyOf('m-2'), '', Date.now(), { sender: ALICE, recipient: BOB }));
    expect(await once(claim(keyOf('m-1'), 2))).toMatchObject({
      noStore: true,
      record: { attempt: 3, copies: 1, copyOut: true },
    });
  });

  test('an ended message is claimed while its sender is still to be notified, and not after', async () => {
    await once(aliceWrites());
    await once(settle(keyOf('m-1'), '', Date.now()));
    expect(await once(claim(keyOf('m-1'), 1))).toMatchObject({ outcome: 'claimed', record: { state: 'delivered' } });
    await once(notified([{ key: keyOf('m-1'), state: 'delivered' }])[0] as Request);
    expect(await once(claim(keyOf('m-1'), 2))).toEqual({ outcome: 'moot' });
  });

  test('nothing of a message whose life is over, or that is gone', async () => {
    await once(aliceWrites({ at: Date.now() - 8 * DAY }));
    expect(await once(claim(keyOf('m-1'), 1))).toEqual({ outcome: 'overdue' });
    expect(await once(claim(keyOf('m-2'), 1))).toEqual({ outcome: 'moot' });
  });
});

describe('bounces', () => {
  test('a temporary one leaves the message pending and is remembered until the next copy', async () => {
    await once(aliceWrites());
    expect(await once(bounce(keyOf('m-1')))).toMatchObject({ outcome: 'done', record: { state: 'pending' } });
    const due = { confirming: Date.now() + 30 * SECOND, other: Date.now() + 900 * SECOND };
    // It came back before it counted as handed over: certainly not delivered, so the normal timetable holds.
    expect(await once(handOverOf(keyOf('m-1'), 1, due))).toBe(due.confirming);
    expect(await once(claim(keyOf('m-1'), 1))).toMatchObject({ record: { copyOut: false, copies: 1 } });
  });

  test('a bounce of a later copy does not undo an earlier one', async () => {
    await once(aliceWrites());
    await once(handOverOf(keyOf('m-1'), 1, AT_ONCE));
    await once(claim(keyOf('m-1'), 1));
    await once(bounce(keyOf('m-1')));
    expect(await once(claim(keyOf('m-1'), 2))).toMatchObject({ record: { copyOut: true } });
  });

  test('brings the due time forward and never back', async () => {
    await once(aliceWrites());
    const lease = await dueOf(keyOf('m-1'));
    await once(bringForward(keyOf('m-1'), lease + 1, BOB));
    expect(await dueOf(keyOf('m-1'))).toBe(lease);
    await once(bringForward(keyOf('m-1'), lease - 1, BOB));
    expect(await dueOf(keyOf('m-1'))).toBe(lease - 1);
  });

  test('a permanent one ends it; the payload stays for an operator, and the sender is owed the error', async () => {
    await once(aliceWrites({ owesReceipt: false }));
    expect(await once(reject(keyOf('m-1'), Date.now(), 'gone', 'cancel', 'moved'))).toMatchObject({
      outcome: 'done',
      record: { state: 'rejected', condition: 'gone', conditionType: 'cancel', conditionText: 'moved' },
    });
    expect(await owedKeys()).toEqual([`${keyOf('m-1')}r`]);
    const left = await opened.redis.pttl(opened.ledger.keys.undelivered(keyOf('m-1')));
    expect(left).toBeGreaterThan(29 * DAY);
    expect(await once(reject(keyOf('m-1'), Date.now(), 'gone', undefined, undefined))).toEqual({ outcome: 'ended' });
    expect(await once(reject(keyOf('m-2'), Date.now(), 'gone', undefined, undefined))).toEqual({ outcome: 'unknown' });
  });
});

describe('expiring', () => {
  const old = Date.now() - 8 * DAY;

  test('not before its time', async () => {
    await once(aliceWrites());
    expect(await once(expire(keyOf('m-1'), Date.now()))).toBeUndefined();
  });

  test.each([
    ['never handed over', false, false, 'expired'],
    ['handed over, to one who confirms', true, true, 'expired'],
    ['handed over, to one who never confirmed anything', true, false, 'unconfirmed'],
  ])('%s', async (_, handedOver, confirms, state) => {
    await once(aliceWrites({ at: old }));
    if (handedOver) await once(handOverOf(keyOf('m-1'), 1, AT_ONCE));
    if (confirms) await opened.redis.set(opened.ledger.keys.confirms(BOB), '1');
    expect(await once(expire(keyOf('m-1'), Date.now()))).toMatchObject({ state });
    expect(await opened.ledger.figures()).toMatchObject({ pending: 0, owed: 1 });
    expect(await opened.redis.exists(opened.ledger.keys.undelivered(keyOf('m-1')))).toBe(state === 'expired' ? 1 : 0);
  });

  test('whose only copy bounced expired: it is known not to have arrived', async () => {
    await once(aliceWrites({ at: old }));
    await once(handOverOf(keyOf('m-1'), 1, AT_ONCE));
    await once(bounce(keyOf('m-1')));
    expect(await once(expire(keyOf('m-1'), Date.now()))).toMatchObject({ state: 'expired' });
  });

  test('an operator’s retry gives it a new life, with its first time kept', async () => {
    await once(aliceWrites({ at: old, body: 'hello' }));
    await once(expire(keyOf('m-1'), Date.now()));
    const revived = await once(requeue(keyOf('m-1')));
    expect(revived).toMatchObject({ state: 'pending', firstStoredAt: old, attempt: 2, inner: '<body>hello</body>' });
    expect(revived?.storedAt).toBeGreaterThan(old + 7 * DAY);
    expect(await once(requeue(keyOf('m-1')))).toBeUndefined();
    expect(await opened.ledger.figures()).toMatchObject({ pending: 1, owed: 0 });
    expect(await opened.redis.ttl(opened.ledger.keys.record(keyOf('m-1')))).toBe(-1);
    expect(await once(settle(keyOf('m-1'), '', Date.now()))).toMatchObject({ outcome: 'delivered' });
  });
});

describe('sweeping', () => {
  test('finds what is overdue once, pending or owed, and again when its lease has ended', async () => {
    // All in one millisecond, as it may be: the order is that of writing all the same.
    const now = Date.now();
    await opened.ledger.batch([aliceWrites({ at: now })], now);
    await opened.ledger.batch([aliceWrites({ id: 'm-2', at: now })], now);
    await opened.ledger.batch([settle(keyOf('m-2'), '', now)], now);
    const later = now + 11 * SECOND;
    const found = (await opened.ledger.sweep(60 * SECOND, 10, later)).overdue;
    expect(found.map(({ key, state }) => [key, state])).toEqual([
      [keyOf('m-1'), 'pending'],
      [keyOf('m-2'), 'delivered'],
    ]);
    expect((await opened.ledger.sweep(60 * SECOND, 10, later)).overdue).toEqual([]);
    expect((await opened.ledger.sweep(60 * SECOND, 10, later + 61 * SECOND)).overdue).toHaveLength(2);
  });

  test('takes no more than it may, and clears away what is left of a record that is gone', async () => {
    for (let i = 0; i < 5; i += 1) await once(aliceWrites({ id: `m-${i}` }));
    const later = Date.now() + 11 * SECOND;
    expect((await opened.ledger.sweep(60 * SECOND, 3, later)).overdue).toHaveLength(3);
    await opened.redis.del(opened.ledger.keys.record(keyOf('m-4')));
    expect((await opened.ledger.sweep(60 * SECOND, 10, later + 61 * SECOND)).overdue).toHaveLength(4);
    expect(await opened.redis.zcard(opened.ledger.keys.due)).toBe(4);
  });
});

test('a resend from another resource moves the answers there', async () => {
  await once(aliceWrites({ body: 'hello' }));
  await once(readdress(keyOf('m-1'), 'tablet', 'm-7'));
  expect(await once(claim(keyOf('m-1'), 1))).toMatchObject({
    record: { senderResource: 'tablet', senderId: 'm-7', wireId: 'm-1', inner: '<body>hello</body>' },
  });
});

test('a turn carries out many operations in their order, in one call', async () => {
  const operations = [aliceWrites(), aliceWrites(), settle(keyOf('m-1'), '', Date.now()), aliceWrites()] as const;
  const replies = await opened.ledger.batch(operations);
  expect(replies).toMatchObject([
    { outcome: 'stored' },
    { record: { state: 'pending' } },
    { outcome: 'delivered' },
    { record: { state: 'delivered' } },
  ]);
});

test('at its memory limit Redis takes no message, and still takes receipts, which free memory', async () => {
  await once(aliceWrites());
  await opened.redis.config('SET', 'maxmemory', '1');
  await expect(once(aliceWrites({ id: 'm-2' }))).rejects.toThrow('OOM');
  expect(await once(settle(keyOf('m-1'), '', Date.now()))).toMatchObject({ outcome: 'delivered' });
  await opened.redis.config('SET', 'maxmemory', '0');
  expect(await stateOf('m-2')).toBeUndefined();
});

test('the age of the oldest pending message is notified to the minute', async () => {
  await once(aliceWrites({ at: Date.now() - 300 * SECOND }));
  await once(aliceWrites({ id: 'm-2' }));
  const { oldestPendingAgeSeconds } = await opened.ledger.figures();
  expect(oldestPendingAgeSeconds).toBeGreaterThanOrEqual(300);
  expect(oldestPendingAgeSeconds).toBeLessThan(361);
});
