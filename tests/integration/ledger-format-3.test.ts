// Ledgers of format 3 (commit 9608f11) and 5 (commit ac88507), of one shard and of 16, are taken over with nothing lost.
import { readFileSync } from 'node:fs';
import type { StoredRecord } from '../../src/store/contract.ts';
import { bounce, claim, type ReplyTo, type Request, requeue, settle } from '../../src/store/contract.ts';
import { RedisQueries } from '../../src/store/redis/administration-queries.ts';
import { LEDGER_FORMAT } from '../../src/store/redis/format.ts';
import { LedgerPreparation } from '../../src/store/redis/preparation.ts';
import { Probe } from '../../src/store/redis/probe.ts';
import { encoded } from '../../src/util/octets.ts';
import { keyOfWireId } from '../../src/xmpp/stanza/message-key.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, openLedger, RETRY, SECOND } from '../support/store/ledger.ts';
import { type OlderKey, writeOlderLedger } from '../support/store/older-ledger.ts';

interface Fixture {
  readonly madeAt: number;
  readonly records: Readonly<Record<string, StoredRecord>>;
  /** By how many shards it has. */
  readonly ledgers: Readonly<Record<string, readonly OlderKey[]>>;
}

const read = (format: number): Fixture =>
  JSON.parse(readFileSync(new URL(`../fixtures/ledger-format-${format}.json`, import.meta.url), 'utf8'));
const FIXTURES: Readonly<Record<number, Fixture>> = { 3: read(3), 5: read(5) };
// The second is what the first became.
const { madeAt: T, records } = FIXTURES[3] as Fixture;
const PREFIX = '{old}';
const PENDING = ['pending', 'out', 'again', 'bounced', 'wire', 'c1', 'corrected', 'correction'];
const LATER = T + 3 * SECOND;

let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const perform = <R extends Request>(request: R, at = LATER): Promise<ReplyTo<R>> => opened.ledger.perform(request, at);
const words = (id: string) => `words of ${id}, with é and 漢字`;
/** The same as a record has it. */
const octets = (id: string) => encoded(words(id));
const resend = (id: string, body: string, more: Parameters<typeof aliceWrites>[0] = {}) =>
  perform(aliceWrites({ id, body, at: LATER, ...more }));
const wireIds = (found: readonly { readonly record: StoredRecord }[]) =>
  found.map(({ record }) => record.wireId.replace(/~.*/, '~')).sort();

function preparation(shards: number): LedgerPreparation {
  const { redis, ledger } = opened;
  const times = RETRY.storeTimes({ dedupWindow: 8 * DAY, undeliveredRetention: 30 * DAY });
  const probe = new Probe(redis, PREFIX, undefined, { count: shards });
  return new LedgerPreparation({
    redis,
    shards: ledger.shards,
    isNumberSet: true,
    times,
    probe,
    log: { info: () => {} },
    settledAfter: 0,
  });
}

const ledgerOf = (format: number, shards: number) => (FIXTURES[format] as Fixture).ledgers[shards] as OlderKey[];

async function writeLedger(format: number, shards: number): Promise<void> {
  await opened.redis.flushall();
  await writeOlderLedger(opened.redis, '', ledgerOf(format, shards));
}

describe.each([1, 16])('beside records, of %d shards', (shards) => {
  afterEach(() => opened.close());
  beforeEach(() => {
    opened = openLedger(server.url, { prefix: PREFIX, shards });
  });

  test('one of format 4 as commit 26de896 wrote it has the same beside its records, and is taken over too', async () => {
    const { redis, ledger } = opened;
    await writeLedger(3, shards);
    await redis.hset(`${PREFIX}:identity`, 'format', 4);
    await preparation(shards).prepare();
    expect((await new RedisQueries(redis, ledger.shards).waitingFor(BOB, 100)).found).toHaveLength(4);
    expect((await redis.keys('*')).filter((name) => /:(?:held|out):/.test(name))).toEqual([]);
  });

  test('what is of no record, and what was damaged, is taken over by two at once, and no count is left', async () => {
    const { redis, ledger } = opened;
    await writeLedger(3, shards);
    const { prefix } = ledger.shards.keysOfUser(BOB);
    const GONE = 1e10 + 100;
    for (let i = 0; i < 700; i += 1) {
      const key = `6G${String(i).padStart(20, '0')}`;
      await redis.hset(`${prefix}:held:${ALICE}`, key, `100 ${BOB}`);
      await redis.hset(`${prefix}:out:${BOB}`, key, `?;${T};${T}`);
      for (const whose of [ALICE, '@example.org']) await redis.hincrby(`${prefix}:load`, whose, GONE);
    }
    await redis.set(`${prefix}:held:carol@example.org`, 'no hash');
    const two = [preparation(shards), preparation(shards)].map((one) => one.prepare());
    await Promise.all(two);
    expect((await redis.keys('*')).filter((name) => /:(?:held|out):/.test(name))).toEqual([]);
    const queries = new RedisQueries(redis, ledger.shards);
    expect((await queries.heaviest(10)).find(({ of }) => of === ALICE)?.messages).toBe(4);
    expect((await queries.waitingFor(BOB, 100)).total).toBe(4);
    expect((await ledger.figures(T)).pending).toBe(9);
  });
});

describe.each([
  [3, 1],
  [3, 16],
  [5, 1],
  [5, 16],
])('of format %d and %d shards', (format, shards) => {
  afterEach(() => opened.close());
  beforeEach(async () => {
    opened = openLedger(server.url, { prefix: PREFIX, shards });
    await writeLedger(format, shards);
    await preparation(shards).prepare();
  });

  test('no key of that time is left', async () => {
    const { redis } = opened;
    const names = (await redis.keys('*')).filter((name) => !name.endsWith(':identity'));
    expect(names.filter((name) => /:m:|[:}][\w-]{22}([-~].{16})?$|:before$/.test(name))).toEqual([]);
    const texts = await Promise.all(
      names.map(async (name) => {
        const type = await redis.type(name);
        if (type === 'zset') return redis.zrange(name, '0', '-1');
        if (type === 'list') return redis.lrange(name, 0, -1);
        if (type === 'set') return redis.smembers(name);
        return type === 'hash' && name.includes(':copies:') ? redis.hkeys(name) : [];
      }),
    );
    const known = FIXTURES[3] as Fixture;
    for (const key of Object.keys(known.records)) expect(texts.flat().filter((text) => text.includes(key))).toEqual([]);
  });

  test('it is marked, and another number of shards is refused', async () => {
    expect(await opened.redis.hget(`${PREFIX}:identity`, 'format')).toBe(String(LEDGER_FORMAT));
    expect(await preparation(shards).refusal()).toBeUndefined();
    await opened.redis.hset(`${PREFIX}:identity`, 'format', String(format), 'shards', '4');
    expect(await preparation(shards).refusal()).toMatch('Set SHARDS=4');
  });

  test('a message that is sent again is known, whatever became of it', async () => {
    for (const id of ['pending', 'out', 'again', 'bounced', 'told', 'owed', 'rejected', 'corrected'])
      expect([id, (await resend(id, words(id))).outcome]).toEqual([id, 'known']);
    for (let i = 0; i < 60; i += 1) expect((await resend(`gone-${i}`, words(`gone-${i}`))).outcome).toBe('known');
    const originId = 'c0a8012e-7a53-4f43-9a9e-3a8f3e0a7c11';
    expect((await resend('wire', 'hello', { originId })).outcome).toBe('known');
    expect((await resend('c1', 'two', { countable: true })).outcome).toBe('known');
    expect((await resend('never', 'sent')).outcome).toBe('stored');
  });

  test('a receipt settles what is pending, and nothing is left of it beside its record', async () => {
    for (const id of PENDING) {
      const key = keyOf(id);
      expect([id, (await perform(settle(key, 'desk', LATER))).outcome]).toEqual([id, 'delivered']);
    }
    const second = Object.values(records).find(({ wireId }) => wireId.startsWith('c1~')) as StoredRecord;
    const settled = await perform(settle(keyOfWireId(ALICE, BOB, second.wireId), 'desk', LATER));
    expect(settled.outcome).toBe('delivered');
    expect((await perform(settle(keyOf('told'), 'desk', LATER))).outcome).toBe('repeated');
    expect((await perform(settle(keyOf('gone-7'), 'desk', LATER))).outcome).toBe('repeated');
    expect((await opened.ledger.figures(T)).pending).toBe(0);
    const queries = new RedisQueries(opened.redis, opened.ledger.shards);
    expect(await queries.heaviest(10)).toEqual([]);
    expect((await queries.waitingFor(BOB, 100)).found).toEqual([]);
    expect(wireIds((await queries.inTrouble(ALICE, 100)).found)).toEqual(['rejected']);
  });

  test('what people look at says what it said', async () => {
    const queries = new RedisQueries(opened.redis, opened.ledger.shards);
    expect(wireIds((await queries.waitingFor(BOB, 100)).found)).toEqual(['again', 'bounced', 'c1~', 'out']);
    const troubled = ['again', 'bounced', 'c1~', 'out', 'rejected'];
    expect(wireIds((await queries.inTrouble(ALICE, 100)).found)).toEqual(troubled);
    expect((await queries.heaviest(10)).map(({ of, messages }) => [of, messages])).toEqual(
      expect.arrayContaining([
        [ALICE, 4],
        ['@example.org', 4],
      ]),
    );
    const events = async (id: string) => (await queries.life(keyOf(id))).map(({ what }) => what);
    expect(await events('again')).toEqual(['handed-over ?', 'claimed', 'handed-over ?']);
    expect(await events('bounced')).toEqual(['handed-over ?', 'bounced']);
    expect(await events('out')).toEqual(['handed-over ?']);
    expect(await opened.ledger.figures(T)).toMatchObject({ pending: 9, owed: 2, damaged: 0 });
  });

  test('a sweep takes what is pending with its words, and what is owed to senders', async () => {
    const { overdue, damaged } = await opened.ledger.sweep(SECOND, 1000, T + 6 * DAY);
    const taken = overdue.map(({ wireId, state }) => `${wireId.replace(/~.*/, '~')} ${state}`);
    const all = Object.values(records).map(({ wireId, state }) => `${wireId.replace(/~.*/, '~')} ${state}`);
    expect(taken.sort()).toEqual(all.filter((text) => text !== 'told delivered').sort());
    expect(damaged).toBe(0);
    const out = overdue.find(({ wireId }) => wireId === 'out') as StoredRecord;
    const claimed = await perform(claim(out.key, out.attempt));
    expect(claimed.outcome === 'claimed' && claimed.record.inner).toContain(octets('out'));
  });

  test('one that failed can be sent after all; one that comes back is noted', async () => {
    expect((await perform(requeue(keyOf('rejected'))))?.inner).toContain(octets('rejected'));
    expect((await perform(bounce(keyOf('pending')))).outcome).toBe('done');
    const [correction] = await opened.ledger.status([keyOf('correction')]);
    expect(correction).toMatchObject({ state: 'pending', target: keyOf('corrected') });
  });
});
