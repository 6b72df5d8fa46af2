// The store in memory against that in Redis: random requests, the same of both; replies and all that can be seen are the same.
import { randomInt } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Kind } from '../../src/store/contract.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { RANDOM_REQUESTS } from '../support/store/random-requests.ts';
import { compareStores, type Difference } from '../support/store/store-comparison.ts';
import { IMPLEMENTATIONS, type Implementation, openInMemory } from '../support/store/store-contract.ts';

let server: RedisServer;
let redis: Redis;
beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const open = (name: string) => IMPLEMENTATIONS[name]?.(server.url) as Implementation;
const kinds = new Map<Kind, number>();

async function compare(seed: number, everyStep = false): Promise<Difference | undefined> {
  const isSharded = seed % 2 === 1;
  const [one, other] = [open(isSharded ? 'Redis, in shards' : 'Redis'), openInMemory(isSharded ? 16 : 1)];
  try {
    return await compareStores(seed, one, other, kinds, everyStep);
  } finally {
    one.close();
    await redis.flushdb();
  }
}

/** The first difference of these seeds, at the step that makes it. */
async function firstDifference(seeds: readonly number[]): Promise<Difference | undefined> {
  for (const seed of seeds) {
    if ((await compare(seed)) !== undefined) return compare(seed, true);
  }
  return undefined;
}

const FIRST = Number(process.env.SEED ?? 1);
const RUNS = Number(process.env.RUNS ?? 100);

test('any sequence of requests has the same replies and leaves the same behind', async () => {
  const seeds = Array.from({ length: RUNS }, (_, i) => FIRST + i);
  expect(await firstDifference(seeds)).toBeUndefined();
  expect([...kinds.keys()].sort()).toEqual(Object.keys(RANDOM_REQUESTS).sort());
}, 3_600_000);

test('also one of a seed of its own', async () => {
  const seed = randomInt(1_000_000, 2 ** 31);
  expect({ seed, difference: await firstDifference([seed]) }).toEqual({ seed, difference: undefined });
});
