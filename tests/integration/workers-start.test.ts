// A process may start before its Redis: the queue library, which asks it who it is, must not take its first silence for its last word.
import { Queues } from '../../src/jobs/queues.ts';
import { Workers, type WorkersOptions } from '../../src/jobs/workers.ts';
import type { Request } from '../../src/store/contract.ts';
import { connect } from '../../src/store/redis/connections.ts';
import type { RedisTarget } from '../../src/store/redis/redis-target.ts';
import { Relay } from '../support/peer/relay.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { startRedisCluster } from '../support/servers/redis-cluster.ts';
import { RETRY } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

let server: RedisServer;
let relay: Relay;

beforeAll(async () => {
  server = await startRedis();
  relay = await Relay.to(server.port);
});
afterAll(async () => {
  await relay.close();
  await server.stop();
});

interface Late {
  readonly away: () => Promise<void> | void;
  readonly there: () => Promise<void> | void;
}

const refuse = (refuses: boolean) => () => {
  relay.refuses = refuses;
};
/** How Redis is not there yet, and then is. */
const LATE: Record<string, Late> = {
  'nobody listens': {
    away: () => relay.close(),
    there: async () => {
      relay = await Relay.to(server.port, relay.port);
    },
  },
  'connections are reset': { away: refuse(true), there: refuse(false) },
  'connections are taken, and end': { away: () => server.kill(), there: () => server.restart() },
  'connections are taken, and nothing is answered': { away: () => server.freeze(), there: () => server.thaw() },
};

function begin(target: RedisTarget = { url: `redis://127.0.0.1:${relay.port}` }) {
  const connections = connect(target, () => {});
  const common = { prefix: '{test}', clock: Date, onProblem: () => {}, log: { ...console, warn: () => {} } };
  const queues = new Queues({ ...common, connection: connections.jobs, undeliveredRetention: 1e9 });
  const seen = { swept: 0, taken: [] as string[] };
  const sweep = async () => {
    seen.swept += 1;
    return { overdue: [], unreported: [], unreadable: [] };
  };
  const perform = async ({ kind }: Request) => {
    seen.taken.push(kind);
    return { outcome: 'moot' };
  };
  const workers = new Workers({
    ...common,
    connection: connections.workers,
    queues,
    ledger: { sweep, sweeps: 1, clock: Date },
    pipeline: { perform },
    addresses: { returnsKeyOf: (account: string) => account },
    retry: RETRY,
    sweepEvery: 50,
    forgottenUsers: { start: () => {}, stop: () => {} },
    userErasure: {},
  } as unknown as WorkersOptions);
  workers.resume();
  return { connections, queues, workers, seen };
}

test.each(Object.entries(LATE))(
  'at the start of a process %s: its queues and workers work when Redis is there',
  async (_, { away, there }) => {
    await away();
    const { connections, queues, workers, seen } = begin();
    await expect(queues.waiting()).rejects.toThrow();
    await there();
    await until(() => seen.swept > 0, { what: 'a sweep' });
    await queues.redelivery.add('message', { key: 'm', attempt: 1, from: 'a', to: 'b', id: 'm', stored: '' });
    await until(() => seen.taken.includes('claim'), { what: 'the job to be taken up' });
    await Promise.all([workers.close(), queues.close()]);
    await connections.close();
  },
);

test('a process that is stopped before its Redis has come leaves no worker that looks for it', async () => {
  relay.refuses = true;
  const { connections, queues, workers } = begin();
  await expect(queues.waiting()).rejects.toThrow();
  const closed = workers.close();
  await connections.close();
  await queues.close();
  await closed;
  relay.refuses = false;
});

test('no node of a cluster is there at the start of a process: its queues and workers work when they are', async () => {
  const cluster = await startRedisCluster({ replicas: false });
  await Promise.all(cluster.nodes.map((node) => node.kill()));
  const { connections, queues, workers, seen } = begin({ url: cluster.url, cluster: cluster.startNodes });
  await new Promise((resolve) => connections.workers.once('reconnecting', resolve));
  await Promise.all(cluster.nodes.map((node) => node.restart()));
  await until(() => seen.swept > 0, { what: 'a sweep' });
  await queues.redelivery.add('message', { key: 'm', attempt: 1, from: 'a', to: 'b', id: 'm', stored: '' });
  await until(() => seen.taken.includes('claim'), { what: 'the job to be taken up' });
  await Promise.all([workers.close(), queues.close()]);
  await connections.close();
  await cluster.stop();
});
