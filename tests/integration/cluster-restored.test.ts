// One master of a Redis Cluster is set back to an older copy: what was pending in that waits for an operator's word, and nothing else.

import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { Redis } from 'ioredis';
import { slotOf } from '../../src/store/redis/hash-slot.ts';
import { Shards } from '../../src/store/redis/shards.ts';
import type { RedisServer } from '../support/servers/redis.ts';
import { type RedisCluster, startRedisCluster } from '../support/servers/redis-cluster.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

const PREFIX = '{receipts}';
const shards = new Shards(PREFIX, 16);

let group: RedisCluster;
let it: PeerProxy;
/** Has the ledger's mark. */
let home: RedisServer;

beforeEach(async () => {
  group = await startRedisCluster({ replicas: false, settings: { 'cluster-require-full-coverage': 'no' } });
  home = await group.masterOf(slotOf(PREFIX));
});
afterEach(async () => {
  await it.close();
  await group.stop();
});

async function start(): Promise<void> {
  it = await PeerProxy.start(group.url, {
    REDIS_CLUSTER: group.addresses,
    SHARDS: '16',
    LOG_LEVEL: 'error',
    RETRY_SCHEDULE: '30s',
    UNCONFIRMED_RETRIES: '50',
    MESSAGE_TTL: '1d',
    DEDUP_WINDOW: '1d',
  });
  await it.ready();
}

/** A user whose shard lies on this master, or on another one. */
async function userOn(master: RedisServer, isThere = true): Promise<string> {
  for (let i = 0; ; i += 1) {
    const { prefix } = shards.keysOfUser(`user${i}@example.org`);
    if (((await group.masterOf(slotOf(prefix))) === master) === isThere) return `user${i}`;
  }
}

const write = (from: string, to: string, inner: string) =>
  it.peer.current.write(
    `<message from="${from}@example.org/here" to="${to}@receipts.example.org" type="chat" id="${from}-${to}">${inner}</message>`,
  );

/** Alice writes to somebody, who gets it. */
async function writes(to: string, body: string): Promise<void> {
  write('alice', to, `<body>${body}</body><request xmlns="urn:xmpp:receipts"/>`);
  await until(() => it.copies(body) > 0, { what: body });
}

/** He confirms what she wrote, and she is told. */
async function confirms(of: string): Promise<void> {
  const told = new Promise<void>((resolve) => {
    it.peer.on('stanza', (stanza) => {
      if (stanza.attrs.to?.startsWith('alice@') && stanza.getChild('received')) resolve();
    });
  });
  write(of, 'alice', `<received xmlns="urn:xmpp:receipts" id="alice-${of}"/>`);
  await told;
}

const data = (master: RedisServer) => path.join(path.dirname(master.logFile), 'appendonlydir');
const copy = (master: RedisServer) => path.join(path.dirname(master.logFile), 'copy');

/** With Redis standing still, as copies of its disk are made. */
async function copied(master: RedisServer): Promise<void> {
  await master.kill();
  await cp(data(master), copy(master), { recursive: true });
  await master.restart();
  await it.ready();
}

const number = async (command: string) => Number((await group.ask(home, command)).slice(1));

/** As if much time had passed since the copy was made. */
async function timePasses(): Promise<void> {
  const count = await number(`HINCRBY ${PREFIX}:identity count 1000`);
  const isNoted = async () => (await number(`HSTRLEN ${PREFIX}:identity shard:15`)) > 3;
  await until(isNoted, { what: 'what is noted of each shard' });
  await until(async () => (await number(`HINCRBY ${PREFIX}:identity count 0`)) > count + 2, { what: 'probes' });
}

async function setBack(master: RedisServer): Promise<void> {
  await master.kill();
  await rm(data(master), { recursive: true });
  await cp(copy(master), data(master), { recursive: true });
  await master.restart();
}

const HELD = /^An older copy of the data in Redis was restored.*pending in it: 1\. None is sent again.*\/api\/restored/;
const isFound = () =>
  until(async () => (await it.readyz()).warnings.some((text) => HELD.test(text)), { what: 'the finding' });

/** All that is pending is due, here and in all other shards. */
async function clockPasses(): Promise<void> {
  for (const { prefix, due } of shards.keys) {
    const client = new Redis((await group.masterOf(slotOf(prefix))).url);
    for (const key of await client.zrange(due, '0', '-1')) await client.zadd(due, 1, key);
    await client.quit();
  }
}

/** By the clock, which would send what is held back as well. */
async function isSentAgain(body: string): Promise<void> {
  const before = it.copies(body);
  await clockPasses();
  await until(() => it.copies(body) > before, { what: `another copy of ${body}` });
}

/** A look at Redis that was under way when it was set back may show that before it is counted. */
const isCounted = () =>
  until(async () => (await it.metric('ledger_losses_total')) === 1, { what: 'the loss to be counted' });

const probes = async () => {
  const count = await number(`HINCRBY ${PREFIX}:identity count 0`);
  await until(async () => (await number(`HINCRBY ${PREFIX}:identity count 0`)) > count + 3, { what: 'probes' });
};

test.each([
  ['another master than that of the ledger’s mark', false],
  ['the master of the ledger’s mark', true],
])('%s is set back while a process runs', async (_, isHome) => {
  await start();
  const set = isHome
    ? home
    : await group.masterOf(slotOf(shards.keysOfUser(`${await userOn(home, false)}@example.org`).prefix));
  const [bob, carol] = [await userOn(set), await userOn(set, false)];
  await writes(bob, 'old');
  await copied(set);
  await confirms(bob);
  await timePasses();
  await writes(carol, 'of another');
  const before = it.copies('old');
  await setBack(set);
  await isFound();
  await isCounted();
  await isSentAgain('of another');
  expect(it.copies('old')).toBe(before);
  const word = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"action":"send"}' };
  expect(await (await fetch(`${it.proxy.url}/api/restored`, word)).json()).toMatchObject({ pending: 1, done: true });
  await isSentAgain('old');
  // It is found once.
  await probes();
  expect((await it.readyz()).warnings.filter((text) => HELD.test(text))).toEqual([]);
});

test.each([
  ['another master than that of the ledger’s mark', false],
  ['the master of the ledger’s mark', true],
])('%s is set back while no process runs: the next one learns it from the other masters', async (_, isHome) => {
  await start();
  const set = isHome
    ? home
    : await group.masterOf(slotOf(shards.keysOfUser(`${await userOn(home, false)}@example.org`).prefix));
  const [bob, carol] = [await userOn(set), await userOn(set, false)];
  await writes(bob, 'old');
  await copied(set);
  await confirms(bob);
  await timePasses();
  await writes(carol, 'of another');
  await it.close();
  await setBack(set);
  await start();
  await isFound();
  await isSentAgain('of another');
  expect(it.copies('old')).toBe(0);
  await isCounted();
});

test('a master that stands still for long, and one whose data are all there after a restart, are none', async () => {
  await start();
  const other = await userOn(home, false);
  const master = await group.masterOf(slotOf(shards.keysOfUser(`${other}@example.org`).prefix));
  await timePasses();
  master.freeze();
  await group.ask(home, `HINCRBY ${PREFIX}:identity count 1000`);
  await it.unready(/A part of the Redis Cluster/);
  master.thaw();
  await it.ready();
  await probes();
  await master.kill();
  await group.ask(home, `HINCRBY ${PREFIX}:identity count 1000`);
  await master.restart();
  await it.ready();
  await writes(other, 'his');
  await isSentAgain('his');
  expect((await it.readyz()).warnings.filter((text) => HELD.test(text))).toEqual([]);
  expect(await it.metric('ledger_losses_total')).toBe(0);
});
