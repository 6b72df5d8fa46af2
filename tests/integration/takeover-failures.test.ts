// A ledger of format 5 is taken over while Redis dies, while slots go from one master to another, and when the machine's crash has cost
// the last of it: nothing is lost, by the process that lives on.
import { readFileSync } from 'node:fs';
import { Cluster, Redis } from 'ioredis';
import { settle } from '../../src/store/contract.ts';
import { connect } from '../../src/store/redis/connections.ts';
import { LEDGER_FORMAT } from '../../src/store/redis/format.ts';
import { slotOf } from '../../src/store/redis/hash-slot.ts';
import { KeyTakeover } from '../../src/store/redis/key-takeover.ts';
import type { Ledger } from '../../src/store/redis/ledger.ts';
import { Pipeline } from '../../src/store/redis/pipeline.ts';
import { LedgerPreparation } from '../../src/store/redis/preparation.ts';
import { Probe } from '../../src/store/redis/probe.ts';
import { Shards } from '../../src/store/redis/shards.ts';
import { presentKey, recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { startRedisCluster } from '../support/servers/redis-cluster.ts';
import { ALICE, aliceWrites, BOB, DAY, ledgerIn, RETRY, SECOND } from '../support/store/ledger.ts';
import { type OlderKey, writeOlderLedger } from '../support/store/older-ledger.ts';
import { until } from '../support/time/until.ts';

const FIXTURE = new URL('../fixtures/ledger-format-5.json', import.meta.url);
const { madeAt: T, more }: { madeAt: number; more: Record<string, OlderKey[]> } = JSON.parse(
  readFileSync(FIXTURE, 'utf8'),
);
const PREFIX = '{old}';
const SHARDS = 16;
const OLDER = more[SHARDS] as OlderKey[];
const CARL = 'carl@example.org';
const many = (i: number) => recordKey(ALICE, CARL, `many-${i}`);
const TIMES = RETRY.storeTimes({ dedupWindow: 8 * DAY, undeliveredRetention: 30 * DAY });

type Connection = ReturnType<typeof connect>['ledger'];

/** What a process has of the ledger, by connections as a process makes them. */
function processOn(redis: Connection, settledAfter: number): { ledger: Ledger; preparation: LedgerPreparation } {
  const shards = new Shards(PREFIX, SHARDS);
  const preparation: LedgerPreparation = new LedgerPreparation({
    redis,
    shards,
    isNumberSet: true,
    times: TIMES,
    probe: new Probe(redis, PREFIX, undefined, shards),
    log: { info: () => {} },
    settledAfter,
  });
  for (const event of ['close', 'ready']) redis.on(event, () => preparation.reconnected());
  return { ledger: ledgerIn(redis, { prefix: PREFIX, shards, preparation }), preparation };
}

/** All that was pending is there with its words and has a due time, and what had ended is known. */
async function isWhole(ledger: Ledger): Promise<void> {
  const patiently = async <T>(call: () => Promise<T>): Promise<T> => {
    let result: { readonly of: T } | undefined;
    await until(
      async () => {
        result = await call().then(
          (of) => ({ of }),
          () => undefined,
        );
        return result !== undefined;
      },
      { within: 60_000, what: 'an answer of Redis' },
    );
    return (result as { readonly of: T }).of;
  };
  expect(await patiently(() => ledger.figures(T))).toMatchObject({ pending: 122, owed: 0 });
  const keys = Array.from({ length: 120 }, (_, i) => many(i));
  const records = await patiently(() => ledger.status(keys));
  expect(records.filter((record) => record?.state === 'pending')).toHaveLength(120);
  for (let i = 0; i < 3; i += 1) {
    const resend = aliceWrites({ id: `said-${i}`, body: `words ${i}`, at: T + 3 * SECOND });
    expect([i, (await patiently(() => ledger.perform(resend, T + 3 * SECOND))).outcome]).toEqual([i, 'known']);
  }
  const pending: string[] = [];
  for (let turn = 0; turn < ledger.sweeps; turn += 1) {
    const { overdue } = await patiently(() => ledger.sweep(SECOND, 1000, T + 2 * DAY));
    pending.push(...overdue.filter(({ state }) => state === 'pending').map(({ key }) => key));
  }
  expect(pending).toHaveLength(122);
}

test.each([3, 40, 120])('Redis is killed %d ms after it has begun, and again: the process goes on', async (ms) => {
  const redis = await startRedis();
  const writer = new Redis(redis.url);
  await writeOlderLedger(writer, '', OLDER);
  writer.disconnect();
  const connections = connect({ url: redis.url }, () => {});
  await until(() => connections.ledger.status === 'ready', { what: 'a connection' });
  const { ledger, preparation } = processOn(connections.ledger, 0);
  for (const after of [ms, ms / 2]) {
    const preparing = preparation.prepare().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, after));
    await redis.kill();
    await preparing;
    await redis.restart();
  }
  const isReady = () =>
    preparation.prepare().then(
      () => true,
      () => false,
    );
  await until(isReady, { within: 60_000, what: 'the ledger to be taken over' });
  await isWhole(ledger);
  expect(await connections.ledger.hgetall(`${PREFIX}:identity`)).not.toHaveProperty('taking');
  await connections.close();
  await redis.stop();
});

test('what a crash has cost of it is taken over by the process that lives on, when it is connected again', async () => {
  const redis = await startRedis();
  const connections = connect({ url: redis.url }, () => {});
  await until(() => connections.ledger.status === 'ready', { what: 'a connection' });
  const writer = new Redis(redis.url);
  await writeOlderLedger(writer, '', OLDER);
  const { ledger, preparation } = processOn(connections.ledger, DAY / 2);
  await ledger.figures(T);
  expect(preparation.isReady).toBe(true);
  // As the machine of Redis has it, whose disk had only the beginning.
  await writer.flushall();
  await writeOlderLedger(writer, '', OLDER);
  await writer.hset(`${PREFIX}:identity`, 'taking', '5', 'format', LEDGER_FORMAT);
  writer.disconnect();
  await redis.kill();
  await until(() => connections.ledger.status !== 'ready', { what: 'the end of the connection' });
  await redis.restart();
  await until(() => connections.ledger.status === 'ready', { within: 30_000, what: 'a connection' });
  await isWhole(ledger);
  await connections.close();
  await redis.stop();
});

test('where there is no other connection, as in a cluster, it is looked through once more when a disk has had the time', async () => {
  const redis = await startRedis();
  const writer = new Redis(redis.url);
  await writeOlderLedger(writer, '', OLDER);
  const { ledger } = processOn(writer, 500);
  await ledger.figures(T);
  // A shard's master has come back without the last second: one of its records has its name of before.
  const { key, value } = OLDER.find(({ key }) => /:m:.{22}$/.test(key)) as OlderKey;
  const present = presentKey(key.slice(-22));
  expect(await writer.del(ledger.shards.keysOfMessage(present).record(present))).toBe(1);
  await writer.set(key, value as string);
  // And a name that cannot be moved, as there is another.
  const stays = OLDER.find((one) => one.key !== key && /:m:.{22}$/.test(one.key)) as OlderKey;
  await writer.set(stays.key, stays.value as string);
  const isOver = async () => (await writer.hexists(`${PREFIX}:identity`, 'taking')) === 0;
  await until(isOver, { within: 30_000, what: 'the end of it' });
  expect(await writer.exists(key)).toBe(0);
  await isWhole(ledger);
  writer.disconnect();
  await redis.stop();
});

test('another Redis than before: one of a newer format, or with another number of shards, is not written to', async () => {
  const redis = await startRedis();
  const connection = new Redis(redis.url);
  const { ledger, preparation } = processOn(connection, 0);
  await ledger.perform(aliceWrites({ id: 'one' }));
  for (const [field, value, said] of [
    ['shards', '4', /has 4 shards/],
    ['format', String(LEDGER_FORMAT + 1), /newer version/],
  ] as const) {
    const before = (await connection.hget(`${PREFIX}:identity`, field)) as string;
    await connection.hset(`${PREFIX}:identity`, field, value);
    preparation.reconnected();
    await expect(ledger.perform(aliceWrites({ id: `two-${field}` }))).rejects.toThrow(said);
    await connection.hset(`${PREFIX}:identity`, field, before);
  }
  expect((await ledger.perform(aliceWrites({ id: 'three' }))).outcome).toBe('stored');
  // Also where only a probe has met it.
  preparation.saw({ format: 5, shards: SHARDS });
  expect(preparation.isReady).toBe(false);
  connection.disconnect();
  await redis.stop();
});

test('where the mark cannot be read, what waits is not given up: it is carried out when that is mended', async () => {
  const redis = await startRedis();
  const connection = new Redis(redis.url);
  const { ledger, preparation } = processOn(connection, 0);
  const mark = `${PREFIX}:identity`;
  await ledger.perform(aliceWrites({ id: 'one' }));
  await connection.rename(mark, `${PREFIX}:aside`);
  await connection.set(mark, 'no hash');
  preparation.reconnected();
  const log = { warn: () => {}, info: () => {}, error: () => {} };
  let settled: Promise<unknown> | undefined;
  const failed = new Promise<void>((resolve) => {
    const pipeline = new Pipeline(ledger, { log, onFailing: (failing) => failing && resolve() });
    settled = pipeline.perform(settle(recordKey(ALICE, BOB, 'one'), '', T));
  });
  await Promise.race([failed, settled]);
  await connection.rename(`${PREFIX}:aside`, mark);
  expect(await settled).toMatchObject({ outcome: 'delivered' });
  connection.disconnect();
  await redis.stop();
});

test('slots of a cluster go from one master to another meanwhile', async () => {
  const group = await startRedisCluster();
  const connections = connect({ url: group.url, cluster: group.startNodes }, () => {});
  await until(() => connections.ledger.status === 'ready', { what: 'a connection' });
  // Without a limit of time: the machine may be busy.
  const cluster = new Cluster([...group.startNodes]);
  await writeOlderLedger(cluster as unknown as Redis, '', OLDER);
  const { ledger, preparation } = processOn(connections.ledger, 0);
  let isDone = false;
  const moves = (async () => {
    const slots = new Shards(PREFIX, SHARDS).keys.map(({ prefix }) => slotOf(prefix));
    for (let turn = 0; turn < 2; turn += 1) {
      for (const slot of slots) {
        if (isDone) return;
        const from = await group.masterOf(slot);
        const others = group.nodes.slice(0, 3).filter((node) => node !== from);
        await group.migrate(slot, from, others[turn % 2] as (typeof others)[number], 1);
      }
    }
  })();
  const isReady = () =>
    preparation.prepare().then(
      () => true,
      () => false,
    );
  await until(isReady, { within: 120_000, what: 'the ledger to be taken over' });
  isDone = true;
  await moves;
  await isWhole(ledger);

  // One that goes to a master which has been looked through, from one that has not: what ended there would be found by nothing else.
  const { shards } = ledger;
  const [first] = cluster.nodes('master') as [Redis];
  const portOf = (node: Redis) => node.options.port;
  const { key, value } = OLDER.find((older) => /:m:.{22}$/.test(older.key)) as OlderKey;
  const present = presentKey(key.slice(-22));
  const slot = slotOf(shards.keysOfMessage(present).prefix);
  const to = group.nodes.find(({ port }) => port === portOf(first)) as RedisServer;
  // The moves before may have left it with that master.
  let master = await group.masterOf(slot);
  if (master === to) {
    master = group.nodes.slice(0, 3).find((node) => node !== to) as RedisServer;
    await group.migrate(slot, to, master, 10);
  }
  expect(await cluster.del(shards.keysOfMessage(present).record(present))).toBe(1);
  await cluster.set(key, value as string);
  const scan = first.scan.bind(first);
  first.scan = (async (...args: Parameters<typeof scan>) => {
    const page = await scan(...args);
    if (page[0] !== '0') return page;
    first.scan = scan as typeof first.scan;
    await group.migrate(slot, master, to, 10);
    return page;
  }) as typeof first.scan;
  await new KeyTakeover(cluster, shards).carryOut();
  expect(await cluster.exists(key)).toBe(0);
  expect(await cluster.exists(shards.keysOfMessage(present).record(present))).toBe(1);
  cluster.disconnect();
  await connections.close();
  await group.stop();
});
