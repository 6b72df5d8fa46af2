// Parts of a script whose functions are made when one of them is asked for.
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { BATCH } from '../../../src/store/redis/scripts.ts';
import { type RedisServer, startRedis } from '../../support/servers/redis.ts';
import { accepts, BATCH_ARGUMENTS, openScripts } from '../../support/store/scripts.ts';

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

const LAZILY = readFileSync(new URL('../../../src/store/redis/scripts/include/lazily.lua', import.meta.url), 'utf8');
const run = (text: string) => redis.eval(`${LAZILY}\n${text}`, 0);

test('what a part has from the first makes nothing, also where that is false', async () => {
  const text = `
    local made, part = 0, { count = 1, sessions = false }
    lazily(part, function() made = made + 1 end)
    part.count = part.count + 1
    part.added = part.sessions or 'added'
    return { made, part.count, part.added }`;
  expect(await run(text)).toEqual([0, 2, 'added']);
});

test('all that gives a part its functions does so once, when one is asked for; what is not there is nil', async () => {
  const text = `
    local made, part = 0, {}
    lazily(part, function() made = made + 1 function part.one() return part.two() end end)
    lazily(part, function() made = made + 1 function part.two() return 'two' end end)
    return { part.one(), part.two(), made, tostring(part.three), made }`;
  expect(await run(text)).toEqual(['two', 'two', 2, 'nil', 2]);
});

test('parts ask each other', async () => {
  const text = `
    local one, other = {}, {}
    lazily(one, function() function one.count(n) return n == 0 and 'end' or other.count(n - 1) end end)
    lazily(other, function() function other.count(n) return one.count(n) end end)
    return one.count(3)`;
  expect(await run(text)).toBe('end');
});

test('what an earlier call of a batch has made or gathered is nothing to the next one', async () => {
  const opened = openScripts(server.url);
  const batch = (...operations: readonly (string | number)[]) => opened.call(BATCH, ...BATCH_ARGUMENTS, ...operations);
  // An error at its end: what it has gathered by then is not written.
  await expect(batch(...accepts('one'), 'dance')).rejects.toThrow('unknown operation dance');
  expect(await opened.redis.zcard(opened.keys.due)).toBe(0);
  expect(await batch(...accepts('two'))).toEqual([expect.any(String), 'stored']);
  expect(await opened.redis.zcard(opened.keys.due)).toBe(1);
  expect(await batch(...accepts('two'), 'isTaken', accepts('one')[1])).toEqual([expect.any(String), 'stored', 'yes']);
  expect(await opened.redis.zcard(opened.keys.due)).toBe(1);
  opened.close();
});
