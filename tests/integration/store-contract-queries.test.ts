import { handOver, type StepStore, settle, type TracedStep } from '../../src/store/contract.ts';
import { MemorySteps } from '../../src/store/memory/steps.ts';
import { Keys } from '../../src/store/redis/keys.ts';
import { RedisSteps } from '../../src/store/redis/steps.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, openLedger, SECOND } from '../support/store/ledger.ts';
import { IMPLEMENTATIONS, type Implementation } from '../support/store/store-contract.ts';

/** What people ask of the store, by whichever implementation. */
let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const NOW = Date.now();
const HOUR = 3600 * SECOND;

describe.each(Object.keys(IMPLEMENTATIONS))('what waits, in %s', (name) => {
  let opened: Implementation;
  beforeEach(() => {
    opened = IMPLEMENTATIONS[name]!(server.url);
  });
  afterEach(() => opened.close());

  async function handedOver(id: string, at = NOW): Promise<void> {
    await opened.store.batch([aliceWrites({ id, at })], at);
    const times = { byTimetable: at + HOUR, unconfirmed: at + HOUR };
    const copy = { key: keyOf(id), attempt: 1, copies: 1, ...times, sender: ALICE, recipient: BOB, noStore: false };
    await opened.store.batch([handOver(copy)], at);
  }

  async function allPending(): Promise<Map<string, number | undefined>> {
    const all = new Map<string, number | undefined>();
    let cursor: string | undefined = '0';
    while (cursor !== undefined) {
      const { found, next }: Awaited<ReturnType<typeof opened.queries.pending>> = await opened.queries.pending(cursor);
      for (const { record, due } of found) {
        expect(record).toMatchObject({ state: 'pending', inner: '' });
        all.set(record.key, due);
      }
      cursor = next;
    }
    return all;
  }

  test('is found a portion at a time, all of it and nothing that has ended', async () => {
    for (let i = 0; i < 300; i += 1) await opened.store.batch([aliceWrites({ id: `m-${i}`, at: NOW + i })], NOW + i);
    await handedOver('m-x');
    await opened.store.batch([settle(keyOf('m-0'), 'desk', NOW + 1000)], NOW + 1000);
    const all = await allPending();
    expect(all.has(keyOf('m-0'))).toBe(false);
    expect([...all.keys()].sort()).toEqual(
      [...Array.from({ length: 299 }, (_, i) => keyOf(`m-${i + 1}`)), keyOf('m-x')].sort(),
    );
    for (const due of all.values()) expect(due).toBeGreaterThan(NOW);
  });

  test('for one recipient is found with how many there are, the oldest first', async () => {
    expect(await opened.queries.waitingFor(BOB, 10)).toEqual({ found: [], total: 0 });
    for (const [id, at] of [
      ['m-2', NOW + 20],
      ['m-1', NOW + 10],
      ['m-3', NOW + 30],
    ] as const)
      await handedOver(id, at);
    const { found, total } = await opened.queries.waitingFor(BOB, 2);
    expect([found.map(({ record }) => record.key), total]).toEqual([[keyOf('m-1'), keyOf('m-2')], 3]);
    expect(await opened.queries.waitingFor(ALICE, 2)).toEqual({ found: [], total: 0 });
  });
});

let prefixes = 0;
const STORES: Readonly<Record<string, (clock: { now(): number }) => { steps: StepStore; close(): void }>> = {
  Redis(clock) {
    const { redis, close } = openLedger(server.url);
    prefixes += 1;
    return { steps: new RedisSteps(redis, { keys: new Keys(`{steps${prefixes}}`), kept: HOUR, clock }), close };
  },
  memory: (clock) => ({ steps: new MemorySteps(HOUR, clock), close: () => {} }),
};

describe.each(Object.keys(STORES))('the steps of messages, in %s', (name) => {
  let now = NOW;
  let opened: ReturnType<(typeof STORES)[string]>;
  const steps = () => opened.steps;
  beforeEach(() => {
    now = NOW;
    opened = STORES[name]!({ now: () => now });
  });
  afterEach(() => opened.close());

  const step = (key: string, what: string, more: Partial<TracedStep> = {}): TracedStep => ({
    at: now,
    what,
    key,
    sender: ALICE,
    recipient: BOB,
    id: `id-${key}`,
    isFirst: what === 'accepted',
    ...more,
  });

  test('are given back in order, with all that is known, and for one message alone', async () => {
    const one = [
      step('k1', 'accepted', { content: '<body>ä</body>' }),
      step('k1', 'forwarded', { session: `${BOB}/desk`, attempt: 2, due: 5, why: 'w', rule: 'r' }),
    ];
    await steps().append([one[0]!, step('k2', 'accepted'), one[1]!]);
    await steps().append([step('k1', 'delivered')]);
    const found = await steps().stepsOf('k1');
    expect(found).toEqual([...one, step('k1', 'delivered')]);
    expect(await steps().stepsOf('k3')).toEqual([]);
  });

  test('lead to messages by sender, recipient, id and time, the newest first', async () => {
    for (let i = 1; i <= 4; i += 1) {
      await steps().append([
        step(`k${i}`, 'accepted', { at: NOW + i, ...(i === 4 && { sender: BOB, recipient: ALICE }) }),
      ]);
    }
    const keys = async (query: Parameters<StepStore['traced']>[0], limit = 10) => {
      const { found, more } = await steps().traced(query, limit);
      return [found.map(({ key }) => key).join(' '), more];
    };
    now = NOW + 10;
    expect(await keys({})).toEqual(['k4 k3 k2 k1', false]);
    expect(await keys({}, 2)).toEqual(['k4 k3', true]);
    expect(await keys({ sender: ALICE })).toEqual(['k3 k2 k1', false]);
    expect(await keys({ recipient: ALICE })).toEqual(['k4', false]);
    expect(await keys({ id: 'id-k2' })).toEqual(['k2', false]);
    expect(await keys({ since: NOW + 2, until: NOW + 3 })).toEqual(['k3 k2', false]);
    expect(await keys({ sender: 'nobody@x' })).toEqual(['', false]);
  });

  test('say of a message how its life ended', async () => {
    await steps().append([
      step('k1', 'accepted'),
      step('k2', 'accepted'),
      step('k1', 'expired', { ending: 'expired' }),
      step('k1', 'delivered', { ending: 'delivered' }),
    ]);
    const { found } = await steps().traced({}, 10);
    expect(found.map(({ key, ending }) => [key, ending])).toEqual([
      ['k2', undefined],
      ['k1', 'delivered'],
    ]);
  });

  test('are kept for their time', async () => {
    await steps().append([step('k1', 'accepted')]);
    now += HOUR / 2;
    await steps().append([step('k2', 'accepted')]);
    now += HOUR / 2 + 1;
    expect(await steps().stepsOf('k1')).toEqual([]);
    expect((await steps().traced({}, 10)).found.map(({ key }) => key)).toEqual(['k2']);
  });

  test('of a user are erased, and no others', async () => {
    await steps().append([
      step('k1', 'accepted'),
      step('k1', 'delivered'),
      step('k2', 'accepted', { sender: 'carol@x', recipient: 'dave@x' }),
    ]);
    expect(await steps().forgetSteps(BOB)).toBe(2);
    expect(await steps().stepsOf('k1')).toEqual([]);
    expect((await steps().traced({}, 10)).found.map(({ key }) => key)).toEqual(['k2']);
    expect(await steps().stepsOf('k2')).toHaveLength(1);
  });
});

test('steps in Redis are bounded, by number and by time', async () => {
  const { redis, close } = openLedger(server.url);
  const keys = new Keys('{bounded}');
  const steps = new RedisSteps(redis, { keys, kept: DAY });
  const many = Array.from({ length: 6000 }, (_, i): TracedStep => {
    const what = i % 2 === 0 ? 'accepted' : 'forwarded';
    return { at: Date.now(), what, key: 'same', sender: ALICE, recipient: BOB, id: `${i}`, isFirst: false };
  });
  for (let i = 0; i < many.length; i += 500) await steps.append(many.slice(i, i + 500));
  const found = await steps.stepsOf('same');
  // Redis takes away whole nodes, of a hundred entries.
  expect(found.length).toBeLessThanOrEqual(4096 + 200);
  expect(found.at(-1)?.id).toBe('5999');
  for (const name of await redis.keys('{bounded}*')) expect(await redis.pttl(name)).toBeGreaterThan(0);
  close();
});
