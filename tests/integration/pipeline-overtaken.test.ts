// Two calls are under way to one Redis, and what became of the first is not known: both are made again, in their order.
import {
  claim,
  isAvailable,
  type Outcome,
  type Request,
  recordPresence,
  settle,
  subscriptionStep,
} from '../../src/store/contract.ts';
import { Pipeline } from '../../src/store/redis/pipeline.ts';
import { BATCH } from '../../src/store/redis/scripts.ts';
import { scriptFor } from '../../src/store/redis/shard-scripts.ts';
import { askRedis, type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, keyOf, openLedger } from '../support/store/ledger.ts';

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

/** The script as Redis is given it. */
const BATCH_SCRIPT = scriptFor({ isCluster: false }, BATCH);

const silent = { info: () => {}, warn: () => {}, error: () => {} };
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A pipeline two of whose calls may be under way; the next call that it makes fares as the test says. */
function setUp() {
  let fate: ((requests: readonly Request[]) => Promise<Outcome[]>) | undefined;
  const batch = (requests: readonly Request[]) => {
    const its = fate;
    fate = undefined;
    return its === undefined ? opened.ledger.batch(requests) : its(requests);
  };
  const pipeline = new Pipeline({ batch }, { log: silent, batch: 3 });
  return {
    pipeline,
    next: (its: NonNullable<typeof fate>) => {
      fate = its;
    },
    /** Fills a call up, so that it goes while another is under way. */
    fill: () => Promise.all(['other-1', 'other-2'].map((id) => pipeline.perform(claim(keyOf(id), 1)))),
  };
}

test('a session that began is there although Redis stood still, and was told again of the end of the one before', async () => {
  const { pipeline, next, fill } = setUp();
  const { clock } = opened.ledger;
  const presence = (isThere: boolean, token: string) =>
    recordPresence(BOB, ALICE, 'desk', isThere, clock.now(), '', '', token);
  await pipeline.perform(subscriptionStep('subscribed', BOB, ALICE, clock.now(), 'granted'));
  await pipeline.perform(presence(true, 'login'));
  server.freeze();
  let timeOut: (error: Error) => void = () => {};
  next((requests) => {
    void opened.ledger.batch(requests).catch(() => {});
    return new Promise((_, reject) => {
      timeOut = reject;
    });
  });
  const ended = pipeline.perform(presence(false, 'end'));
  await turn();
  const began = pipeline.perform(presence(true, 'again'));
  const filled = fill();
  await turn();
  timeOut(new Error('Command timed out'));
  server.thaw();
  await Promise.all([ended, began, filled]);
  expect((await began).what).toBe('began');
  expect(await pipeline.perform(isAvailable(BOB, ALICE))).toBe(true);
});

test('a message is not sent again by a claim that Redis took while it rejected the receipt', async () => {
  const { pipeline, next, fill } = setUp();
  await pipeline.perform(aliceWrites());
  next(async () => {
    await turn();
    await turn();
    throw Object.assign(new Error('LOADING Redis is loading the dataset in memory'), { name: 'ReplyError' });
  });
  const settled = pipeline.perform(settle(keyOf('m-1'), 'desk', opened.ledger.clock.now()));
  await turn();
  const claimed = pipeline.perform(claim(keyOf('m-1'), 1));
  await Promise.all([fill(), settled]);
  expect(await settled).toMatchObject({ outcome: 'delivered' });
  expect((await claimed).outcome).not.toBe('claimed');
});

test('a call whose script Redis had lost is not overtaken by the next, to which another client has brought it', async () => {
  const { pipeline, fill } = setUp();
  const { redis } = opened;
  await pipeline.perform(aliceWrites());
  await askRedis(server.port, 'SCRIPT FLUSH');
  server.freeze();
  const settled = pipeline.perform(settle(keyOf('m-1'), 'desk', opened.ledger.clock.now()));
  await turn();
  // Between the two calls, as if it were another process.
  const loaded = redis.call('SCRIPT', 'LOAD', BATCH_SCRIPT);
  const claimed = pipeline.perform(claim(keyOf('m-1'), 1));
  const filled = fill();
  await turn();
  server.thaw();
  await Promise.all([filled, loaded]);
  expect(await settled).toMatchObject({ outcome: 'delivered' });
  expect(await claimed).not.toMatchObject({ record: { state: 'pending' } });
});

test('what is carried out by itself is carried out although Redis has lost the scripts', async () => {
  const { pipeline } = setUp();
  await pipeline.perform(aliceWrites());
  await opened.ledger.sweep(1000, 1);
  await askRedis(server.port, 'SCRIPT FLUSH');
  expect(await opened.ledger.status([keyOf('m-1')])).toMatchObject([{ state: 'pending' }]);
  await opened.ledger.sweep(1000, 1);
  expect((await pipeline.perform(claim(keyOf('m-1'), 1))).outcome).toBe('claimed');
});
