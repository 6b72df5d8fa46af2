import { listUndelivered } from '../../src/jobs/dead-letters.ts';
import { claim, erase, handOver, reject, retryNow, settle, withdraw } from '../../src/store/contract.ts';
import { RedisQueries } from '../../src/store/redis/administration-queries.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openDeliveryStage } from '../support/stages/delivery-stage.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, openLedger, SECOND } from '../support/store/ledger.ts';

/** What a request costs is bounded (rows 4 and 5): in commands of Redis that one call gives, and in requests of one user. */
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

interface Given {
  readonly calls: number;
  /** Commands in the call that gave most. */
  readonly most: number;
  /** Records that were read with their payloads. */
  readonly whole: number;
}

/** What the scripts of this connection gave, by call: no clock, so that a busy machine says the same. */
async function commandsOf(act: () => Promise<unknown>): Promise<Given> {
  const monitor = await opened.redis.monitor();
  const inCalls: number[] = [];
  let whole = 0;
  monitor.on('monitor', (_time: string, args: string[], source: string) => {
    const [name = '', key = '', , last = ''] = args;
    if (source === 'lua') {
      inCalls[inCalls.length - 1] = (inCalls.at(-1) ?? 0) + 1;
      const readsAll =
        /^get$/i.test(name) || (/^getrange$/i.test(name) && !(Number(last) >= 0 && Number(last) < 65_536));
      if (readsAll && /(\.|:u:)[^:.]*$/.test(key)) whole += 1;
    } else if (/^(evalsha|eval|sscan|hscan|smembers|hgetall)$/i.test(name)) inCalls.push(0);
  });
  await act();
  // What is monitored comes in order: after this, all has come.
  const last = new Promise<void>((resolve) => {
    monitor.on('monitor', (_time: string, args: string[]) => {
      if (args[1] === 'the end') resolve();
    });
  });
  await opened.redis.echo('the end');
  await last;
  monitor.disconnect();
  return { calls: inCalls.length, most: Math.max(0, ...inCalls), whole };
}

/** About 5 ms of Redis on a slow machine: 2 to 5 us each. */
const MOST_IN_A_CALL = 1000;

/** The first copy of a message is out, and nothing is due before `later` (ms). */
const handedOver = (id: string, later: number) =>
  handOver({
    key: keyOf(id),
    attempt: 1,
    copies: 1,
    byTimetable: later,
    unconfirmed: later,
    sender: ALICE,
    recipient: BOB,
    noStore: false,
  });

async function waiting(count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, (_, i) => keyOf(`m-${i}`));
  for (let at = 0; at < count; at += 100) {
    const ids = Array.from({ length: Math.min(100, count - at) }, (_, i) => `m-${at + i}`);
    await opened.ledger.batch(ids.map((id) => aliceWrites({ id })));
    const later = Date.now() + DAY;
    await opened.ledger.batch(ids.map((id) => handedOver(id, later)));
  }
  return keys;
}

test('the list of one who has 3,000 in trouble looks at 2,000, a few at a time', async () => {
  await waiting(3000);
  const inquiry = new RedisQueries(opened.redis, opened.ledger.shards);
  let listed: Awaited<ReturnType<RedisQueries['inTrouble']>> | undefined;
  const { calls, most } = await commandsOf(async () => {
    listed = await inquiry.inTrouble(ALICE, 50);
  });
  expect(listed?.found).toHaveLength(50);
  expect(listed?.total).toBeGreaterThanOrEqual(2900);
  expect(most).toBeLessThanOrEqual(MOST_IN_A_CALL);
  // What is out to one recipient lies in hashes of about 48, each looked at by a call; records are read 20 to 50 at a time.
  expect(calls).toBeLessThan(160);
});

test('the status of a hundred messages that all go by ids used ten times', async () => {
  for (let at = 0; at < 10; at += 1) {
    await opened.ledger.batch(Array.from({ length: 100 }, (_, i) => aliceWrites({ id: `s-${i}`, body: `${at}` })));
  }
  const keys = Array.from({ length: 100 }, (_, i) => keyOf(`s-${i}`));
  const { most } = await commandsOf(async () => {
    const found = await opened.ledger.status(keys, true);
    expect(found.every((record) => record?.state === 'pending')).toBe(true);
  });
  expect(most).toBeLessThanOrEqual(MOST_IN_A_CALL / 5);
});

describe('one id, which is counted, with 3,000 messages that wait', () => {
  const ID = 'm-1';
  beforeEach(async () => {
    for (let at = 0; at < 3000; at += 100) {
      const portion = Array.from({ length: 100 }, (_, i) =>
        aliceWrites({ id: ID, body: `${at + i}`, token: `t${at + i}`, countable: true }),
      );
      await opened.ledger.batch(portion);
    }
  });

  test('an attempt is taken back, a late one too', async () => {
    const before = await opened.ledger.figures();
    const { most } = await commandsOf(async () => {
      await opened.ledger.perform(withdraw(keyOf(ID), 't10'));
      await opened.ledger.perform(withdraw(keyOf(ID), 't2999'));
      await opened.ledger.perform(withdraw(keyOf(ID), 't0'));
    });
    expect((await opened.ledger.figures()).pending).toBe(before.pending - 3);
    expect(most).toBeLessThanOrEqual(MOST_IN_A_CALL);
  });

  test('damaged ones among those that are read are found', async () => {
    const { redis, ledger } = opened;
    const [newest = ''] = await redis.lrange(ledger.keys.index(keyOf(ID)), -1, -1);
    for (const key of [keyOf(ID), newest]) {
      await redis.del(ledger.keys.record(key));
      await redis.hset(ledger.keys.record(key), 'of another', 'type');
    }
    const { most } = await commandsOf(() => ledger.batch([settle(keyOf(ID), 'desk', Date.now())]));
    expect((await ledger.figures()).damaged).toBe(2);
    expect(most).toBeLessThanOrEqual(MOST_IN_A_CALL);
  });
});

/** Redis copies a record as often as a script reads it: 50 of 250 KB, which one sender may have waiting, hold it up for 50 ms. */
describe('large messages are not read whole', () => {
  const IDS = Array.from({ length: 12 }, (_, i) => (i === 6 ? 'i'.repeat(8000) : `m-${i}`));
  const KEYS = IDS.map(keyOf);
  beforeEach(async () => {
    for (const id of IDS) {
      await opened.ledger.batch([aliceWrites({ id, body: `${id} ${'x'.repeat(100_000)}` })]);
      await opened.ledger.batch([handedOver(id, Date.now() + DAY)]);
    }
    // What was undelivered is kept whole as well.
    const [first] = KEYS as [string];
    await opened.ledger.perform(reject(first, Date.now(), 'gone', undefined, undefined));
  });
  const queries = () => new RedisQueries(opened.redis, opened.ledger.shards);

  test.each<[string, () => Promise<number>]>([
    ['for a list', async () => (await queries().inTrouble(ALICE, 100)).total],
    ['to be looked up', async () => (await Promise.all(KEYS.map((key) => queries().byKey(key)))).flat().length],
    [
      'for their status',
      async () => (await opened.ledger.status(KEYS, true)).filter((one) => one !== undefined).length,
    ],
    ['by a sweep', async () => (await opened.ledger.sweep(1000, 1000, Date.now() + 2 * DAY)).overdue.length],
    ['to be counted', async () => Number(await opened.ledger.perform(erase(BOB, KEYS, true)))],
    ['to be erased', async () => Number(await opened.ledger.perform(erase(BOB, KEYS, false)))],
  ])('%s', async (_, act) => {
    let found = 0;
    const { whole } = await commandsOf(async () => {
      found = await act();
    });
    expect([found, whole]).toEqual([IDS.length, 0]);
  });
});

test('the first receipt of somebody for whom 5,000 wait holds nobody up, and brings all of them forward in the end', async () => {
  const keys = await waiting(5000);
  const { most } = await commandsOf(() =>
    opened.ledger.perform(settle(keys[0] as string, 'desk', Date.now(), { sender: ALICE, recipient: BOB })),
  );
  expect(most).toBeLessThanOrEqual(MOST_IN_A_CALL);
  const soon = () => opened.redis.zcount(opened.ledger.keys.due, 0, Date.now() + 60 * SECOND);
  expect(await soon()).toBeLessThan(1000);
  let sweeps = 0;
  while ((await opened.redis.exists(opened.ledger.keys.advance)) === 1) {
    sweeps += 1;
    const swept = await commandsOf(() => opened.ledger.sweep(1000, 1));
    expect(swept.most).toBeLessThanOrEqual(MOST_IN_A_CALL);
  }
  expect(sweeps).toBeLessThan(30);
  // With the one that was confirmed, whose sender is yet to be told.
  expect(await soon()).toBe(5000);
});

test('"send again now" in a loop makes a few copies, and ever fewer', async () => {
  await opened.redis.hset(opened.ledger.keys.subscriptions(BOB), ALICE, 's');
  const [key] = (await waiting(1)) as [string];
  let at = Date.now() + SECOND;
  let copies = 0;
  const HOUR = 3600 * SECOND;
  for (const end = at + HOUR; at < end; at += 5 * SECOND) {
    const [reply] = await opened.ledger.batch([retryNow(key, ALICE)], at);
    if (reply !== 'due') continue;
    copies += 1;
    const attempt = copies;
    expect((await opened.ledger.batch([claim(key, attempt)], at + 1))[0]).toMatchObject({ outcome: 'claimed' });
    const later = at + DAY;
    await opened.ledger.batch(
      [
        handOver({
          key,
          attempt: attempt + 1,
          copies: copies + 1,
          byTimetable: later,
          unconfirmed: later,
          sender: ALICE,
          recipient: BOB,
          noStore: false,
        }),
      ],
      at + 2,
    );
  }
  expect(copies).toBeGreaterThanOrEqual(3);
  expect(copies).toBeLessThanOrEqual(7);
  // An administrator is not held back.
  expect(await opened.ledger.batch([retryNow(key, undefined)], at)).toEqual(['due']);
});

test('one user’s dead letters are looked for in the newest 10,000, a page at a time', async () => {
  let looked = 0;
  const queue = {
    getJobs: async (_: readonly string[], start: number, end: number) => {
      looked += end - start + 1;
      const job = (i: number) => ({
        id: `${i}`,
        data: { from: i % 1000 === 0 ? ALICE : BOB, to: 'carol@example.org' },
      });
      return Array.from({ length: end - start + 1 }, (__, i) => job(start + i));
    },
  };
  const found = await listUndelivered(queue as never, [ALICE], 5);
  expect([found.letters.length, found.total, found.all]).toEqual([5, 10, false]);
  expect(looked).toBeLessThanOrEqual(10_500);
});

describe('one user', () => {
  const ask = (inner: string, from = ALICE, type = 'get') =>
    `<iq from="${from}/phone" to="receipts.example.org" type="${type}" id="q">${inner}</iq>`;
  const STATUS = '<status xmlns="urn:openfire-receipts:0"><message id="m-1" to="bob@receipts.example.org"/></status>';
  const COMMAND = '<command xmlns="http://jabber.org/protocol/commands" node="x"/>';

  test.each([
    ['questions', STATUS, 'get', 300],
    ['commands', COMMAND, 'set', 60],
  ])(
    'asks as many %s at once as a client has reason to, and then at a rate; others are not concerned',
    async (_, inner, type, burst) => {
      let executed = 0;
      const commands = {
        items: () => '',
        info: () => '',
        execute: async () => {
          executed += 1;
          return '';
        },
      };
      const room = openDeliveryStage(server.url, { commands });
      try {
        let refused = 0;
        for (let i = 0; i < 1000; i += 1) {
          if ((await room.answersTo(ask(inner, ALICE, type))).includes('Too many requests; try again')) refused += 1;
        }
        expect(1000 - refused).toBeGreaterThanOrEqual(burst);
        // A few come in while the test runs.
        expect(refused).toBeGreaterThan(200);
        if (type === 'set') expect(executed).toBe(1000 - refused);
        expect(await room.answersTo(ask(inner, BOB, type))).not.toContain('type="error"');
      } finally {
        room.close();
      }
    },
  );
});
