// Entries of copies that are out have no time limit: none is left of a message that has ended, and none is lost that is waited for.
import { randomBytes } from 'node:crypto';
import {
  bounce,
  cancel,
  claim,
  expire,
  forgetUser,
  handOver,
  notified,
  prove,
  type ReplyTo,
  type Request,
  reject,
  sequenceGap,
  sessionAvailable,
  settle,
} from '../../src/store/contract.ts';
import { RedisQueries } from '../../src/store/redis/administration-queries.ts';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, openLedger, SECOND } from '../support/store/ledger.ts';

let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  opened = openLedger(server.url);
});
afterEach(async () => {
  await opened.redis.flushall();
  opened.close();
});

const NOW = 1_795_000_000_000;
const perform = <R extends Request>(request: R, at = NOW): Promise<ReplyTo<R>> => opened.ledger.perform(request, at);
const handsOver = (key: string, sender = ALICE, recipient = BOB, attempt = 1, noStore = false) =>
  handOver({
    key,
    sender,
    recipient,
    attempt,
    copies: attempt,
    noStore,
    byTimetable: NOW + DAY,
    unconfirmed: NOW + DAY,
  });
const lifeOf = async (key: string) =>
  (await new RedisQueries(opened.redis, opened.ledger.shards).life(key)).map(({ what }) => what);

test('what came back before it was noted as handed over leaves nothing when it is confirmed after all', async () => {
  const { redis, ledger } = opened;
  await perform(aliceWrites({ at: NOW }));
  await perform(bounce(keyOf('m-1')));
  expect((await perform(claim(keyOf('m-1'), 1))).outcome).toBe('claimed');
  await perform(settle(keyOf('m-1'), 'desk', NOW));
  expect(await redis.exists(ledger.keys.copies(BOB), ledger.keys.from(ALICE))).toBe(0);
});

test('what came back before that waits for its recipient, however often its sender is counted', async () => {
  const { redis, ledger } = opened;
  await redis.hset(ledger.keys.sessions(BOB), '', NOW);
  await redis.set(ledger.keys.confirms(BOB), '1');
  for (const id of ['m-1', 'm-2']) await perform(aliceWrites({ id, at: NOW }));
  await perform(bounce(keyOf('m-1')));
  await perform(handsOver(keyOf('m-2')));
  const limits = { messages: 1, bytes: 0, toOne: 0, domainMessages: 0, domainBytes: 0 };
  expect(await perform(aliceWrites({ id: 'm-3', quota: { limits, refuse: undefined } }))).toMatchObject({
    outcome: 'refused',
  });
  const later = NOW + SECOND;
  await redis.hset(ledger.keys.sessions(BOB), 'desk', `${later};y`);
  const times = { stepDue: later + SECOND, leaseUntil: later + SECOND, unconfirmedRetries: 1 };
  const { missed } = await perform(sessionAvailable({ user: BOB, event: 'login', cursor: '0', ...times }), later);
  expect(missed.map(({ key }) => key)).toEqual([keyOf('m-1')]);
});

test('a hand-over and a bounce that are carried out twice are one, and a gap is seen after it', async () => {
  const { redis, ledger } = opened;
  await redis.hset(ledger.keys.sessions(BOB), '', NOW - DAY, 'desk', `${NOW - DAY};y`);
  await redis.set(ledger.keys.confirms(BOB), '1');
  for (const id of ['m-1', 'm-2']) await perform(aliceWrites({ id, at: NOW }));
  const [one, other] = [keyOf('m-1'), keyOf('m-2')];
  for (let i = 0; i < 2; i += 1) await ledger.batch([handsOver(one), handsOver(other), bounce(other)], NOW + i);
  expect(await lifeOf(one)).toEqual(['handed-over o']);
  expect(await lifeOf(other)).toEqual(['handed-over o', 'bounced']);
  const later = NOW + 60 * SECOND;
  expect((await perform(sequenceGap(BOB, 'desk', ALICE, later, later + SECOND), later)).keys).toEqual([one]);
});

/** Which of 128 hashes a key's entry is in, as scripts/include/copies.lua has it. */
function placeOf(key: string): number {
  let hash = 0;
  for (const character of key.slice(2, 10)) hash = (hash * 33 + character.charCodeAt(0)) % 128;
  return (hash + key.charCodeAt(key.length - 1)) % 128;
}

test('thousands whose ids were made to lie in one hash are handed over, looked through by pages, and gone', async () => {
  const { redis, ledger } = opened;
  const last = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'];
  const base = keyOf('m-1').slice(0, 10);
  const suffix = last.find((one) => placeOf(`${base}${'A'.repeat(11)}${one}`) >= 64) as string;
  const place = placeOf(`${base}${'A'.repeat(11)}${suffix}`);
  const keys = Array.from(
    { length: 48 * (place + 2) + 2000 },
    (_, i) => `${base}${String(i).padStart(11, '0')}${suffix}`,
  );
  await redis.hset(ledger.keys.sessions(BOB), '', NOW);
  for (let i = 0; i < keys.length; i += 500) {
    const some = keys.slice(i, i + 500);
    await ledger.batch(
      some.map((key) => ({ ...aliceWrites({ at: NOW }), key })),
      NOW,
    );
    const handed = await ledger.batch(
      some.map((key) => handsOver(key, ALICE, BOB, 1, true)),
      NOW,
    );
    expect(handed.filter((outcome) => typeof outcome !== 'number')).toEqual([]);
  }
  await redis.hset(ledger.keys.sessions(BOB), 'desk', `${NOW + SECOND};y`);
  const missed = new Set<string>();
  let most = 0;
  let cursor = '0';
  do {
    const at = NOW + 2 * SECOND;
    const times = { stepDue: at + SECOND, leaseUntil: at + SECOND, unconfirmedRetries: 1 };
    const page = await perform(sessionAvailable({ user: BOB, event: 'login', cursor, ...times }), at);
    for (const { key } of page.missed) missed.add(key);
    most = Math.max(most, page.missed.length);
    cursor = page.next;
  } while (cursor !== '0');
  expect(missed.size).toBe(keys.length);
  expect(most).toBeLessThan(500);
  for (let i = 0; i < keys.length; i += 500)
    await ledger.batch(
      keys.slice(i, i + 500).map((key) => settle(key, 'desk', NOW)),
      NOW,
    );
  expect(await redis.keys(`${ledger.keys.copies(BOB).replace(/[{}]/g, '?')}*`)).toEqual([]);
  expect(await redis.exists(ledger.keys.load, ledger.keys.holds(ALICE))).toBe(0);
});

test('an entry that was damaged holds up nobody, and goes with its message', async () => {
  const { redis, ledger } = opened;
  const name = ledger.keys.copies(BOB);
  const damages = ['', 'o', 'x'.repeat(14), `o${'\x0f'.repeat(13)}`, randomBytes(20)];
  for (let i = 0; i < 150; i += 1) {
    await perform(aliceWrites({ id: `m-${i}`, at: NOW }));
    await perform(handsOver(keyOf(`m-${i}`)));
  }
  const names = await redis.keys(`${name.replace(/[{}]/g, '?')}*`);
  for (const part of names) {
    for (const key of await redis.hkeys(part)) {
      if (key !== '') await redis.hset(part, key, damages[key.charCodeAt(5) % damages.length] as string);
    }
  }
  const times = { stepDue: NOW + SECOND, leaseUntil: NOW + SECOND, unconfirmedRetries: 1 };
  await perform(sessionAvailable({ user: BOB, event: 'login', cursor: '0', ...times }));
  for (let i = 0; i < 150; i += 1)
    expect((await perform(settle(keyOf(`m-${i}`), 'desk', NOW))).outcome).toBe('delivered');
  expect(await redis.keys(`${name.replace(/[{}]/g, '?')}*`)).toEqual([]);
  // What was counted stands in none of them any more.
  await perform(forgetUser(ALICE, []));
  expect(await redis.exists(ledger.keys.load, ledger.keys.holds(ALICE))).toBe(0);
});

test.each([ALICE, BOB])('a message that came after all others of %s were erased is counted as ever', async (jid) => {
  const { redis, ledger } = opened;
  await perform(aliceWrites({ at: NOW }));
  await perform(handsOver(keyOf('m-1')));
  await perform(forgetUser(jid, []));
  expect(await redis.hgetall(ledger.keys.holds(ALICE))).toEqual({ [BOB]: '1' });
  expect((await new RedisQueries(redis, ledger.shards).inTrouble(ALICE, 10)).total).toBe(1);
  await perform(settle(keyOf('m-1'), 'desk', NOW));
  expect(await redis.exists(ledger.keys.load, ledger.keys.holds(ALICE), ledger.keys.copies(BOB))).toBe(0);
});

test('of many messages, whatever became of them, nothing is left that has no time limit', async () => {
  opened.close();
  opened = openLedger(server.url, { shards: 16 });
  const { redis, ledger } = opened;
  const SENDERS = [ALICE, 'carol@other.example', 'robot.example', 'é\\"%*[]?@例え.example', 'tab\there@example.org'];
  const RECIPIENTS = Array.from({ length: 7 }, (_, i) => `b${i}@example.org`).concat(
    'other.example',
    '漢\u2028@example.org',
  );
  const sent = Array.from({ length: 1000 }, (_, i) => {
    const sender = SENDERS[i % SENDERS.length] as string;
    const recipient = RECIPIENTS[(i * i) % RECIPIENTS.length] as string;
    return { id: `m-${i}`, sender, recipient, key: recordKey(sender, recipient, `m-${i}`) };
  });
  const at = NOW + SECOND;
  const ends: ((key: string) => Request | undefined)[] = [
    (key) => settle(key, 'desk', at),
    (key) => reject(key, at, 'gone', undefined, undefined),
    (key) => prove(key, 'desk', at, false),
    (key) => cancel(key, undefined, at, 'somebody'),
    () => undefined,
  ];
  for (let i = 0; i < sent.length; i += 200) {
    const some = sent.slice(i, i + 200);
    await ledger.batch(
      some.map((one) => aliceWrites({ ...one, at: NOW })),
      NOW,
    );
    await ledger.batch(
      some.flatMap(({ key }, j) => (j % 7 === 0 ? [bounce(key)] : [])),
      NOW,
    );
    await ledger.batch(
      some.flatMap(({ key, sender, recipient }, j) => (j % 7 < 5 ? [handsOver(key, sender, recipient)] : [])),
      at,
    );
    await ledger.batch(
      some.flatMap(({ key }, j) => (j % 3 === 0 ? [claim(key, 1)] : [])),
      at,
    );
    await ledger.batch(
      some.flatMap(({ key }, j) => ends[j % ends.length]?.(key) ?? []),
      at,
    );
  }
  const expiry = NOW + 7 * DAY;
  await ledger.batch(
    sent.map(({ key }) => expire(key, expiry)),
    expiry,
  );
  let told = 0;
  for (let now = expiry + DAY; ; now += 61 * SECOND) {
    const { overdue } = await ledger.sweep(60 * SECOND, 1000, now);
    if (overdue.length === 0) break;
    expect(overdue.filter(({ state }) => state === 'pending')).toEqual([]);
    told += overdue.length;
    await ledger.batch(notified(overdue), now);
  }
  expect(told).toBeGreaterThan(300);
  expect((await ledger.figures(NOW)).pending).toBe(0);
  // What was delivered is known for a while by digests, which go when their time is over.
  for (let day = 10; day < 60; day += 2) await ledger.sweep(60 * SECOND, 1000, NOW + day * DAY);
  const left = new Set<string>();
  for (const name of await redis.keys('*'))
    if ((await redis.pttl(name)) === -1) left.add(name.replace(/^\{[^}]*\}:/, '').replace(/:\d+$/, ''));
  expect([...left].sort()).toEqual(['delivered']);
});
