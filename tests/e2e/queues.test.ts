import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { Ledger } from '../../src/store/redis/ledger.ts';
import type { OpenfireLike } from '../support/openfire/openfire.ts';
import { OpenfireStage } from '../support/stages/openfire-stage.ts';
import { KeptShards } from '../support/store/kept-shards.ts';
import { aliceWrites, BOB as BOB_SERVED, RETRY } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

/** What an operator sees in the dashboard, and what becomes of messages when the queues do not do their work. */
let stage: OpenfireStage;
let openfire: OpenfireLike;
let redis: Redis;
const queues: Queue[] = [];

beforeAll(async () => {
  stage = await OpenfireStage.open();
  redis = new Redis(stage.redis.url);
});
afterAll(async () => {
  redis.disconnect();
  await stage.close();
});
beforeEach(async () => {
  openfire = await stage.openfire();
});
afterEach(async () => {
  await Promise.all(queues.splice(0).map((queue) => queue.close()));
  await stage.empty();
});

const BOB = 'bob@receipts.example.org';

function queue(name: string): Queue {
  const opened = new Queue(name, { connection: { url: stage.redis.url }, prefix: stage.prefix });
  queues.push(opened);
  return opened;
}

function openLedger(): Ledger {
  const kept = new KeptShards(redis, stage.prefix);
  return new Ledger(redis, {
    prefix: stage.prefix,
    shards: kept.shards,
    preparation: kept,
    retry: RETRY,
    dedupWindow: 1e9,
    undeliveredRetention: 1e9,
  });
}

test('a healthy message never stands in a queue; one in trouble does, with its next attempt, until it is confirmed', async () => {
  const alice = openfire.user('alice', 'phone');
  const bob = openfire.user('bob', 'desk');
  await stage.attach({ RETRY_SCHEDULE: '1s,50s', MESSAGE_TTL: '1h', DEDUP_WINDOW: '1h' });
  const redelivery = queue('redelivery');
  await alice.delivered(await alice.say(BOB, 'Healthy'));
  expect(await redelivery.getJobCounts()).toMatchObject({ waiting: 0, active: 0, delayed: 0, completed: 0, failed: 0 });
  bob.autoReceipt = false;
  const id = await alice.say(BOB, 'In trouble');
  const job = await until(async () => (await redelivery.getDelayed())[0], { what: 'the next attempt' });
  expect(job?.data).toMatchObject({ from: alice.bare, to: bob.bare, id, attempt: 2 });
  expect(job?.delay).toBeGreaterThan(45_000);
  expect(JSON.stringify(job?.data)).not.toContain('In trouble');
  await bob.send(`<message to="alice@receipts.example.org"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`);
  await alice.delivered(id);
  await until(async () => (await redelivery.getDelayedCount()) === 0, { what: 'the job to go' });
});

test('lost jobs are made again: the ledger knows what is due', async () => {
  const alice = openfire.user('alice', 'phone');
  const bob = openfire.user('bob', 'desk');
  await stage.attach({ RETRY_SCHEDULE: '1s,3s' });
  await alice.delivered(await alice.say(BOB, 'Known to confirm'));
  bob.autoReceipt = false;
  const id = await alice.say(BOB, 'Again');
  const redelivery = queue('redelivery');
  await until(() => redelivery.getDelayedCount(), { what: 'the next attempt' });
  await redelivery.obliterate({ force: true });
  bob.autoReceipt = true;
  await alice.delivered(id);
});

test('a job that runs twice sends once', async () => {
  const alice = openfire.user('alice', 'phone');
  const bob = openfire.user('bob', 'desk');
  await stage.attach({ RETRY_SCHEDULE: '1s,50s', MESSAGE_TTL: '1h', DEDUP_WINDOW: '1h' });
  await alice.delivered(await alice.say(BOB, 'Known to confirm'));
  bob.autoReceipt = false;
  await alice.say(BOB, 'Twice?');
  const redelivery = queue('redelivery');
  const job = await until(async () => (await redelivery.getDelayed())[0], { what: 'the next attempt' });
  for (let i = 0; i < 5; i += 1) await redelivery.add('message', job?.data, { removeOnComplete: true });
  await until(() => bob.count('Twice?') === 3, { what: 'the third copy' });
  await until(async () => (await redelivery.getJobCounts('waiting', 'active')).waiting === 0, { what: 'all jobs' });
  await alice.say(BOB, 'The last');
  await bob.hears('The last');
  expect(bob.count('Twice?')).toBe(3);
});

const STORM = Number(process.env.STORM_MESSAGES ?? 3000);

test(
  'a storm of overdue messages is worked off in portions, and live traffic does not wait for it',
  async () => {
    const ledger = openLedger();
    const alice = openfire.user('alice', 'phone');
    openfire.user('bob', 'desk');
    const hourAgo = Date.now() - 3600_000;
    for (let i = 0; i < STORM; i += 200) {
      const batch = Array.from({ length: 200 }, (_, j) =>
        aliceWrites({
          id: `old-${i + j}`,
          body: `old ${i + j}`,
          at: hourAgo,
          further: '<request xmlns="urn:xmpp:receipts"/>',
        }),
      );
      await ledger.batch(batch, hourAgo);
    }
    expect(await ledger.figures()).toMatchObject({ pending: STORM });
    const proxy = await stage.attach({ MESSAGE_TTL: '1d', DEDUP_WINDOW: '1d' });
    // Alice's first message of the day, while thousands are being sent again.
    await until(async () => (await ledger.figures()).pending < STORM, { what: 'the storm to begin' });
    const id = await alice.say(BOB, 'Live');
    await alice.delivered(id);
    const { pending } = await ledger.figures();
    expect(pending).toBeGreaterThan(STORM / 3);
    const queued = (await queue('redelivery').getJobCounts('waiting', 'active', 'delayed')) as Record<string, number>;
    expect(Object.values(queued).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(2500);
    await until(async () => (await ledger.figures()).pending === 0, {
      // A quarter of a minute on a machine of its own; minutes beside others that keep both cores busy.
      within: 180_000 + STORM * 6,
      what: 'the storm to end',
    });
    // Redis tells us of the last one at the same time as the proxy, in either order.
    await until(() => proxy.metrics.counts.delivered === STORM + 1, { what: 'the last receipt to be counted' });
    expect(await redis.exists(ledger.shards.keysOfUser(BOB_SERVED).confirms(BOB_SERVED))).toBe(1);
  },
  270_000 + STORM * 6,
);
