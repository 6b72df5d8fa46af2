import { mkdir, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { freePort } from '../support/process/ports.ts';
import { removeFolder, temporaryFolder } from '../support/process/temporary.ts';
import { askRedis, type RedisServer, startRedis } from '../support/servers/redis.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

let folder: string;
let redis: RedisServer;
let primary: RedisServer;
let it: PeerProxy;

async function tell(...commands: string[]): Promise<void> {
  for (const command of commands) {
    const answer = await askRedis(redis.port, command);
    if (answer.startsWith('-')) throw new Error(`${command}: ${answer}`);
  }
}

beforeAll(async () => {
  folder = await temporaryFolder('readiness');
  const settings = { 'enable-debug-command': 'local', 'loading-process-events-interval-bytes': '1024' };
  [redis, primary] = await Promise.all([startRedis({ dir: folder, appendonly: false, settings }), startRedis()]);
  it = await PeerProxy.start(redis.url);
  await it.ready();
});

afterAll(async () => {
  await it.close();
  await Promise.all([redis.stop(), primary.stop()]);
  await removeFolder(folder);
});

interface State {
  readonly said: RegExp;
  readonly begin: () => Promise<void>;
  readonly end: () => Promise<void>;
}

const STATES: Record<string, State> = {
  'a read-only replica (READONLY)': {
    said: /Redis is a read-only replica\. REDIS_URL must lead to the primary/,
    begin: () => tell(`REPLICAOF 127.0.0.1 ${primary.port}`),
    end: () => tell('REPLICAOF NO ONE'),
  },
  'a replica that has lost its primary (MASTERDOWN)': {
    said: /Redis is a (read-only )?replica/,
    begin: async () => tell('CONFIG SET replica-serve-stale-data no', `REPLICAOF 127.0.0.1 ${await freePort()}`),
    end: () => tell('REPLICAOF NO ONE', 'CONFIG SET replica-serve-stale-data yes'),
  },
  'full (OOM)': {
    said: /Redis is full.*\(maxmemory\)/,
    begin: () => tell('CONFIG SET maxmemory 1'),
    end: () => tell('CONFIG SET maxmemory 0'),
  },
  'short of replicas (NOREPLICAS)': {
    said: /too few replicas \(min-replicas-to-write\)/,
    begin: () => tell('CONFIG SET min-replicas-to-write 1'),
    end: () => tell('CONFIG SET min-replicas-to-write 0'),
  },
  'unable to write its disk (MISCONF)': {
    said: /cannot write to its disk.*MISCONF/,
    // Its snapshot cannot take the place of a folder.
    begin: async () => {
      await mkdir(path.join(folder, 'dump.rdb'));
      await tell('CONFIG SET save "3600 1"', 'BGSAVE');
    },
    end: async () => {
      await rmdir(path.join(folder, 'dump.rdb'));
      await tell('BGSAVE', 'CONFIG SET save ""');
    },
  },
  'in want of a password (NOAUTH)': {
    said: /refuses the password.*REDIS_URL/,
    begin: () => tell('CONFIG SET requirepass pw', 'AUTH pw\r\nCLIENT KILL TYPE normal'),
    end: () => tell('AUTH pw\r\nCONFIG SET requirepass ""'),
  },
  'forbidding commands (NOPERM)': {
    said: /forbids a command.*\(ACL\).*docs\/operations\.md/,
    begin: () => tell('ACL SETUSER default -hset -hsetnx -hincrby'),
    end: () => tell('ACL SETUSER default +@all'),
  },
  hung: {
    said: /Redis does not answer: it hangs/,
    begin: async () => redis.freeze(),
    end: async () => redis.thaw(),
  },
  down: {
    said: /Redis cannot be reached/,
    begin: () => redis.kill(),
    end: () => redis.restart(),
  },
};

test.each(Object.entries(STATES))('Redis is %s: said in words, no ledger_up, and over by itself', async (_, state) => {
  await it.ready();
  await state.begin();
  try {
    const answer = await it.unready(state.said);
    expect(answer.problems.join(' ')).not.toMatch(/writeable|ReplyError|ECONNREFUSED|Command timed out/);
    expect(answer.parts.redis).toMatchObject({ ok: false, since: expect.stringMatching(/^\d{4}-.*Z$/) });
    expect(await it.metric('ledger_up')).toBe(0);
    expect(await it.metric('ready')).toBe(0);
  } finally {
    await state.end();
  }
  await it.ready();
  expect(await it.metric('ledger_up')).toBe(1);
});

test('Redis is loading its data (LOADING): said in words, and over by itself', async () => {
  await it.ready();
  await tell('DEBUG POPULATE 2000', 'SAVE', 'CONFIG SET key-load-delay 0');
  await redis.stop();
  const slow = await startRedisThatLoads();
  await it.unready(/Redis is still loading its data/);
  expect(await it.metric('ledger_up')).toBe(0);
  await slow.done;
  await it.ready();
});

/** It takes seconds to read what is there. */
async function startRedisThatLoads(): Promise<{ done: Promise<void> }> {
  const { port } = redis;
  const settings = { 'key-load-delay': '3000', 'loading-process-events-interval-bytes': '1024' };
  const starting = startRedis({ dir: folder, appendonly: false, port, settings }).then((started) => {
    redis = started;
  });
  return { done: starting };
}

test('the server answers no ping any more: said long before the link is given up, and over by itself', async () => {
  await it.ready();
  it.peer.onPing = () => 'none';
  await it.acknowledged('the last one');
  await it.unready(/The XMPP server does not answer: it hangs/);
  expect(await it.metric('link_up')).toBe(0);
  it.peer.onPing = () => 'result';
  await it.ready();
  expect(await it.metric('link_up')).toBe(1);
  expect(it.peer.connections).toHaveLength(1);
});

test('the eviction policy is changed long after the start: said, and over when it is changed back', async () => {
  const other = await startRedis();
  const one = await PeerProxy.start(other.url, {}, { health: { storage: { inspectEvery: 100 } } });
  await one.ready();
  await askRedis(other.port, 'CONFIG SET maxmemory-policy allkeys-lru');
  await one.unready(/maxmemory-policy is "allkeys-lru".* \(since \d{4}-.*Z\)/);
  await askRedis(other.port, 'CONFIG SET maxmemory-policy noeviction');
  await one.ready();
  await one.close();
  await other.stop();
});

test('a queue that was paused by other means is said, and counted', async () => {
  await it.ready();
  await tell('HSET {receipts}:redelivery:meta paused 1');
  const warned = async () => (await it.readyz()).warnings.some((text) => /Paused .*: redelivery\./.test(text));
  await until(warned, { what: 'the warning' });
  expect(await it.metric('queues_paused')).toBe(1);
  expect((await it.readyz()).status).toBe(200);
  await tell('HDEL {receipts}:redelivery:meta paused');
  await until(async () => !(await warned()), { what: 'no warning' });
});

test('the queues cannot be read, so that nothing overdue is taken up: said in words, and over when they can', async () => {
  const other = await startRedis();
  const proxy = await PeerProxy.start(other.url, {}, { health: { sweepWithin: 500 } });
  try {
    await proxy.ready();
    await askRedis(other.port, 'SET {receipts}:redelivery:wait x');
    const { parts } = await proxy.unready(/What is overdue is not looked for, .*: WRONGTYPE/);
    expect(parts).toMatchObject({ redis: { ok: true }, queues: { ok: false } });
    expect(await proxy.metric('ready')).toBe(0);
    await askRedis(other.port, 'DEL {receipts}:redelivery:wait');
    await proxy.ready();
  } finally {
    await proxy.close();
    await other.stop();
  }
});
