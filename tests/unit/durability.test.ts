import { DurabilityWait } from '../../src/store/redis/durability.ts';

const { jest } = import.meta;

/** A Redis whose replica confirms after `lag` ms, or not at all; and how long each WAIT was allowed to take. */
function redisWith(replica: { lag: number }) {
  const allowed: number[] = [];
  const redis = {
    set: async () => 'OK',
    wait: async (wanted: number, timeout: number) => {
      allowed.push(timeout);
      return timeout >= replica.lag ? wanted : 0;
    },
    on: () => {},
  };
  const wait = new DurabilityWait({ redis: redis as never, key: 'written', durability: 'replicas:1' });
  return { allowed, keep: () => wait.keep(async () => 'stored') };
}

let now = 0;
beforeEach(() => {
  jest.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => jest.restoreAllMocks());

test('after a miss a wait is short, so that receipts do not stand behind it, and every 2 s one is as long as before', async () => {
  const replica = { lag: Number.POSITIVE_INFINITY };
  const { allowed, keep } = redisWith(replica);
  for (const at of [0, 100, 1900, 2000, 2100, 4100]) {
    now = at;
    await expect(keep()).rejects.toThrow('0 of 1 replicas have confirmed in time');
  }
  expect(allowed).toEqual([700, 100, 100, 700, 100, 700]);
});

test('a replica that is far away is waited for again after a miss', async () => {
  const replica = { lag: 300 };
  const { allowed, keep } = redisWith(replica);
  now = 0;
  expect(await keep()).toBe('stored');
  replica.lag = Number.POSITIVE_INFINITY;
  await expect(keep()).rejects.toThrow(/DURABILITY/);
  replica.lag = 300;
  now = 1000;
  await expect(keep()).rejects.toThrow(/DURABILITY/);
  now = 2000;
  expect(await keep()).toBe('stored');
  expect(await keep()).toBe('stored');
  expect(allowed).toEqual([700, 700, 100, 700, 700]);
});
