// A process leaves a Redis that does not answer: nothing of the queue library runs on.
import { once } from 'node:events';
import { type Cluster, Redis } from 'ioredis';
import { Queues } from '../../src/jobs/queues.ts';
import { Workers, type WorkersOptions } from '../../src/jobs/workers.ts';
import type { Request } from '../../src/store/contract.ts';
import { connect } from '../../src/store/redis/connections.ts';
import { freePorts } from '../support/process/ports.ts';
import { startRedis } from '../support/servers/redis.ts';
import { RETRY } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

test('a job whose answer never comes ends when Redis is left, and with it the worker, its timers and its connection', async () => {
  const server = await startRedis();
  const redis = new Redis(server.url);
  const connections = connect({ url: server.url }, () => {});
  const common = { prefix: '{test}', clock: Date, onProblem: () => {}, log: { ...console, warn: () => {} } };
  const queues = new Queues({ ...common, connection: connections.jobs, undeliveredRetention: 1e9 });
  const owners: Record<string, string | undefined> = {};
  const pipeline = {
    perform: ({ kind }: Request, _take?: unknown, owner?: string) => {
      owners[kind] = owner;
      return new Promise(() => {});
    },
  };
  const workers = new Workers({
    ...common,
    connection: connections.workers,
    queues,
    ledger: { sweep: async () => ({ overdue: [], damaged: [], unreadable: [] }), sweeps: 1, clock: Date },
    pipeline,
    addresses: { returnsKeyOf: (account: string) => `${account}/` },
    copies: {},
    endings: {},
    pings: {},
    retry: RETRY,
    userErasure: {},
    forgottenUsers: { start: () => {}, stop: () => {} },
  } as unknown as WorkersOptions);
  workers.resume();
  const data = { key: 'm', attempt: 1, from: 'a', to: 'b', id: 'm', stored: '' };
  await Promise.all([queues.redelivery.add('message', data), queues.expiry.add('message', data)]);
  await until(() => Object.keys(owners).length === 2, { what: 'the jobs to be in hand' });
  // Behind the receipts that the recipient has returned by now.
  expect(owners).toEqual({ claim: 'b/', expire: 'b/' });
  const others = async () => String(await redis.client('LIST')).split('\n').length - 2;
  expect(await others()).toBeGreaterThan(3);

  const closed = workers.close();
  await queues.close();
  await connections.close();
  workers.leave();
  await closed;
  await until(async () => (await others()) === 0, { what: 'all connections to be closed' });
  redis.disconnect();
  await server.stop();
});

test('of a connection that the queue library has closed nothing is left, which would keep the process for half a second', async () => {
  const server = await startRedis();
  const connections = connect({ url: server.url }, () => {});
  const { ledger, jobs, workers } = connections;
  const copy = (workers as Redis).duplicate();
  const all = [ledger, jobs, workers, copy] as Redis[];
  await until(() => all.every(({ status }) => status === 'ready'), { what: 'the connections' });
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const ended = once(copy, 'end');
  copy.disconnect();
  await ended;
  const before = timers();
  const allEnded = Promise.all([ledger, jobs, workers].map((connection) => once(connection, 'end')));
  await connections.close();
  await allEnded;
  expect(timers()).toBe(before);
  await server.stop();
});

test('of connections that wait to be made again nothing is left, which would keep the process for half a second', async () => {
  const [port] = (await freePorts(1)) as [number];
  const connections = connect({ url: `redis://127.0.0.1:${port}` }, () => {});
  const all = [connections.ledger, connections.jobs, connections.workers];
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  let released = 0;
  const leaves = () => {
    if (!all.every(({ status }) => status === 'reconnecting')) return false;
    const before = timers();
    void connections.close();
    released = before - timers();
    return true;
  };
  await until(leaves, { what: 'all to wait' });
  // Each waited by a timer.
  expect(released).toBe(all.length);
  expect(all.map(({ status }) => status)).toEqual(all.map(() => 'end'));
});

test('a connection to a cluster that has just begun when Redis is left has an end, and is not made again', async () => {
  const server = await startRedis({ cluster: true });
  const cluster = [{ host: '127.0.0.1', port: server.port }];
  const connections = connect({ url: server.url, cluster }, () => {});
  const copy = (connections.workers as Cluster).duplicate();
  await until(() => copy.status === 'ready', { what: 'the connection' });
  // As the queue library does after an error, while a worker waits for jobs.
  const ended = once(copy, 'end');
  copy.disconnect();
  await ended;
  copy.connect().catch(() => {});
  const waits = copy.bzpopmin('{test}:marker', 0);
  await connections.close();
  await expect(waits).rejects.toThrow();
  await expect(copy.connect()).rejects.toThrow('Redis has been left');
  const redis = new Redis(server.url);
  const others = async () => String(await redis.client('LIST')).split('\n').length - 2;
  await until(async () => (await others()) === 0, { what: 'all connections to be closed' });
  redis.disconnect();
  await server.stop();
});
