// The ledger's scripts as Redis takes them.
import { Redis } from 'ioredis';
import * as scripts from '../../../src/store/redis/scripts.ts';
import { type RedisServer, startRedis } from '../../support/servers/redis.ts';

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

/**
 * Lua allows a function 200 locals, and 60 of those around it; two branches that each keep to that may pass it when they are
 * merged. So each keeps some room.
 */
const SPARE = Array.from({ length: 5 }, (_, i) => `spare_${i}`);
const DECLARED = SPARE.map((name) => `local ${name}`).join('\n');
const USED = SPARE.map((name) => `${name} = 1`).join('\n');
const ALL = Object.entries(scripts).flatMap(([name, text]) =>
  typeof text === 'string' ? [[name, text] as const] : [],
);

const loads = async (text: string) => expect(await redis.script('LOAD', text)).toHaveLength(40);

test.each(ALL)('%s has room for more locals', async (_, text) => {
  // Nothing may follow a script's last return.
  await loads(`${text.replace(/\nreturn [^\n]*(\n--- @from .*|\s)*$/, '')}\n${DECLARED}`);
});

const RUN = /^local function run_\w+\(operation, at\)\n/gm;
const RUNNERS = ALL.flatMap(([name, text]) => [...text.matchAll(RUN)].map(([run]) => [name, text, run] as const));

test.each(RUNNERS)('%s has room for more that a function for operations knows', async (_, text, run) => {
  await loads(text.replace(run, () => `${DECLARED}\n${run}${USED}\n`));
});

test('is measured by what Redis refuses', async () => {
  const many = Array.from({ length: 201 }, (_, i) => `local many_${i}`).join('\n');
  await expect(loads(many)).rejects.toThrow('more than 200 local variables');
  const around = Array.from({ length: 61 }, (_, i) => `local around_${i}`).join('\n');
  const used = Array.from({ length: 61 }, (_, i) => `around_${i} = 1`).join('\n');
  await expect(loads(`${around}\nlocal function one()\n${used}\nend`)).rejects.toThrow('more than 60 upvalues');
});
