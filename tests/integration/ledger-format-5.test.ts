// What a ledger of format 5 (commit ac88507) has of many messages is taken over: also where that is broken off, done by two, or an
// older process is still there.
import { readFileSync } from 'node:fs';
import { claim, notified, type ReplyTo, type Request, settle } from '../../src/store/contract.ts';
import { RedisQueries } from '../../src/store/redis/administration-queries.ts';
import { LEDGER_FORMAT } from '../../src/store/redis/format.ts';
import { KeyTakeover } from '../../src/store/redis/key-takeover.ts';
import { Keys } from '../../src/store/redis/keys.ts';
import { LedgerPreparation } from '../../src/store/redis/preparation.ts';
import { Probe } from '../../src/store/redis/probe.ts';
import { RedisSteps } from '../../src/store/redis/steps.ts';
import { presentKey, recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, DAY, keyOf, openLedger, RETRY, SECOND } from '../support/store/ledger.ts';
import { type OlderKey, writeOlderLedger } from '../support/store/older-ledger.ts';

const FIXTURE = new URL('../fixtures/ledger-format-5.json', import.meta.url);
const { madeAt: T, more }: { madeAt: number; more: Record<string, OlderKey[]> } = JSON.parse(
  readFileSync(FIXTURE, 'utf8'),
);
const PREFIX = '{old}';
const CARL = 'carl@example.org';
const many = (i: number) => recordKey(ALICE, CARL, `many-${i}`);
const LATER = T + 3 * SECOND;

let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
afterEach(() => opened.close());

async function open(shards: number): Promise<void> {
  opened = openLedger(server.url, { prefix: PREFIX, shards });
  await opened.redis.flushall();
  await writeOlderLedger(opened.redis, '', more[shards] as OlderKey[]);
}

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

const perform = <R extends Request>(request: R, at = LATER): Promise<ReplyTo<R>> => opened.ledger.perform(request, at);
const mark = () => opened.redis.hgetall(`${PREFIX}:identity`);

/** All that it had is there, and ends as it would have. */
async function isWhole(): Promise<void> {
  const { redis, ledger } = opened;
  const queries = new RedisQueries(redis, ledger.shards);
  expect((await queries.waitingFor(CARL, 200)).total).toBe(120);
  expect((await queries.heaviest(10)).find(({ of }) => of === ALICE)?.messages).toBe(120);
  expect(await ledger.figures(T)).toMatchObject({ pending: 122, owed: 0, damaged: 1 });
  // The words and the place of each.
  const { overdue, unreported } = await ledger.sweep(SECOND, 1000, T + 2 * DAY);
  expect(unreported).toEqual([keyOf('damaged')]);
  expect(overdue.filter(({ state }) => state === 'pending')).toHaveLength(122);
  for (let i = 0; i < 120; i += 1) {
    const claimed = await perform(claim(many(i), 1), T + 2 * DAY);
    expect(claimed.outcome === 'claimed' && claimed.record.inner).toContain(`words ${i}<`);
    expect(await perform(settle(many(i), 'desk', LATER))).toMatchObject({ outcome: 'delivered' });
  }
  expect((await queries.waitingFor(CARL, 200)).total).toBe(0);
  expect(await queries.heaviest(10)).toEqual([]);
  expect((await redis.keys('*')).filter((name) => /:(?:copies|holds|before)/.test(name))).toEqual([]);
  const known = await perform(aliceWrites({ id: 'version', body: 'two', at: LATER }));
  expect(known.outcome).toBe('known');
}

/** Does something that fails after so many calls of scripts. @returns whether it came to its end */
async function interrupted(work: () => Promise<void>, calls: number): Promise<boolean> {
  const { redis } = opened;
  const evaluate = redis.eval.bind(redis);
  let left = calls;
  redis.eval = ((...args: Parameters<typeof evaluate>) => {
    left -= 1;
    return left < 0 ? Promise.reject(new Error('Broken off')) : evaluate(...args);
  }) as typeof redis.eval;
  try {
    await work();
    return true;
  } catch {
    return false;
  } finally {
    redis.eval = evaluate as typeof redis.eval;
  }
}

describe.each([1, 16])('of %d shards', (shards) => {
  beforeEach(() => open(shards));

  test('all of it is there afterwards, and is marked', async () => {
    await preparation(shards).prepare();
    expect(await mark()).toMatchObject({ format: String(LEDGER_FORMAT), shards: String(shards) });
    expect(await mark()).not.toHaveProperty('taking');
    await isWhole();
  });

  test('what was told just before becomes digests half an hour later', async () => {
    await preparation(shards).prepare();
    // Those are replaced with what comes.
    for (let i = 0; i < 2; i += 1) {
      await perform(aliceWrites({ id: `new-${i}`, at: LATER }), T + DAY + i * 10 * SECOND);
      await perform(settle(keyOf(`new-${i}`), 'desk', LATER), T + DAY + i * 10 * SECOND);
      const [told] = notified([{ key: keyOf(`new-${i}`), state: 'delivered' }]);
      await perform(told as Request, T + DAY + i * 10 * SECOND);
    }
    await opened.ledger.sweep(SECOND, 1000, T + DAY + 30 * SECOND);
    for (let i = 0; i < 3; i += 1) {
      const name = opened.ledger.shards.keysOfMessage(keyOf(`said-${i}`)).record(keyOf(`said-${i}`));
      expect(await opened.redis.exists(name)).toBe(0);
      const resent = await perform(aliceWrites({ id: `said-${i}`, body: `words ${i}`, at: T + DAY }), T + DAY);
      expect(resent.outcome).toBe('known');
    }
  });

  test('broken off anywhere, it goes on at the next start, and no older version starts meanwhile', async () => {
    for (let calls = 0; calls < 40; calls += 3) {
      opened.close();
      await open(shards);
      const { redis } = opened;
      const isThrough = await interrupted(() => preparation(shards).prepare(), calls);
      expect(await mark()).toMatchObject({ format: String(LEDGER_FORMAT) });
      if (!isThrough) expect(await mark()).toMatchObject({ taking: '5' });
      await preparation(shards).prepare();
      expect(await mark()).not.toHaveProperty('taking');
      expect(await opened.ledger.figures(T)).toMatchObject({ pending: 122, owed: 0, damaged: 1 });
      expect((await new RedisQueries(redis, opened.ledger.shards).waitingFor(CARL, 200)).total).toBe(120);
    }
    await isWhole();
  });

  test('two do it at once, and one does it again while the ledger is used', async () => {
    await Promise.all([preparation(shards).prepare(), preparation(shards).prepare()]);
    await perform(aliceWrites({ id: 'between', at: LATER }));
    await new KeyTakeover(opened.redis, opened.ledger.shards).carryOut();
    expect(await perform(settle(keyOf('between'), 'desk', LATER))).toMatchObject({ outcome: 'delivered' });
    const [told] = notified([{ key: keyOf('between'), state: 'delivered' }]);
    await perform(told as Request);
    await isWhole();
  });

  test('what an older process stores then has no due time, which is an error to it; it is sent once it is found', async () => {
    const { redis, ledger } = opened;
    const before = keyOf('late').padEnd(22, 'x');
    const { prefix } = ledger.shards.keysOfMessage(before);
    const stored = more[shards]?.find(
      ({ key, value }) => key.startsWith(`${prefix}:m:`) && `${value}`.startsWith('2p'),
    );
    const [shard] = ledger.shards.keys;
    await new KeyTakeover(redis, ledger.shards).carryOut();
    await expect(redis.zadd(`${shard?.prefix}:due`, 1, before)).rejects.toThrow('WRONGTYPE');
    await redis.set(`${prefix}:m:${before}`, stored?.value as string);
    await preparation(shards).prepare();
    const { overdue } = await ledger.sweep(SECOND, 1000, Date.now() + DAY);
    expect(overdue.map(({ key }) => key)).toContain(presentKey(before));
  });

  test('a record that no SCAN has named, as its slot was on the way, is found by its due time', async () => {
    const { redis, ledger } = opened;
    const scan = redis.scan.bind(redis);
    redis.scan = (async () => ['0', []]) as unknown as typeof redis.scan;
    await new KeyTakeover(redis, ledger.shards).carryOut();
    redis.scan = scan;
    const { overdue } = await ledger.sweep(SECOND, 1000, T + 2 * DAY);
    expect(overdue.filter(({ state }) => state === 'pending')).toHaveLength(122);
  });

  test('each part of what was told just before says since when, whatever is taken from there meanwhile', async () => {
    const { redis, ledger } = opened;
    const [shard] = ledger.shards.keys;
    const name = `${shard?.prefix}:ended`;
    await redis.del(name);
    const keys = Array.from({ length: 1200 }, (_, i) => keyOf(`told-${i}`).padEnd(22, 'x'));
    await redis.rpush(name, `@${T}`, ...keys);
    const evaluate = redis.eval.bind(redis);
    const told: string[] = [];
    let isTaken = true;
    redis.eval = (async (...args: Parameters<typeof evaluate>) => {
      const reply = await evaluate(...args);
      if (args.at(-1) !== 'ended' || args[2] !== shard?.prefix) return reply;
      const items = await redis.lrange(name, 0, -1);
      isTaken &&= items.length === 0 || items[0] === `@${T}`;
      told.push(...items.slice(1));
      await redis.del(name);
      return reply;
    }) as typeof redis.eval;
    await new KeyTakeover(redis, ledger.shards).carryOut();
    redis.eval = evaluate as typeof redis.eval;
    expect(isTaken).toBe(true);
    expect(told).toEqual(keys.map(presentKey));
    // One without a mark ends no call.
    await redis.rpush(name, ...told);
    await ledger.sweep(SECOND, 10, T + DAY);
    expect(await redis.llen(name)).toBeLessThan(told.length);
  });

  test('steps that were kept of a message are found by its present key', async () => {
    const { redis, ledger } = opened;
    const steps = new RedisSteps(redis, { keys: new Keys(PREFIX), kept: DAY });
    const key = keyOf('traced');
    const step = {
      at: Date.now(),
      key: key.padEnd(22, 'x'),
      sender: ALICE,
      recipient: CARL,
      id: 'traced',
      what: 'accepted',
    };
    await steps.append([{ ...step, isFirst: true }]);
    expect(ledger.shards.count).toBe(shards);
    expect(await steps.stepsOf(key)).toMatchObject([{ key, what: 'accepted' }]);
    expect((await steps.traced({ sender: ALICE }, 10)).found).toMatchObject([{ key, id: 'traced' }]);
  });
});
