import { type Job, type Queue, Worker } from 'bullmq';
import { ForgottenUsers } from '../../src/jobs/forgotten-users.ts';
import { Queues } from '../../src/jobs/queues.ts';
import { UserErasure } from '../../src/jobs/user-erasure.ts';
import { Erasure } from '../../src/store/erasure.ts';
import { RedisQueries } from '../../src/store/redis/administration-queries.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, keyOf, openLedger } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

/** A user is forgotten by a job, whoever does it. */
let server: RedisServer;
let open: ReturnType<typeof openLedger>;
let queues: Queues;
let erasure: Erasure;
let userErasure: UserErasure;

const PROXIED = 'alice@receipts.example.org';
const isFull = () => false;
const silent = { info: () => {}, warn: () => {} };

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  open = openLedger(server.url);
  const { prefix } = open.ledger.keys;
  const connection = { url: server.url };
  queues = new Queues({ connection, prefix, undeliveredRetention: 1e9, onProblem: () => {}, clock: Date, log: silent });
  const inquiry = new RedisQueries(open.redis, open.ledger.shards);
  erasure = new Erasure({ queries: inquiry, perform: (operation) => open.ledger.perform(operation) });
  userErasure = new UserErasure({ queues, erasure, isFull, timeout: 100, log: silent });
});
afterEach(async () => {
  await queues.close();
  open.close();
});

/** What a process would do with the job. */
async function work() {
  const [job] = await queues.erasure.getJobs(['waiting']);
  if (job === undefined) throw new Error('There is no job');
  const done = await userErasure.work(job);
  return { done, job };
}

test('while nobody works, it says that it is not done; whoever looks later finds the same job', async () => {
  await open.ledger.perform(aliceWrites());
  expect(await userErasure.forget(ALICE, PROXIED)).toEqual({ done: false, erased: 0 });
  expect(await userErasure.forget(ALICE, PROXIED)).toEqual({ done: false, erased: 0 });
  expect(await queues.erasure.getJobCountByTypes('waiting')).toBe(1);
  expect((await work()).done).toBe(1);
  expect(await open.redis.exists(open.ledger.keys.record(keyOf('m-1')))).toBe(0);
});

test('however long a part of Redis is away, it is tried again: nobody would be told that it was given up', async () => {
  await userErasure.forget(ALICE, PROXIED);
  const [job] = await queues.erasure.getJobs(['waiting']);
  expect(job?.opts).toMatchObject({ attempts: 1_000_000, backoff: { delay: 5000 } });
});

test('a job that begins anew after its process died does the rest', async () => {
  for (let i = 0; i < 10; i += 1) await open.ledger.perform(aliceWrites({ id: `m-${i}` }));
  await userErasure.forget(ALICE, PROXIED);
  const [job] = await queues.erasure.getJobs(['waiting']);
  if (job === undefined) throw new Error('There is no job');
  // It dies when the jobs are to be removed.
  const broken = new UserErasure({
    isFull,
    queues: { ...queues, redelivery: undefined } as unknown as Queues,
    erasure: new Erasure({
      queries: new RedisQueries(open.redis, open.ledger.shards),
      perform: (operation) => open.ledger.perform(operation),
    }),
    log: silent,
  });
  await open.redis.hset(`${open.ledger.keys.prefix}:sub:${BOB}`, ALICE, 's');
  await open.redis.sadd(`${open.ledger.keys.prefix}:subs`, BOB);
  await expect(broken.work(job)).rejects.toThrow();
  expect(job.data.jid).toBe(ALICE);
  await open.ledger.perform(aliceWrites({ id: 'came meanwhile' }));
  expect((await work()).done).toBe(1);
  expect(await open.redis.exists(`${open.ledger.keys.prefix}:sub:${BOB}`)).toBe(0);
});

test('how many were erased is told of a job that is completed just after it was read', async () => {
  for (let i = 0; i < 3; i += 1) await open.ledger.perform(aliceWrites({ id: `m-${i}` }));
  const { erasure: queue } = queues;
  const worker = new Worker(queue.name, (job: Job) => userErasure.work(job), {
    connection: { url: server.url },
    prefix: open.ledger.keys.prefix,
    autorun: false,
  });
  const read = queue.getJob.bind(queue);
  let isWorked = false;
  queue.getJob = async (id) => {
    const job = await read(id);
    if (job !== undefined && !isWorked) {
      isWorked = true;
      const completed = new Promise((resolve) => worker.once('completed', resolve));
      void worker.run();
      await completed;
    }
    return job;
  };
  try {
    expect(await userErasure.forget(ALICE, PROXIED)).toEqual({ done: true, erased: 3 });
  } finally {
    await worker.close();
  }
});

test('every process lets go of what it keeps in memory: whose job it was at once, others when they look', async () => {
  const kept = new Set([ALICE, BOB]);
  const keptBefore = new Set([ALICE, BOB]);
  const forgetIn = (memory: Set<string>) => (isForgotten: (jid: string) => boolean) => {
    for (const jid of memory) if (isForgotten(jid)) memory.delete(jid);
  };
  const other = new ForgottenUsers({ queues, forget: forgetIn(kept), onProblem: () => {} });
  const here = new UserErasure({
    queues,
    erasure,
    isFull,
    timeout: 100,
    log: silent,
    forgetHere: forgetIn(keptBefore),
  });
  await other.look();
  await userErasure.forget(ALICE, PROXIED);
  const worker = new Worker(queues.erasure.name, (job: Job) => here.work(job), {
    connection: { url: server.url },
    prefix: open.ledger.keys.prefix,
  });
  await new Promise((resolve) => worker.once('completed', resolve));
  await worker.close();
  expect([...keptBefore]).toEqual([BOB]);
  expect([...kept]).toEqual([ALICE, BOB]);
  await other.look();
  expect([...kept]).toEqual([BOB]);
  // Once: what comes later is not what was forgotten.
  kept.add(ALICE);
  await other.look();
  expect([...kept]).toEqual([BOB, ALICE]);
});

test('jobs and dead letters that name the user go, those of others stay, and the job itself forgets him', async () => {
  await open.ledger.perform(aliceWrites());
  const [record] = (await open.ledger.status([keyOf('m-1')])) as [
    NonNullable<Awaited<ReturnType<typeof open.ledger.status>>[0]>,
  ];
  const others = { ...record, key: 'other', sender: 'carol@example.org' };
  queues.attemptScheduled({ record, attempt: 2, due: Date.now() + 1e6, expires: false });
  queues.attemptScheduled({ record: others, attempt: 2, due: Date.now() + 1e6, expires: true });
  // Nobody is told when these are there.
  for (const queue of [queues.redelivery, queues.expiry])
    await until(async () => (await queue.getDelayedCount()) === 1);
  await queues.addSwept([record, others], () => false, Date.now(), 1000);
  await queues.putDeadLetter(record);
  await queues.putDeadLetter(others);
  await queues.putStanza(`<message from="${PROXIED}/phone" to="${BOB}" id="x">`, 'why');
  await userErasure.forget(ALICE, PROXIED);
  const { job } = await work();
  expect(job.data).toEqual({ jid: '', proxied: '' });
  const names: string[] = [];
  for (const queue of queues.all as readonly Queue[]) {
    for (const one of await queue.getJobs()) names.push(JSON.stringify(one.data));
  }
  expect(names.filter((data) => data.includes('carol@'))).toHaveLength(3);
  expect(names.filter((data) => data.includes('alice@'))).toEqual([]);
});

test('what is counted first is what is there', async () => {
  for (let i = 0; i < 10; i += 1) await open.ledger.perform(aliceWrites({ id: `m-${i}` }));
  // In a tenth of a second a busy machine may not come to the end.
  const patient = new UserErasure({ queues, erasure, isFull, log: silent });
  expect(await patient.count(BOB)).toEqual({ all: true, count: 10 });
  expect(await patient.count('carol@example.org')).toEqual({ all: true, count: 0 });
  expect(await open.ledger.figures()).toMatchObject({ pending: 10 });
});
