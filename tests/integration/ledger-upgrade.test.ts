// A ledger that the version before wrote (records of format 1, made with commit ce6a437) is taken over with nothing lost.
import { readFileSync } from 'node:fs';
import {
  bounce,
  claim,
  erase,
  expire,
  handOver,
  type ReplyTo,
  type Request,
  readdress,
  reject,
  reported,
  requeue,
  retryNow,
  type StoredRecord,
  settle,
  supersede,
  withdraw,
} from '../../src/store/contract.ts';
import { RedisQueries } from '../../src/store/redis/administration-queries.ts';
import { LedgerPreparation } from '../../src/store/redis/preparation.ts';
import { Probe } from '../../src/store/redis/probe.ts';
import { decodeRecord } from '../../src/store/redis/record-codec.ts';
import { encoded } from '../../src/util/octets.ts';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { partitionDigits, partitionOf } from '../../src/xmpp/stanza/partition.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, openLedger, RETRY, SECOND } from '../support/store/ledger.ts';
import { type OlderKey, writeOlderLedger } from '../support/store/older-ledger.ts';

type Records = Readonly<Record<string, StoredRecord>>;

interface Fixture {
  readonly madeAt: number;
  /** Keys of the second message under the ids `counted`, `version` and `withdrawn`. */
  readonly second: string;
  readonly version: string;
  readonly beside: string;
  /** What that version read of each record that is whole, and of each copy that is kept of an undelivered one. */
  readonly records: Records;
  readonly letters: Records;
  readonly keys: readonly OlderKey[];
}

const BEFORE = readFileSync(new URL('../fixtures/ledger-format-1.json', import.meta.url), 'utf8');

/** Keys of that time did not begin with the recipient's partition. */
function withPartitions(text: string): string {
  const { keys, records } = JSON.parse(text) as Fixture;
  let changed = text;
  for (const { key } of keys) {
    const base = /^:[mui]:([\w-]{22})$/.exec(key)?.[1];
    if (base === undefined) continue;
    const partition = partitionDigits(partitionOf(records[base]?.recipient ?? BOB));
    changed = changed.replaceAll(base, partition + base.slice(0, 12));
  }
  return changed;
}
const before: Fixture = JSON.parse(BEFORE);
const fixture: Fixture = JSON.parse(withPartitions(BEFORE), (name, value) =>
  // As a record has it.
  name === 'inner' ? encoded(value) : value,
);
const T = fixture.madeAt;
const PREFIX = '{old}';
let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
/** The older ledger, taken over by a version with so many shards. */
async function takeOver(shards: number): Promise<void> {
  opened?.close();
  opened = openLedger(server.url, { prefix: PREFIX, shards });
  const { redis } = opened;
  await redis.flushall();
  await writeOlderLedger(redis, PREFIX, before.keys);
  await prepared(shards).prepare();
}

/** @param shards that SHARDS names; undefined where it is not set */
function prepared(shards?: number): LedgerPreparation {
  const { redis, ledger } = opened;
  const times = RETRY.storeTimes({ dedupWindow: 8 * DAY, undeliveredRetention: 30 * DAY });
  const probe = new Probe(redis, PREFIX, undefined, ledger.shards);
  const isNumberSet = shards !== undefined;
  return new LedgerPreparation({
    redis,
    shards: ledger.shards,
    isNumberSet,
    times,
    probe,
    log: { info: () => {} },
    settledAfter: 0,
  });
}

beforeEach(() => takeOver(1));
afterEach(() => opened.close());

const perform = <R extends Request>(request: R, at = T + SECOND): Promise<ReplyTo<R>> =>
  opened.ledger.perform(request, at);
const raw = (key: string) => opened.redis.get(opened.ledger.keys.record(key));
const known = async (key: string) => (await opened.ledger.status([key]))[0];
/** As JSON has it: what is undefined is left out. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
const withoutPayload = (record: StoredRecord | undefined) => ({ ...record, inner: '' });
const sweepAt = (at: number) => opened.ledger.sweep(SECOND, 1000, at);
const PENDING = Object.values(fixture.records).filter(({ state }) => state === 'pending');

test('the fixture has what it should', () => {
  const states = Object.values(fixture.records).map(({ state }) => state);
  expect([...new Set(states)].sort()).toEqual(['delivered', 'expired', 'pending', 'rejected', 'unconfirmed']);
  expect(PENDING.length).toBeGreaterThan(15);
  expect(Object.keys(fixture.letters)).toHaveLength(3);
});

test('16 shards have all of it, each what is its own, and nothing is left of the older one', async () => {
  await takeOver(16);
  const queries = new RedisQueries(opened.redis, opened.ledger.shards);
  for (const [key, record] of Object.entries(fixture.records)) {
    const [found] = await queries.records([key]);
    expect(plain(found?.record)).toEqual(withoutPayload(record));
    expect(found?.kept).toBe(key in fixture.letters);
  }
  const letters = await queries.inTrouble(ALICE, 100);
  expect(letters.found.map(({ record }) => record.key)).toEqual(expect.arrayContaining(Object.keys(fixture.letters)));
  expect((await opened.ledger.figures(T)).pending).toBeGreaterThanOrEqual(PENDING.length);
  expect((await queries.heaviest(5)).map(({ of, messages }) => `${of} ${messages}`).sort()).toEqual([
    '@example.org 3',
    'alice@example.org 3',
  ]);
  expect(await opened.ledger.sessionsOf('carl@example.org')).toEqual(['phone']);
  expect(await queries.contacts()).toEqual(['carl@example.org']);
  const left = (await opened.redis.keys('*')).filter((name) => name.startsWith(`${PREFIX}:`));
  expect(left.filter((name) => !/:(?:done|i|c|life|out|from|held):/.test(name)).sort()).toEqual([
    `${PREFIX}:due`,
    `${PREFIX}:identity`,
  ]);
  // What a process of that time would write to.
  expect(await opened.redis.type(`${PREFIX}:due`)).toBe('string');
  for (const { key } of PENDING) {
    if (key.length === 14)
      expect(await perform(settle(key, 'phone', T + SECOND))).toMatchObject({ outcome: 'delivered' });
  }
});

test('a takeover that was broken off goes on; one that is made again changes nothing', async () => {
  for (const shards of [1, 16]) {
    await takeOver(shards);
    const all = async () => {
      const names = (await opened.redis.keys('*')).filter((name) => !/:identity$/.test(name)).sort();
      return Promise.all(names.map(async (name) => [name, (await opened.redis.dumpBuffer(name))?.toString('hex')]));
    };
    const after = await all();
    await prepared(shards).prepare();
    expect(await all()).toEqual(after);
    // Broken off just before its end.
    await opened.redis.hdel(`${PREFIX}:identity`, 'format', 'shards');
    if (shards === 1) continue;
    await prepared(shards).prepare();
    expect(await all()).toEqual(after);
  }
});

test('what is there counts where no number is set', async () => {
  opened.close();
  opened = openLedger(server.url, { prefix: PREFIX, shards: 16 });
  expect(await prepared().refusal()).toBeUndefined();
  const { count } = opened.ledger.shards;
  expect(count).toBe(1);
  opened.close();
  opened = openLedger(server.url, { prefix: PREFIX, shards: count });
  expect((await known(keyOf('pending')))?.state).toBe('pending');
});

test('a ledger of a newer format, or with another number of shards, is refused', async () => {
  expect(await prepared(1).refusal()).toBeUndefined();
  await opened.redis.hset(`${PREFIX}:identity`, 'shards', '4');
  expect(await prepared(1).refusal()).toMatch('Set SHARDS=4, or leave it out.');
  await opened.redis.hset(`${PREFIX}:identity`, 'format', '7');
  expect(await prepared(1).refusal()).toMatch(/format 7, which a newer version has written/);
});

test('what people look at says what it said, and is not changed by that', async () => {
  const queries = new RedisQueries(opened.redis, opened.ledger.shards);
  const before = await opened.redis.get(opened.ledger.keys.record(keyOf('pending')));
  for (const [key, record] of Object.entries(fixture.records)) {
    const [found] = await queries.records([key]);
    expect(plain(found?.record)).toEqual(withoutPayload(record));
    expect(found?.kept).toBe(key in fixture.letters);
  }
  expect(await known(keyOf('pending'))).toMatchObject({ state: 'pending', wireId: 'pending' });
  expect(await raw(keyOf('pending'))).toBe(before);
});

test('a sweep takes all that is due, with what its jobs need, and writes it anew', async () => {
  const { overdue, damaged } = await sweepAt(T + 2 * DAY);
  const taken = new Map(overdue.map((record) => [record.key, record]));
  for (const { key } of PENDING) {
    expect(plain(taken.get(key))).toEqual(withoutPayload(fixture.records[key]));
    const value = (await raw(key)) as string;
    expect(value[0]).toBe('2');
    // Whole, with its text.
    expect(plain(decodeRecord(key, value))).toEqual(fixture.records[key]);
  }
  for (const id of ['delivered-owed', 'rejected-owed', 'expired-owed']) expect(taken.has(keyOf(id))).toBe(true);
  for (const id of ['delivered-told', 'rejected-told', 'cancelled']) expect(taken.has(keyOf(id))).toBe(false);
  // One was put aside before.
  expect(damaged).toBe(5);
});

test('what is taken over keeps its time', async () => {
  await perform(settle(keyOf('delivered-told'), 'desk', T + SECOND));
  const name = opened.ledger.keys.record(keyOf('delivered-told'));
  await perform(claim(keyOf('delivered-told'), 1));
  expect(((await opened.redis.get(name)) as string)[0]).toBe('2');
  expect(await opened.redis.pttl(name)).toBeGreaterThan(7 * DAY);
  expect(await opened.redis.pttl(opened.ledger.keys.record(keyOf('pending')))).toBe(-1);
});

test('of damaged ones the sender is told, where they name him', async () => {
  const { unreported } = await sweepAt(T + 2 * DAY);
  const ids = ['damaged-cut', 'damaged-brace', 'damaged-json', 'damaged-aside', 'damaged-owed'];
  // One that does not say whom it was for stays under the key that it had.
  const cut = before.keys.find(({ key }) => key.slice(3, 15) === keyOf('damaged-cut').slice(2))?.key.slice(3, 17);
  expect([...unreported].sort()).toEqual([cut, ...ids.slice(1).map(keyOf)].sort());
  await perform(reported(unreported));
  const { overdue } = await sweepAt(T + 2 * DAY + 60 * SECOND);
  const notices = overdue.filter(({ wireId }) => wireId.startsWith('damaged'));
  expect(notices.map(({ wireId, sender, state }) => [wireId, sender, state]).sort()).toEqual(
    ids
      .slice(1)
      .map((id) => [id, ALICE, 'rejected'])
      .sort(),
  );
  const kept = await opened.redis.get(opened.ledger.keys.quarantined(cut as string));
  expect(kept).toMatch(/^p01/);
});

test.each(PENDING.map((record) => [record.wireId, record] as const))('%s goes on to its receipt', async (_, record) => {
  const { key } = record;
  const held = Number((await opened.redis.hget(opened.ledger.keys.holds(ALICE), BOB)) ?? 0);
  const claimed = await perform(claim(key, record.attempt));
  if (claimed.outcome === 'claimed') {
    expect(claimed.record).toMatchObject({ inner: record.inner, wireId: record.wireId, attempt: record.attempt + 1 });
    await perform(
      handOver({
        key,
        attempt: record.attempt + 1,
        copies: record.copies + 1,
        byTimetable: T + DAY,
        unconfirmed: T + DAY,
        sender: ALICE,
        recipient: BOB,
        noStore: false,
      }),
    );
  }
  const settled = await perform(settle(key, 'desk', T + 2 * SECOND));
  const { sender, recipient, senderId, senderResource, owesReceipt } = record;
  expect(settled).toMatchObject({ outcome: 'delivered' });
  if (settled.outcome !== 'delivered') throw new Error('It is not delivered');
  expect(plain(settled.record)).toMatchObject(
    plain({
      sender,
      recipient,
      senderId,
      senderResource,
      owesReceipt,
      receiptResource: 'desk',
      settledAt: T + 2 * SECOND,
    }),
  );
  const left = Number((await opened.redis.hget(opened.ledger.keys.holds(ALICE), BOB)) ?? 0);
  expect(held - left).toBe(record.copies === 0 ? 0 : 1);
});

test('all of them, settled, leave no count of what is pending but that of the damaged', async () => {
  await sweepAt(T + 2 * DAY);
  for (const { key } of PENDING) await perform(settle(key, 'desk', T + SECOND));
  expect(await opened.ledger.figures(T + SECOND)).toMatchObject({ pending: 0, damaged: 5 });
  expect(await opened.redis.exists(opened.ledger.keys.load)).toBe(0);
});

test('a resend is known, whatever has become of its message', async () => {
  for (const id of ['pending', 'pending-handed', 'delivered-told', 'expired-owed', 'rejected-owed', 'cancelled']) {
    const body = id === 'rejected-owed' ? 'no "thanks"' : 'hello';
    expect(await perform(aliceWrites({ id, body, at: T + SECOND }))).toMatchObject({
      outcome: 'known',
      record: { key: keyOf(id), state: fixture.records[keyOf(id)]?.state },
    });
  }
  expect(await perform(aliceWrites({ id: 'pending-origin', originId: 'origin-1' }))).toMatchObject({
    outcome: 'known',
  });
  const again = { id: 'version', body: 'two' };
  expect(await perform(aliceWrites(again))).toMatchObject({ outcome: 'known', record: { key: fixture.version } });
  const counted = { id: 'counted', body: 'two', countable: true, at: T + SECOND };
  expect(await perform(aliceWrites(counted))).toMatchObject({ outcome: 'known', record: { key: fixture.second } });
  const beside = { id: 'withdrawn', body: 'two', countable: true, at: T + SECOND };
  expect(await perform(aliceWrites(beside))).toMatchObject({ outcome: 'known', record: { key: fixture.beside } });
});

test('a receipt finds a message by its id and by its origin-id', async () => {
  expect(await perform(settle(keyOf('pending-origin'), 'desk', T))).toMatchObject({
    outcome: 'delivered',
    record: { key: keyOf('origin-1'), wireId: 'pending-origin' },
  });
});

test('a late receipt changes an ending, and one that came before does not count twice', async () => {
  expect(await perform(settle(keyOf('expired-owed'), 'desk', T + 9))).toMatchObject({
    outcome: 'late',
    record: { state: 'delivered', settledAt: T + 9, receiptResource: 'desk', inner: '' },
  });
  expect(await perform(settle(keyOf('expired-late'), 'desk', T + 9))).toEqual({ outcome: 'repeated' });
  expect(await perform(settle(keyOf('delivered-told'), 'desk', T + 9))).toEqual({ outcome: 'repeated' });
});

test('what was not delivered is sent after all, with its text', async () => {
  const key = keyOf('expired-owed');
  const before = fixture.records[key] as StoredRecord;
  expect(await perform(requeue(key))).toMatchObject({
    state: 'pending',
    inner: '<body>hello</body>',
    firstStoredAt: before.storedAt,
    storedAt: T + SECOND,
  });
  expect(await raw(key)).toMatch(/^2p/);
  expect(await perform(requeue(keyOf('pending')))).toBeUndefined();
});

test('a failure is told with the text that is kept', async () => {
  const claimed = await perform(claim(keyOf('rejected-owed'), 1));
  expect(claimed).toMatchObject({
    outcome: 'claimed',
    record: {
      condition: 'gone',
      conditionType: 'cancel',
      conditionText: 'He "left" \\ für immer',
      inner: '<body>no "thanks"</body>',
    },
  });
});

test('tokens of those who stored it, and who were answered from it, are told apart', async () => {
  const key = keyOf('pending-resent');
  await perform(withdraw(key, 'first'));
  expect(await known(key)).toMatchObject({ state: 'pending' });
  await perform(withdraw(key, 'second'));
  expect(await known(key)).toBeUndefined();
});

test('other steps of a life find theirs', async () => {
  await perform(readdress(keyOf('pending-readdressed'), 'laptop', 'resend-3'));
  expect(await known(keyOf('pending-readdressed'))).toMatchObject({
    senderResource: 'laptop',
    senderId: 'resend-3',
    owesReceipt: true,
  });
  expect(await perform(bounce(keyOf('pending-handed')))).toMatchObject({ outcome: 'done' });
  expect(await known(keyOf('pending-handed'))).toMatchObject({ bounced: true, copyOut: false, copies: 1 });
  expect(await perform(reject(keyOf('pending-odd'), T, 'gone', undefined, undefined))).toMatchObject({
    outcome: 'done',
    record: { state: 'rejected', senderId: 'say "hi" \\ é\n', otherAttributes: ' xml:lang="de" a:b="1"' },
  });
  expect(await perform(expire(keyOf('pending'), T + 8 * DAY), T + 8 * DAY)).toMatchObject({ state: 'expired' });
  expect(await perform(retryNow(keyOf('pending-bounced'), undefined))).toBe('due');
  await perform(settle(keyOf('pending-correction'), 'desk', T));
  await perform(supersede(keyOf('pending-correction')));
  expect(await known(keyOf('pending-corrected'))).toMatchObject({ state: 'pending', target: undefined });
});

test('all that names a user is erased for him', async () => {
  const keys = [...new Set([...Object.keys(fixture.records), ...Object.keys(fixture.letters)])];
  expect(await perform(erase(ALICE, keys, true))).toBe(keys.length);
  expect(await perform(erase(ALICE, [...keys, keyOf('damaged-aside')]))).toBe(keys.length);
  for (const key of keys) expect(await raw(key)).toBeNull();
  expect(await opened.redis.exists(opened.ledger.keys.quarantined(keyOf('damaged-aside')))).toBe(0);
});

test('a message to another recipient has its own ending', async () => {
  expect(await known(recordKey(ALICE, 'carl@example.org', 'unconfirmed'))).toMatchObject({
    state: 'unconfirmed',
    copies: 1,
  });
});
