// A whole process on a Redis Cluster of three masters, each with a replica.
import { readFileSync } from 'node:fs';
import type { Cluster } from 'ioredis';
import { connect } from '../../src/store/redis/connections.ts';
import { slotOf } from '../../src/store/redis/hash-slot.ts';
import { Keys } from '../../src/store/redis/keys.ts';
import { CONNECT } from '../../src/store/redis/scripts.ts';
import { defineShardScript, keysOf } from '../../src/store/redis/shard-scripts.ts';
import { Shards } from '../../src/store/redis/shards.ts';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { opened } from '../support/process/opened.ts';
import type { RedisServer } from '../support/servers/redis.ts';
import { type RedisCluster, startRedisCluster } from '../support/servers/redis-cluster.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { aliceWrites, ledgerIn } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

const { jest } = import.meta;

/** Messages a second that flow while a shard moves, or a master dies; `CLUSTER_RATE=1000` is for a machine that has the time. */
const RATE = Number(process.env.CLUSTER_RATE ?? 100);

// Several waits come one after another, of which each says in time what it has waited for in vain.
jest.setTimeout(300_000);

let group: RedisCluster;
let it: PeerProxy | undefined;

const settings = () => ({
  REDIS_CLUSTER: group.addresses,
  SHARDS: '16',
  // Dates that a failover of some seconds does not turn round.
  RETRY_SCHEDULE: '5s,5s',
  UNCONFIRMED_RETRIES: '50',
  // Nothing ends by itself: on a machine that hardly gets on, a message that is never handed over would, and its sender be told so.
  MESSAGE_TTL: '1d',
  DEDUP_WINDOW: '1d',
});

beforeAll(async () => {
  group = await startRedisCluster({ password: 'redis-password' });
});
afterAll(() => group.stop());
afterEach(async () => {
  await it?.close();
  it = undefined;
});

test('messages go through and are sent again by jobs; all that is shown is there; by the ACL of the documents', async () => {
  // With what docs/operations.md lets a user of a cluster do, and no more.
  const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const line = /^ACL SETUSER .*$/m.exec(text)?.[0];
  const [, more] = /In a \[cluster\].* with `(.*?)` as well\./.exec(text) as RegExpExecArray;
  for (const node of group.nodes) expect(await group.ask(node, `${line} ${more}`)).toBe('+OK');
  const url = 'redis://receipts:the-password@cluster';
  it = await PeerProxy.start(url, { ...settings(), DURABILITY: 'replicas:1', LOG_LEVEL: 'warn' });
  await it.ready();
  const id = await it.acknowledged('again');
  await until(() => (it as PeerProxy).copies('again') >= 2, { within: 40_000, what: 'another copy' });
  expect(await it.metric('pending')).toBe(1);
  await it.confirmed(id);
  await until(async () => (await it?.metric('pending')) === 0, { what: 'nothing pending' });
  expect((await it.readyz()).problems).toEqual([]);
  expect(it.lines.filter(({ err }) => JSON.stringify(err ?? '').includes('NOPERM'))).toEqual([]);
  for (const queue of ['redelivery', 'expiry', 'undelivered']) {
    expect((await fetch(`${it.proxy.url}/queues/api/queues?activeQueue=${queue}`)).status).toBe(200);
  }
});

const PREFIX = '{receipts}';
const bobs = () => {
  const shards = new Shards(PREFIX, 16);
  return shards.keysOfUser('bob@example.org').prefix;
};

/** Writes until it is told to stop; resolves with the ids of those that were acknowledged. */
function flow(proxy: PeerProxy, to: string, rate: number) {
  const acknowledged = new Set<string>();
  const refused = new Set<string>();
  const others: string[] = [];
  proxy.peer.on('stanza', (stanza) => {
    const stored = stanza.getChild('stored')?.attrs.id;
    if (stored?.startsWith(`f-${to}-`)) acknowledged.add(stored);
    if (stanza.attrs.type !== 'error' || !stanza.attrs.id?.startsWith(`f-${to}-`)) return;
    if (stanza.getChild('error')?.getChild('resource-constraint')) refused.add(stanza.attrs.id);
    else others.push(String(stanza));
  });
  let count = 0;
  const began = performance.now();
  const timer = setInterval(() => {
    for (const due = ((performance.now() - began) * rate) / 1000; count < due; ) {
      count += 1;
      const id = `f-${to}-${count}`;
      proxy.peer.current.write(
        `<message from="alice@example.org/phone" to="${to}@receipts.example.org" type="chat" id="${id}"><body>${id}</body><request xmlns="urn:xmpp:receipts"/></message>`,
      );
    }
  }, 50);
  const end = () => clearInterval(timer);
  // When the test fails before it stops it.
  const ended = opened('a flow of messages', end);
  return {
    acknowledged,
    refused,
    stop: async () => {
      end();
      ended();
      const reached = Math.round((1000 * count) / (performance.now() - began));
      if (process.env.CLUSTER_RATE !== undefined)
        process.stderr.write(`${to}: ${count} messages, ${reached} a second\n`);
      const over = () => acknowledged.size + refused.size >= count;
      await until(over, { within: 60_000, what: `answers to ${count} messages` });
      // One that was refused was not acknowledged before, and is not afterwards.
      expect([...refused].filter((id) => acknowledged.has(id))).toEqual([]);
      expect(others).toEqual([]);
      return count;
    },
  };
}

/** What the ledger has of the messages of a flow that were acknowledged. */
async function kept(ids: ReadonlySet<string>, to: string): Promise<number> {
  const { ledger, close } = await open();
  const keys = [...ids].map((id) => recordKey('alice@example.org', `${to}@example.org`, id));
  let found = 0;
  for (let i = 0; i < keys.length; i += 500) {
    const records = await patiently(() => ledger.status(keys.slice(i, i + 500)));
    found += records.filter((record) => record !== undefined).length;
  }
  await close();
  return found;
}

/** The same again while a busy machine lets it time out. */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let turn = 1; ; turn += 1) {
    try {
      return await call();
    } catch (error) {
      if (turn === 20 || !/timed out/.test(String(error))) throw error;
    }
  }
}

async function open() {
  const connections = connect({ url: group.url, cluster: group.startNodes }, () => {});
  await new Promise((resolve) => connections.ledger.once('ready', resolve));
  const cluster = connections.ledger as Cluster;
  return { cluster, ledger: ledgerIn(cluster, { prefix: PREFIX, shards: 16 }), close: () => connections.close() };
}

test('while a slot is between two masters neither carries out a script, which would see a part of it', async () => {
  const { cluster, close } = await open();
  const slot = slotOf(PREFIX);
  const from = await group.masterOf(slot);
  const to = group.nodes.slice(0, 3).find((node) => node !== from) as RedisServer;
  defineShardScript(cluster, 'receiptsConnect', CONNECT);
  const { receiptsConnect } = cluster as unknown as Record<'receiptsConnect', (...args: unknown[]) => Promise<string>>;
  const connects = (process: string) =>
    patiently(() => receiptsConnect.call(cluster, ...keysOf(cluster, PREFIX), process, 60_000));
  expect(await connects('one')).toBe('granted');
  await group.ask(to, `CLUSTER SETSLOT ${slot} IMPORTING ${await group.idOf(from)}`);
  await group.ask(from, `CLUSTER SETSLOT ${slot} MIGRATING ${await group.idOf(to)}`);
  // Whichever of the two was the last to refuse it.
  await expect(connects('another')).rejects.toThrow(/TRYAGAIN|ASK|MOVED/);
  for (const node of [from, to]) expect(await group.ask(node, `CLUSTER SETSLOT ${slot} STABLE`)).toBe('+OK');
  expect(await connects('another')).toBe('other');
  await patiently(() => cluster.del(new Keys(PREFIX).connected));
  await close();
});

test('a shard goes to another master while messages flow: all that was acknowledged is there, once', async () => {
  it = await PeerProxy.start(group.url, {
    ...settings(),
    LOG_LEVEL: 'warn',
    SENDER_RATE: '0',
    SENDER_PENDING: '0',
    CONVERSATION_PENDING: '0',
  });
  await it.ready();
  const slot = slotOf(bobs());
  const from = await group.masterOf(slot);
  const to = group.nodes.slice(0, 3).find((node) => node !== from) as RedisServer;
  const flowing = flow(it, 'bob', RATE);
  await until(() => flowing.acknowledged.size >= RATE, { what: 'messages that flow' });
  await group.migrate(slot, from, to, 20);
  expect(await group.masterOf(slot)).toBe(to);
  // That of the queue library, too, and of the ledger's mark.
  const home = slotOf(PREFIX);
  const of = await group.masterOf(home);
  const other = group.nodes.slice(0, 3).find((node) => node !== of) as RedisServer;
  await group.migrate(home, of, other, 2);
  expect(it.lines.filter(({ msg }) => /lost|emptied/i.test(String(msg)))).toEqual([]);
  const before = flowing.acknowledged.size;
  await until(() => flowing.acknowledged.size >= before + RATE, { what: 'messages that flow again' });
  const count = await flowing.stop();
  expect(await kept(flowing.acknowledged, 'bob')).toBe(flowing.acknowledged.size);
  expect(flowing.acknowledged.size + flowing.refused.size).toBe(count);
  // What was refused after it had waited is taken back.
  const isPending = async () => (await it?.metric('pending')) === flowing.acknowledged.size;
  await until(isPending, { within: 30_000, what: 'as many pending as were acknowledged' });
});

/** A user whose shard lies on another master than bob's. */
async function userElsewhere(): Promise<string> {
  const shards = new Shards(PREFIX, 16);
  const his = await group.masterOf(slotOf(bobs()));
  for (let i = 0; ; i += 1) {
    const name = `user${i}`;
    const { prefix } = shards.keysOfUser(`${name}@example.org`);
    if ((await group.masterOf(slotOf(prefix))) !== his) return name;
  }
}

test('a master is killed: what was acknowledged is on its replica, and the others serve their users meanwhile', async () => {
  await group.whole();
  it = await PeerProxy.start(group.url, {
    ...settings(),
    DURABILITY: 'replicas:1',
    SENDER_RATE: '0',
    SENDER_PENDING: '0',
    CONVERSATION_PENDING: '0',
  });
  await it.ready();
  const elsewhere = await userElsewhere();
  const his = flow(it, 'bob', RATE * 0.6);
  await until(() => his.acknowledged.size >= 60, { what: 'messages that flow' });
  const master = await group.masterOf(slotOf(bobs()));
  // One that is stopped leaves its connections open, which is worse.
  master.freeze();
  await it.unready(/A part of the Redis Cluster takes no/);
  const theirs = flow(it, elsewhere, RATE * 0.6);
  await until(() => theirs.acknowledged.size >= 60, { what: 'messages to others' });
  const before = his.acknowledged.size;
  await master.kill();
  await until(async () => (await group.masterOf(slotOf(bobs()))) !== master, {
    within: 60_000,
    what: 'another master',
  });
  // The promoted one has no replica: what is asked of an acknowledgement cannot be had until the other is back.
  await it.unready(/replicas/);
  await master.restart();
  await group.whole();
  await until(() => his.acknowledged.size > before, { within: 60_000, what: 'messages that flow again' });
  await his.stop();
  await theirs.stop();
  expect(await kept(his.acknowledged, 'bob')).toBe(his.acknowledged.size);
  expect(await kept(theirs.acknowledged, elsewhere)).toBe(theirs.acknowledged.size);
  await it.ready();
});

test('a call that is made again after another master has taken over changes nothing, where it had reached that one', async () => {
  await group.whole();
  const { ledger, close } = await open();
  const request = aliceWrites({ id: 'again', at: Date.now() });
  const first = await patiently(() => ledger.perform(request));
  const slot = slotOf(bobs());
  const master = await group.masterOf(slot);
  await until(async () => (await group.ask(master, 'WAIT 1 1000')) !== ':0', { what: 'a replica' });
  await master.kill();
  await until(async () => (await group.masterOf(slot)) !== master, { within: 60_000, what: 'another master' });
  let second: unknown;
  const isAnswered = async () => {
    second = await ledger.perform(request).catch(() => undefined);
    return second !== undefined;
  };
  await until(isAnswered, { within: 60_000, what: 'an answer' });
  expect(second).toEqual(first);
  const duplicate = await patiently(() => ledger.perform({ ...request, token: 'another' }));
  expect(duplicate).toMatchObject({ outcome: 'known' });
  await close();
  await master.restart();
});
