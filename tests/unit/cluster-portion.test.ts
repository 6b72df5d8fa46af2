// A cluster's records are listed whole, or not at all: a user whom an operator has forgotten must not be left in a part of it.
import type { Cluster } from 'ioredis';
import { RedisQueries } from '../../src/store/redis/administration-queries.ts';
import { slotOf } from '../../src/store/redis/hash-slot.ts';
import { Shards } from '../../src/store/redis/shards.ts';

const shards = new Shards('{r}', 2);
const [first, second] = shards.keys.map(({ prefix }) => prefix) as [string, string];

/** Masters by name with the shards that each has, and the names of records that it gives. */
function cluster(masters: Record<string, { has: readonly string[]; records: readonly string[] }>) {
  const slots: string[][] = [];
  const nodes = Object.keys(masters).map((host) => ({
    options: { host, port: 1 },
    scan: async () => ['0', masters[host]?.records],
  }));
  const place = (prefix: string, host: string) => {
    slots[slotOf(prefix)] = [`${host}:1`];
  };
  for (const host in masters) for (const prefix of masters[host]?.has ?? []) place(prefix, host);
  let onRefresh = () => {};
  const redis = {
    isCluster: true,
    slots,
    nodes: () => nodes,
    defineCommand: () => {},
    refreshSlotsCache: (done: () => void) => {
      onRefresh();
      done();
    },
  } as unknown as Cluster;
  const queries = new RedisQueries(redis, shards);
  const whenAsked = (listener: () => void) => {
    onRefresh = listener;
  };
  return { queries, nodes, place, whenAsked };
}

const two = () =>
  cluster({
    a: { has: [first], records: [`${first}.AAAAAAAAAAAAAA`] },
    b: { has: [second], records: [`${second}.BBBBBBBBBBBBBB`] },
  });

test('each master gives its own', async () => {
  const { queries } = two();
  const portion = await queries.portion('0');
  expect(portion.keys).toEqual(['AAAAAAAAAAAAAA']);
  expect(await queries.portion(portion.next as string)).toEqual({ keys: ['BBBBBBBBBBBBBB'], next: undefined });
});

test('without the master of a shard it begins not at all', async () => {
  const { queries, nodes } = two();
  nodes.pop();
  await expect(queries.portion('0')).rejects.toThrow('No master');
});

test('another master, or a shard with another one, ends it', async () => {
  const replaced = two();
  const portion = await replaced.queries.portion('0');
  replaced.nodes.shift();
  replaced.place(first, 'b');
  await expect(replaced.queries.portion(portion.next as string)).rejects.toThrow('has changed');
});

test('what has changed is seen at the end also by asking', async () => {
  const { queries, place, whenAsked } = two();
  const portion = await queries.portion('0');
  whenAsked(() => place(second, 'a'));
  await expect(queries.portion(portion.next as string)).rejects.toThrow('has changed');
});
