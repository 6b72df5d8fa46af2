// A call of a script is no Command of ioredis, but what it takes one for.
import { Redis } from 'ioredis';
import { Constants } from '../../src/store/redis/command-bytes.ts';
import { callScript, scriptOf } from '../../src/store/redis/script-call.ts';
import { askRedis, type RedisServer, startRedis } from '../support/servers/redis.ts';

const ECHO = scriptOf('return { KEYS[1], ARGV[1], #ARGV, { ARGV[2] } }');
const FAILS = scriptOf("return redis.error_reply('WRONG it is')");
/** ms; as good as never, and soon. */
const LONG = 20_000;
const SHORT = 300;
const KEYS = new Constants([1, 'a key']);

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  redis = new Redis(server.url, {
    commandTimeout: LONG,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: () => 20,
  });
  redis.on('error', () => {});
  return new Promise<void>((resolve) => redis.once('ready', resolve));
});
afterEach(() => redis.disconnect());

const echo = () => callScript(redis, ECHO, [KEYS, '今天', '😀']);
const ECHOED = ['a key', '今天', 2, ['😀']];

test('gives texts, also when Redis has lost the script', async () => {
  expect(await echo()).toEqual(ECHOED);
  expect(await askRedis(server.port, 'SCRIPT FLUSH')).toBe('+OK');
  expect(await Promise.all([echo(), redis.ping(), echo()])).toEqual([ECHOED, 'PONG', ECHOED]);
});

test("rejects with the script's error, which names no arguments", async () => {
  const error = await callScript(redis, FAILS, [KEYS, 'secret']).catch((thrown) => thrown);
  expect(error).toMatchObject({ name: 'ReplyError', message: expect.stringMatching(/^WRONG it is/) });
  expect(JSON.stringify(error)).not.toContain('secret');
});

test('rejects when there is no answer in time, and the late one is nobody else’s', async () => {
  await echo();
  server.freeze();
  redis.options.commandTimeout = SHORT;
  const late = echo();
  redis.options.commandTimeout = LONG;
  await expect(late).rejects.toThrow('Command timed out');
  server.thaw();
  expect(await redis.ping()).toBe('PONG');
  expect(await echo()).toEqual(ECHOED);
});

test('rejects when the connection breaks, or is not there', async () => {
  server.freeze();
  const broken = echo();
  redis.stream.destroy();
  await expect(broken).rejects.toThrow(/Connection is closed|max retries/);
  await expect(echo()).rejects.toThrow(/writeable/);
  server.thaw();
  await new Promise<void>((resolve) => redis.once('ready', resolve));
  expect(await echo()).toEqual(ECHOED);
});
