// What was delivered, and whose sender knows it, is kept as a few bytes of digests for as long as duplicates are looked for.
import {
  bounce,
  claim,
  erase,
  isTaken,
  notified,
  prove,
  type Request,
  reject,
  settle,
  settleByMention,
} from '../../src/store/contract.ts';
import { SCRIPT_TIMES } from '../../src/store/retry-policy.ts';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, openLedger, SECOND } from '../support/store/ledger.ts';

let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  opened = openLedger(server.url);
  await opened.redis.flushall();
});
afterEach(() => opened.close());

const T = 1_795_000_000_000;
const LATER = T + SCRIPT_TIMES.DELIVERED_KEPT_WHOLE + SECOND;
const perform = <R extends Request>(request: R, at: number) => opened.ledger.perform(request, at);
const exists = (key: string) => opened.redis.exists(opened.ledger.keys.record(key));

/** Messages that were delivered at T, and whose sender was told. */
async function deliver(...messages: ReturnType<typeof aliceWrites>[]): Promise<void> {
  await opened.ledger.batch(messages, T);
  await opened.ledger.batch(
    messages.map(({ key }) => settle(key, 'desk', T)),
    T,
  );
  await opened.ledger.batch(notified(messages.map(({ key }) => ({ key, state: 'delivered' as const }))), T);
}

/** Until no record is left that may be replaced. */
async function replace(at = LATER): Promise<void> {
  while ((await opened.redis.llen(opened.ledger.keys.ended)) > 0) await opened.ledger.sweep(SECOND, 10, at);
}

test('the record stays whole for a while, then only that it is known', async () => {
  await deliver(aliceWrites({ at: T }));
  await opened.ledger.sweep(SECOND, 10, LATER - 2 * SECOND);
  expect(await exists(keyOf('m-1'))).toBe(1);
  await opened.ledger.sweep(SECOND, 10, LATER);
  expect(await exists(keyOf('m-1'))).toBe(0);
  expect(await opened.ledger.status([keyOf('m-1'), keyOf('m-2')])).toMatchObject([
    { key: keyOf('m-1'), state: 'delivered', firstStoredAt: 0 },
    undefined,
  ]);
});

test('of receipts that came together nothing stays for ever: a record goes, and one that was damaged is given a time limit', async () => {
  const { ledger, redis } = opened;
  const messages = ['m-1', 'm-2', 'm-3'].map((id) => aliceWrites({ id, at: T }));
  await ledger.batch(messages, T);
  const records = await ledger.status(messages.map(({ key }) => key));
  const settles = messages.map(({ key }, i) => settle(key, 'desk', T, undefined, records[i]));
  expect((await ledger.batch(settles, T)).map((one) => (one as { outcome: string }).outcome)).toEqual(
    Array(3).fill('delivered'),
  );
  await ledger.batch(notified(messages.map(({ key }) => ({ key, state: 'delivered' as const }))), T);
  const [first, ...others] = messages.map(({ key }) => ledger.keys.record(key)) as [string, ...string[]];
  await redis.set(first, 'damaged', 'KEEPTTL');
  await replace();
  expect(await redis.exists(...others)).toBe(0);
  const left = await redis.pttl(first);
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(8 * DAY);
});

test('a duplicate is known, from whichever session it comes', async () => {
  await deliver(aliceWrites({ at: T }));
  await replace();
  for (const at of [LATER, T + 7 * DAY]) {
    expect(await perform(aliceWrites({ resource: 'tablet', at }), at)).toMatchObject({
      outcome: 'known',
      record: { key: keyOf('m-1'), state: 'delivered', sender: ALICE, senderResource: 'tablet', inner: '' },
    });
  }
  expect(await perform(isTaken(keyOf('m-1')), LATER)).toBe(true);
  expect(await perform(isTaken(keyOf('m-2')), LATER)).toBe(false);
  // Also where its sender is over his quota.
  const none = { messages: 0, bytes: 0, toOne: 0, domainMessages: 0, domainBytes: 0 };
  const quota = { limits: none, refuse: 'rate' as const };
  expect(await perform(aliceWrites({ quota }), LATER)).toMatchObject({ outcome: 'known' });
  expect(await perform(aliceWrites({ quota, body: 'other words' }), LATER)).toMatchObject({ outcome: 'refused' });
});

test('a duplicate is forgotten with the window', async () => {
  await deliver(aliceWrites({ at: T }));
  await replace();
  expect(await perform(aliceWrites({}), LATER + 10 * DAY)).toMatchObject({ outcome: 'stored', key: keyOf('m-1') });
});

test('it is taken for a delivered one only if 48 bits of its key are the same and 60 of its words: each of them counts', async () => {
  const one = aliceWrites({ at: T });
  await deliver(one);
  await replace();
  const but = (text: string, at: number) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
  // Six bits a character; a key begins with two that say where its recipient's messages lie.
  const keys = Array.from({ length: 8 }, (_, i) => ({ ...one, key: but(one.key, 2 + i) }));
  const outcomes = await opened.ledger.batch([...keys, one], LATER);
  expect(outcomes.map((each) => (each as { outcome: string }).outcome)).toEqual([...Array(8).fill('stored'), 'known']);
  // Other words under an id have it counted from then on, so that each is tried by itself.
  for (let i = 0; i < 10; i += 1) {
    await opened.redis.flushall();
    await deliver(one);
    await replace();
    expect(await perform({ ...one, digest: but(one.digest, i) }, LATER)).toMatchObject({ outcome: 'stored' });
  }
});

test('other words under that id are another message', async () => {
  await deliver(aliceWrites({ at: T }));
  await replace();
  const other = await perform(aliceWrites({ body: 'other words' }), LATER);
  expect(other).toMatchObject({ outcome: 'stored', key: expect.stringMatching(/^.{14}-/) });
  expect(await perform(aliceWrites({ body: 'other words' }), LATER)).toMatchObject({ outcome: 'known' });
  const { key } = other as { key: string };
  await perform(settle(keyOf('m-1'), 'desk', LATER), LATER);
  await opened.ledger.batch(notified([{ key, state: 'delivered' }]), LATER);
  await replace(LATER + DAY);
  expect(await exists(key)).toBe(0);
  expect(await perform(aliceWrites({ body: 'other words' }), LATER + DAY)).toMatchObject({ outcome: 'known' });
  expect(await perform(aliceWrites({}), LATER + DAY)).toMatchObject({ outcome: 'known' });
});

test('under an id that is counted the same words are another message, with an id of its own', async () => {
  await deliver(aliceWrites({ at: T, countable: true }));
  await replace();
  const next = await perform(aliceWrites({ countable: true, at: LATER }), LATER);
  expect(next).toMatchObject({ outcome: 'stored', key: expect.stringMatching(/^.{14}~/) });
});

test('a receipt, an error and a mention that come later find it', async () => {
  await deliver(aliceWrites({ at: T }), aliceWrites({ id: 'm-2', originId: 'o-2', at: T }));
  await replace();
  const key = keyOf('m-1');
  expect(await perform(settle(key, 'desk', LATER), LATER)).toEqual({ outcome: 'repeated' });
  expect(await perform(settle(keyOf('m-2'), 'desk', LATER), LATER)).toEqual({ outcome: 'repeated' });
  expect(await perform(settle(keyOf('o-2'), 'desk', LATER), LATER)).toEqual({ outcome: 'repeated' });
  expect(await perform(settle(keyOf('m-3'), 'desk', LATER), LATER)).toEqual({ outcome: 'unknown' });
  expect(await perform(prove(key, 'desk', LATER, false), LATER)).toEqual({ outcome: 'repeated' });
  expect(await perform(bounce(key), LATER)).toEqual({ outcome: 'ended' });
  expect(await perform(reject(key, LATER, 'gone', undefined, undefined), LATER)).toEqual({ outcome: 'ended' });
  await perform(aliceWrites({ id: 'm-4', at: LATER }), LATER);
  expect(await perform(settleByMention(keyOf('m-4'), key, 'desk', LATER), LATER)).toEqual({ outcome: 'repeated' });
  // Nothing but the entries is left of the second.
  expect(await opened.redis.keys('*:i:*')).toEqual([]);
});

test('what is still owed to its sender stays, and be it under the key of one that is told', async () => {
  const key = keyOf('m-1');
  await deliver(aliceWrites({ at: T }), aliceWrites({ id: 'm-2', at: T }));
  // It is erased, written again, and delivered; of that its sender does not know yet.
  await perform(erase(ALICE, [key]), T + SECOND);
  await perform(aliceWrites({ at: T + SECOND }), T + SECOND);
  await perform(settle(key, 'desk', T + SECOND), T + SECOND);
  await replace();
  expect(await exists(keyOf('m-2'))).toBe(0);
  expect(await perform(claim(key, 1), LATER)).toMatchObject({ outcome: 'claimed', record: { state: 'delivered' } });
});

test('an outdated correction is not sent where the later one was delivered long ago', async () => {
  const later = aliceWrites({ id: 'm-3', corrects: 'm-1', at: T });
  await opened.ledger.batch([aliceWrites({ id: 'm-2', corrects: 'm-1', at: T })], T);
  await deliver(later);
  await replace();
  expect(await exists(later.key)).toBe(0);
  expect(await perform(claim(keyOf('m-2'), 1), LATER)).toEqual({ outcome: 'moot' });
  expect(await opened.ledger.status([keyOf('m-2')])).toMatchObject([{ state: 'delivered' }]);
});

test('6,000 take at most 32 bytes each, are found, and go with the window', async () => {
  const COUNT = 6000;
  const ids = Array.from({ length: COUNT }, (_, i) => `many-${i}`);
  for (let i = 0; i < COUNT; i += 1000)
    await deliver(...ids.slice(i, i + 1000).map((id) => aliceWrites({ id, at: T })));
  await replace();
  const buckets = await opened.redis.keys('*:d:*');
  let bytes = 0;
  for (const name of buckets) {
    expect(await opened.redis.object('ENCODING', name)).toBe('listpack');
    bytes += Number(await opened.redis.memory('USAGE', name));
  }
  expect(bytes / COUNT).toBeLessThan(32);
  expect(await opened.redis.keys('*')).toHaveLength(buckets.length + 1);
  const keys = ids.map((id) => recordKey(ALICE, BOB, id));
  const known = await opened.ledger.status(keys);
  expect(known.filter((record) => record?.state === 'delivered')).toHaveLength(COUNT);
  // As sweeps come by.
  for (let i = 0; i < buckets.length / 2; i += 1) await opened.ledger.sweep(SECOND, 10, LATER + 10 * DAY);
  expect(await opened.redis.keys('*:d:*')).toEqual([]);
});

test('what a sender cannot be told of is not owed for ever', async () => {
  const { ledger, redis } = opened;
  const messages = ['m-1', 'm-2', 'm-3'].map((id) => aliceWrites({ id, at: T }));
  await ledger.batch(messages, T);
  const records = await ledger.status(messages.map(({ key }) => key));
  await ledger.batch(
    messages.map(({ key }, i) => settle(key, 'desk', T, undefined, records[i])),
    T,
  );
  const lefts = () => Promise.all(messages.map(({ key }) => redis.pttl(ledger.keys.record(key))));
  expect(await lefts()).toEqual([-1, -1, -1]);
  // Nobody has told their sender: it is to be tried again and again.
  expect((await ledger.sweep(SECOND, 10, T + DAY)).overdue).toHaveLength(3);
  const [left = 0, ...others] = await lefts();
  for (const each of [left, ...others]) {
    expect(each).toBeGreaterThan(0);
    expect(each).toBeLessThanOrEqual(8 * DAY);
  }
  // The time limit is not moved on by each try.
  await redis.pexpire(ledger.keys.record(keyOf('m-1')), SECOND * 100);
  await ledger.sweep(SECOND, 10, T + DAY + 2 * SECOND);
  expect((await lefts())[0]).toBeLessThanOrEqual(100 * SECOND);
});

/** Three that were delivered by one call, so that their records have no time limit, and whose sender knows it. */
async function deliverTogether(): Promise<readonly string[]> {
  const { ledger } = opened;
  const messages = ['m-1', 'm-2', 'm-3'].map((id) => aliceWrites({ id, at: T }));
  await ledger.batch(messages, T);
  const keys = messages.map(({ key }) => key);
  const records = await ledger.status(keys);
  await ledger.batch(
    keys.map((key, i) => settle(key, 'desk', T, undefined, records[i])),
    T,
  );
  await ledger.batch(notified(keys.map((key) => ({ key, state: 'delivered' as const }))), T);
  return keys;
}

test('a hash of digests that is none gives way to one', async () => {
  const { ledger, redis } = opened;
  const keys = await deliverTogether();
  await perform(aliceWrites({ id: 'other', at: T }), T);
  await redis.set(`${ledger.keys.prefix}:d:0`, 'no hash');
  expect((await ledger.sweep(SECOND, 10, LATER)).overdue).toHaveLength(1);
  expect(await redis.llen(ledger.keys.ended)).toBe(0);
  expect(await redis.exists(...keys.map((key) => ledger.keys.record(key)))).toBe(0);
  expect(await perform(aliceWrites({ at: LATER }), LATER)).toMatchObject({ outcome: 'known' });
});

test('nor does one stop a sweep that has nothing to add', async () => {
  const { ledger, redis } = opened;
  await deliverTogether();
  await replace();
  await perform(aliceWrites({ id: 'other', at: LATER }), LATER);
  await redis.set(`${ledger.keys.prefix}:d:0`, 'no hash');
  expect((await ledger.sweep(SECOND, 10, LATER + DAY)).overdue).toHaveLength(1);
});

test('a list of one of them that is none stops neither the others nor a sweep', async () => {
  const { ledger, redis } = opened;
  const first = aliceWrites({ id: 'first', originId: 'origin', at: T });
  await deliver(first);
  await redis.set(ledger.keys.index(first.alias), 'no list');
  const keys = await deliverTogether();
  await ledger.sweep(SECOND, 10, LATER);
  expect(await redis.exists(...[first.key, ...keys].map((key) => ledger.keys.record(key)))).toBe(0);
});

test('what says how many digests there are, damaged from outside, stops nobody from writing', async () => {
  const { ledger, redis } = opened;
  await redis.hset(ledger.keys.delivered, 'no', 'text');
  expect(await perform(aliceWrites({ at: T }), T)).toMatchObject({ outcome: 'stored' });
  await redis.set(`${ledger.keys.prefix}:d:0`, 'no hash');
  await redis.set(ledger.keys.delivered, `1 1 0 0 ${T}`);
  expect(await perform(aliceWrites({ id: 'm-2', at: T }), T)).toMatchObject({ outcome: 'stored' });
});

test('the list of those that were told, damaged from outside, stops nothing, and they go all the same', async () => {
  const { ledger, redis } = opened;
  await redis.set(ledger.keys.ended, 'no list');
  const keys = await deliverTogether();
  await ledger.sweep(SECOND, 10, LATER);
  expect(await redis.exists(...keys.map((key) => ledger.keys.record(key)))).toBe(0);
});
