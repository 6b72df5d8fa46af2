import { Sweeper } from '../../src/jobs/sweeper.ts';
import type { StoredRecord } from '../../src/store/contract.ts';
import { Pipeline } from '../../src/store/redis/pipeline.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { aliceWrites, DAY, keyOf, openLedger, RETRY } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

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

const silent = { info: () => {}, warn: () => {}, error: () => {} };

/** A sweeper whose queue library does what a test says, and the ids that it was given. */
function sweeping(addSwept: (ids: string[]) => Promise<void>, damaged: string[] = []) {
  const pipeline = new Pipeline(opened.ledger, { log: silent });
  const problems: Error[] = [];
  const lines: string[] = [];
  const sweeper = new Sweeper({
    ledger: opened.ledger,
    queues: {
      waiting: async () => 0,
      addSwept: (overdue: readonly StoredRecord[]) => addSwept(overdue.map(({ wireId }) => wireId)),
      addDamaged: async (key: string) => void damaged.push(key),
    },
    perform: (operation) => pipeline.perform(operation),
    retry: RETRY,
    onProblem: (error) => problems.push(error),
    every: 20,
    log: { error: (_, line) => lines.push(line) },
  });
  return { sweeper, problems, lines };
}

const overdue = (id: string) => opened.ledger.batch([aliceWrites({ id, at: Date.now() - DAY })], Date.now() - DAY);

test('what could not be made a job is found by the next sweep, not when a lease has ended', async () => {
  await overdue('m-1');
  let tries = 0;
  const added: string[] = [];
  const { sweeper, problems } = sweeping(async (ids) => {
    tries += 1;
    if (tries === 1) throw new Error('READONLY');
    added.push(...ids);
  });
  sweeper.start();
  await until(() => added.length > 0, { what: 'the second try' });
  await sweeper.stop();
  expect(added).toEqual(['m-1']);
  expect(problems.map(({ message }) => message)).toEqual(['READONLY']);
});

test('what somebody else has leased since is not given back', async () => {
  await overdue('m-1');
  const { sweeper, problems } = sweeping(async () => {
    await opened.redis.zadd(opened.ledger.keys.due, Date.now() + 3_600_000, keyOf('m-1'));
    throw new Error('READONLY');
  });
  sweeper.start();
  await until(() => problems.length > 0, { what: 'the failure' });
  await sweeper.stop();
  expect(Number(await opened.redis.zscore(opened.ledger.keys.due, keyOf('m-1')))).toBeGreaterThan(
    Date.now() + 1_800_000,
  );
});

test('a record that Redis takes for sound and nobody here can read holds up no other, and is put aside', async () => {
  for (const id of ['m-1', 'm-2']) await overdue(id);
  const { keys } = opened.ledger;
  const name = keys.record(keyOf('m-1'));
  // Scripts take the time that it was first stored at for a text.
  await opened.redis.set(name, ((await opened.redis.get(name)) as string).replace('\x1f\x1e', '\x1fnever\x1e'));
  const damaged: string[] = [];
  const added: string[] = [];
  const { sweeper, problems } = sweeping(async (ids) => void added.push(...ids), damaged);
  sweeper.start();
  await until(() => damaged.length > 0, { what: 'its being put aside' });
  await sweeper.stop();
  expect(added).toContain('m-2');
  expect(damaged).toEqual([keyOf('m-1')]);
  expect(await opened.redis.exists(keys.quarantined(keyOf('m-1')))).toBe(1);
  expect(problems).toEqual([]);
});

test('what is damaged cannot be shown: the others go on', async () => {
  await overdue('m-1');
  await opened.redis.set(opened.ledger.keys.record(keyOf('m-1')), 'garbage');
  await overdue('m-2');
  const damaged = {
    push: () => {
      throw new Error('WRONGTYPE');
    },
  };
  const added: string[] = [];
  const { sweeper } = sweeping(async (ids) => void added.push(...ids), damaged as unknown as string[]);
  sweeper.start();
  await until(() => added.includes('m-2'), { what: 'the other one' });
  await sweeper.stop();
});

test('a damaged record is shown and named in the log once', async () => {
  await overdue('m-1');
  await opened.redis.set(opened.ledger.keys.record(keyOf('m-1')), 'garbage');
  await overdue('m-2');
  const damaged: string[] = [];
  const added: string[] = [];
  const { sweeper, lines } = sweeping(async (ids) => void added.push(...ids), damaged);
  sweeper.start();
  await until(() => added.length > 0 && damaged.length > 0, { what: 'a sweep' });
  await overdue('m-3');
  await until(() => added.length > 1, { what: 'another sweep' });
  await sweeper.stop();
  expect(damaged).toEqual([keyOf('m-1')]);
  expect(lines).toHaveLength(1);
  expect(added).toEqual(['m-2', 'm-3']);
});

test('of several parts one does not answer: the others are swept as often as ever, and that one once', async () => {
  const swept = [0, 0, 0];
  const nothing = { now: 0, overdue: [], damaged: 0, unreported: [], unreadable: [] };
  let goOn = () => {};
  const stalled = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const sweeper = new Sweeper({
    ledger: {
      sweeps: 3,
      sweep: async (_lease, _limit, _at, part = 0) => {
        swept[part] = (swept[part] as number) + 1;
        if (part === 1) await stalled;
        return nothing;
      },
    },
    queues: { waiting: async () => 0, addSwept: async () => {}, addDamaged: async () => {} },
    perform: () => Promise.reject(new Error('nothing to perform')),
    retry: RETRY,
    onProblem: () => {},
    every: 10,
    log: silent,
  });
  sweeper.start();
  await until(() => (swept[0] as number) >= 3 && (swept[2] as number) >= 3, { what: 'the others' });
  expect(swept[1]).toBe(1);
  goOn();
  await until(() => (swept[1] as number) > 1, { what: 'the one that goes on' });
  await sweeper.stop();
});
