// keys.ts and include/keys.lua make the same names.
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { Keys } from '../../../src/store/redis/keys.ts';
import { BATCH, LOOK, MARK, PROBE, REHEARSE, RESTORED, STATUS, SWEEP } from '../../../src/store/redis/scripts.ts';
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

const LUA = readFileSync(new URL('../../../src/store/redis/scripts/include/keys.lua', import.meta.url), 'utf8');
const keys = new Keys('{names}');

/** How Lua makes a name, and how we do. */
const NAMES: readonly (readonly [string, string])[] = [
  ['due_set', keys.due],
  ["record_name('k')", keys.record('k')],
  ["index_name('k')", keys.index('k')],
  ["name_of('u', 'k')", keys.undelivered('k')],
  ["name_of('life', 'k')", keys.life('k')],
  ["name_of('confirms', 'u')", keys.confirms('u')],
  ["name_of('from', 'u')", keys.from('u')],
  ["name_of('sessions', 'u')", keys.sessions('u')],
  ["name_of('c', 'k')", keys.corrections('k')],
  ["name_of('q', 'k')", keys.quarantined('k')],
  ["name_of('sub', 'u')", keys.subscriptions('u')],
  ["name_of('to', 'u')", keys.subscribedTo('u')],
  ["name_of('asked', 'u')", keys.asked('u')],
  ["name_of('copies', 'u')", keys.copies('u')],
  ["name_of('copies', 'u\\0' .. '3')", keys.copies('u', 3)],
  ["name_of('holds', 'u')", keys.holds('u')],
  ["name_of('done', 't')", keys.done('t')],
  ["name_of('session', 'i')", keys.commandSession('i')],
  ["name_of('probed', 'u' .. '\\0' .. 'w')", keys.probed('u', 'w')],
  ["name_of('hidden', 'u' .. '\\0' .. 'r')", keys.hidden('u', 'r')],
  ["name_of('caps', 'h' .. ':' .. 'v')", keys.caps('h', 'v')],
  ["name_of('ages')", keys.ages],
  ["name_of('advance')", keys.advance],
  ["name_of('alive')", keys.alive],
  ["name_of('asking')", keys.asking],
  ["name_of('damaged')", keys.damaged],
  ["name_of('damaged:new')", `${keys.damaged}:new`],
  ["name_of('delivered')", keys.delivered],
  ["name_of('d', '7')", keys.deliveredPart(7)],
  // What older processes find there: no sorted set.
  ["name_of('due')", '{names}:due'],
  ["name_of('ended')", keys.ended],
  ["name_of('identity')", keys.identity],
  ["name_of('load')", keys.load],
  ["name_of('mark')", keys.mark],
  ["name_of('paused')", keys.paused],
  ["name_of('subs')", keys.contacts],
  ["name_of('restored')", keys.restored],
  ["name_of('rehearsal')", '{names}:rehearsal'],
];

test.each(NAMES)('%s', async (lua, name) => {
  expect(await redis.eval(`${LUA}\nreturn ${lua}`, 1, keys.prefix)).toBe(name);
});

test('these are all kinds that the scripts name', () => {
  const named = [BATCH, SWEEP, STATUS, LOOK, MARK, PROBE, REHEARSE, RESTORED].flatMap((text) =>
    [...text.matchAll(/name_of\('([^']+)'/g)].map(([, kind]) => kind),
  );
  const known = new Set(NAMES.flatMap(([lua]) => /^name_of\('([^']+)'/.exec(lua)?.[1] ?? []));
  expect(named.length).toBeGreaterThan(30);
  expect([...new Set(named)].filter((kind) => kind === undefined || !known.has(kind))).toEqual([]);
});
