import { cp, readdir, stat, truncate } from 'node:fs/promises';
import path from 'node:path';
import type { Element } from '@xmpp/xml';
import { RedisRefusedError } from '../../src/app/start-errors.ts';
import { slotOf } from '../../src/store/redis/hash-slot.ts';
import { Shards } from '../../src/store/redis/shards.ts';
import { Relay } from '../support/peer/relay.ts';
import { removeFolder, temporaryFolder } from '../support/process/temporary.ts';
import { findProgram } from '../support/process/temporary-server.ts';
import { askRedis, askRedisForAll, type RedisOptions, type RedisServer, startRedis } from '../support/servers/redis.ts';
import { startRedisCluster } from '../support/servers/redis-cluster.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

// Nothing of what is stored is due again while a test lasts.
const SETTINGS = { RETRY_SCHEDULE: '1h', UNCONFIRMED_RETRY_AFTER: '1h', MESSAGE_TTL: '1d', DEDUP_WINDOW: '2d' };

let opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.reverse()) await one.close();
  opened = [];
});

async function redis(options?: RedisOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  opened.push({ close: () => server.stop() });
  return server;
}

async function proxyOn(server: RedisServer, durability: string): Promise<PeerProxy> {
  const it = await PeerProxy.start(`redis://127.0.0.1:${server.port}`, { ...SETTINGS, DURABILITY: durability });
  opened.push(it);
  return it;
}

const QUICK_REPLICAS = { settings: { 'repl-diskless-sync-delay': '0' } };

/** A replica that has all, and confirms, behind a network that can be cut. */
async function replicaOf(primary: RedisServer): Promise<{ server: RedisServer; cut(): void; mend(): void }> {
  const network = await Relay.to(primary.port);
  opened.push(network);
  const server = await redis();
  await askRedis(server.port, `REPLICAOF 127.0.0.1 ${network.port}`);
  await until(async () => (await askRedis(primary.port, 'WAIT 1 200')) === ':1', { what: 'the replica' });
  return { server, cut: () => network.freeze(), mend: () => network.reset() };
}

/** Alice writes once; resolves with what she is answered: how it was stored, or the error's condition and type. */
function answer(it: PeerProxy, id: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    it.peer.setMaxListeners(0);
    const seen = (stanza: Element) => {
      const stored = stanza.getChild('stored');
      const error = stanza.getChild('error');
      if (stored?.attrs.id !== id && !(error !== undefined && stanza.attrs.id === id)) return;
      it.peer.off('stanza', seen);
      resolve(stored?.attrs.durability ?? `${error?.getChildElements()[0]?.getName()} (${error?.attrs.type})`);
    };
    it.peer.on('stanza', seen);
    it.peer.current.write(
      `<message from="alice@example.org/phone" to="bob@receipts.example.org" type="chat" id="${id}"><body>${id}</body><request xmlns="urn:xmpp:receipts"/></message>`,
    );
  });
}

/** What bob is sent from now on, by its text. */
function copiesOn(it: PeerProxy): string[] {
  const copies: string[] = [];
  it.peer.on('stanza', (stanza) => {
    if (stanza.attrs.to === 'bob@example.org') copies.push(stanza.getChildText('body') ?? '');
  });
  return copies;
}

/** The records that a Redis has, as far as it says. */
async function records(server: RedisServer): Promise<number> {
  const keys = await askRedisForAll(server.port, 'KEYS *');
  return keys.split('\r\n').filter((line) => /^\{receipts[^}]*\}\./.test(line)).length;
}

test('replicas: what no replica has taken is refused, taken back, and not sent; when they are back it goes on', async () => {
  const primary = await redis(QUICK_REPLICAS);
  const replica = await replicaOf(primary);
  const it = await proxyOn(primary, 'replicas:1');
  await it.ready();
  const copies = copiesOn(it);
  expect(await answer(it, 'a')).toBe('replicas:1');
  replica.cut();
  const refused = await answer(it, 'b');
  expect(refused).toBe('resource-constraint (wait)');
  await it.unready(/as DURABILITY demands: too few replicas/);
  await until(async () => (await records(primary)) === 1, { what: 'what was refused to be taken back' });
  replica.mend();
  await it.ready();
  expect(await answer(it, 'b')).toBe('replicas:1');
  await until(() => copies.length >= 2, { what: 'the copies' });
  expect(copies).toEqual(['a', 'b']);
});

test('replicas: receipts are taken while messages are refused', async () => {
  const primary = await redis(QUICK_REPLICAS);
  const replica = await replicaOf(primary);
  const it = await proxyOn(primary, 'replicas:1');
  await it.ready();
  const id = await it.acknowledged('before');
  await it.peer.handled('before');
  replica.cut();
  expect(await answer(it, 'b')).toBe('resource-constraint (wait)');
  await it.confirmed(id);
  expect(await answer(it, 'c')).toBe('resource-constraint (wait)');
  replica.mend();
});

test.each([
  ['memory', 0],
  ['replicas:1', 1],
])(
  'the primary is killed with a replica that lags: %s leaves %d of what was acknowledged',
  async (durability, left) => {
    const primary = await redis(QUICK_REPLICAS);
    const replica = await replicaOf(primary);
    const it = await proxyOn(primary, durability);
    await it.ready();
    const told: string[] = [];
    if (durability === 'memory') {
      replica.cut();
      told.push((await answer(it, 'a')) ?? '');
    } else {
      told.push((await answer(it, 'a')) ?? '');
      replica.cut();
      expect(await answer(it, 'b')).toBe('resource-constraint (wait)');
    }
    expect(told).toEqual([durability]);
    await close(it);
    await primary.kill();
    await askRedis(replica.server.port, 'REPLICAOF NO ONE');
    const keys = await askRedisForAll(replica.server.port, 'KEYS *}.*');
    const kept = Number(/^\*(\d+)/.exec(keys)?.[1]);
    expect(kept).toBe(left);
  },
);

test('a duplicate is acknowledged only when the record that it is answered from is safe', async () => {
  const primary = await redis(QUICK_REPLICAS);
  const replica = await replicaOf(primary);
  const first = await proxyOn(primary, 'memory');
  const second = await proxyOn(primary, 'replicas:1');
  const copies = [copiesOn(first), copiesOn(second)];
  await Promise.all([first.ready(), second.ready()]);
  replica.cut();
  expect(await answer(first, 'a')).toBe('memory');
  await first.peer.handled('a');
  expect(await answer(second, 'a')).toBe('resource-constraint (wait)');
  replica.mend();
  await second.ready();
  expect(await answer(second, 'a')).toBe('replicas:1');
  expect(copies).toEqual([['a'], []]);
});

test('scripts that Redis has forgotten are waited for as others', async () => {
  const primary = await redis(QUICK_REPLICAS);
  const replica = await replicaOf(primary);
  const it = await proxyOn(primary, 'replicas:1');
  await it.ready();
  expect(await answer(it, 'a')).toBe('replicas:1');
  await askRedis(primary.port, 'SCRIPT FLUSH');
  expect(await answer(it, 'b')).toBe('replicas:1');
  replica.cut();
  await askRedis(primary.port, 'SCRIPT FLUSH');
  expect(await answer(it, 'c')).toBe('resource-constraint (wait)');
  replica.mend();
});

/** Before its Redis goes, which it would look for in vain. */
async function close(it: PeerProxy): Promise<void> {
  opened = opened.filter((one) => one !== it);
  await it.close();
}

/** A folder that goes with the test. */
async function folderFor(name: string): Promise<string> {
  const folder = await temporaryFolder(name);
  opened.unshift({ close: () => removeFolder(folder) });
  return folder;
}

/** A Redis that finds what the machine's crash has left of another one's: its files as they are now, cut where `cut` says. */
async function afterCrash(it: PeerProxy, dir: string, cut?: number): Promise<RedisServer> {
  const folder = await folderFor('after-crash');
  await cp(path.join(dir, 'appendonlydir'), path.join(folder, 'appendonlydir'), { recursive: true });
  if (cut !== undefined) await truncate(await increment(folder), cut);
  await close(it);
  return redis({ dir: folder, appendfsync: 'always' });
}

async function increment(folder: string): Promise<string> {
  const names = await readdir(path.join(folder, 'appendonlydir'));
  const name = names.find((one) => one.endsWith('.incr.aof')) as string;
  return path.join(folder, 'appendonlydir', name);
}

test('the machine crashes: memory loses what was not synced, however it was acknowledged', async () => {
  const dir = await folderFor('unsynced');
  // Redis never syncs by itself then: what its file had before is all that may be left.
  const server = await redis({ dir, appendfsync: 'no' });
  const it = await proxyOn(server, 'memory');
  await it.ready();
  const synced = (await stat(await increment(dir))).size;
  expect(await answer(it, 'a')).toBe('memory');
  const left = await afterCrash(it, dir, synced);
  expect(await records(left)).toBe(0);
});

test('the machine crashes: disk loses nothing that was acknowledged', async () => {
  const dir = await folderFor('synced');
  const server = await redis({ dir, appendfsync: 'always' });
  const it = await proxyOn(server, 'disk');
  await it.ready();
  const ids = Array.from({ length: 20 }, (_, i) => `m-${i}`);
  const told = await Promise.all(ids.map((id) => answer(it, id)));
  expect(new Set(told)).toEqual(new Set(['disk']));
  // Redis has synced before it answered; so this is what the disk has.
  const left = await afterCrash(it, dir);
  expect(await records(left)).toBe(20);
});

test('disk: a Redis that does not sync before it answers, and cannot be asked to, is refused at the start', async () => {
  const server = await redis({ appendfsync: 'everysec' });
  await expect(proxyOn(server, 'disk')).rejects.toThrow(RedisRefusedError);
  const off = await redis({ appendonly: false });
  await expect(proxyOn(off, 'disk')).rejects.toThrow(/appendonly yes/);
});

test('disk: a Redis that stops syncing is noticed at the next look, and messages are refused', async () => {
  const server = await redis({ appendfsync: 'always' });
  const it = await PeerProxy.start(
    server.url,
    { ...SETTINGS, DURABILITY: 'disk' },
    { health: { storage: { inspectEvery: 200 } } },
  );
  opened.push(it);
  await it.ready();
  expect(await answer(it, 'a')).toBe('disk');
  await askRedis(server.port, 'CONFIG SET appendfsync everysec');
  await it.unready(/appendfsync always/);
  expect(await answer(it, 'b')).toBe('resource-constraint (wait)');
  await askRedis(server.port, 'CONFIG SET appendfsync always');
  await it.ready();
  expect(await answer(it, 'b')).toBe('disk');
});

const NEWER = findProgram('valkey-server');
const withNewer = NEWER === undefined ? test.skip : test;

withNewer('disk: WAITAOF where the server has it (Valkey is not installed otherwise: skipped)', async () => {
  const server = await redis({ program: 'valkey-server', appendfsync: 'everysec' });
  const it = await proxyOn(server, 'disk');
  await it.ready();
  const ids = Array.from({ length: 20 }, (_, i) => `m-${i}`);
  const told = await Promise.all(ids.map((id) => answer(it, id)));
  expect(new Set(told)).toEqual(new Set(['disk']));
  await askRedis(server.port, 'CONFIG SET appendonly no');
  expect(await answer(it, 'later')).toBe('resource-constraint (wait)');
  await it.unready(/DURABILITY/);
});

withNewer(
  'disk on a cluster: WAITAOF of the master that has stored it (Valkey is not installed otherwise: skipped)',
  async () => {
    const cluster = await startRedisCluster({ program: 'valkey-server', appendfsync: 'everysec' });
    opened.push({ close: () => cluster.stop() });
    const settings = { ...SETTINGS, REDIS_CLUSTER: cluster.addresses, SHARDS: '16', DURABILITY: 'disk' };
    const it = await PeerProxy.start(cluster.url, settings);
    opened.push(it);
    await it.ready();
    const ids = Array.from({ length: 20 }, (_, i) => `m-${i}`);
    const told = await Promise.all(ids.map((id) => answer(it, id)));
    expect(new Set(told)).toEqual(new Set(['disk']));
    const his = slotOf(new Shards('{receipts}', 16).keysOfUser('bob@example.org').prefix);
    await cluster.ask(await cluster.masterOf(his), 'CONFIG SET appendonly no');
    expect(await answer(it, 'later')).toBe('resource-constraint (wait)');
    await it.unready(/DURABILITY/);
  },
);
