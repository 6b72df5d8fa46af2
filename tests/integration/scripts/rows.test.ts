// Operations that come many in a row share commands (scripts/include/run-ahead.lua): they come to what each comes to in a call of its own.
import fc from 'fast-check';
import { BATCH } from '../../../src/store/redis/scripts.ts';
import { payloadDigest } from '../../../src/xmpp/stanza/message-key.ts';
import { type RedisServer, startRedis } from '../../support/servers/redis.ts';
import { ALICE, keyOf, SECOND } from '../../support/store/ledger.ts';
import { BATCH_ARGUMENTS, NOW, openScripts, recordOf } from '../../support/store/scripts.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

type Operation = readonly (string | number)[];

const IDS = ['a', 'b', 'c', 'd', 'e'];
/** What has an id that another message has as well is known by that one's key and its digest. */
const VERSIONS = ['a2', 'b2'];
const versionOf = (own: string) => `${keyOf(own.slice(0, 1))}-${payloadDigest(`<body>${own}</body>`)}`;
const nameOf = (own: string) => (own.length > 1 ? versionOf(own) : keyOf(own));
const ENDING = `${NOW}\x1fdesk`;
/** Of two shards. */
const COUNT_AT = 9;
const ARGUMENTS = BATCH_ARGUMENTS.map((each, place) => (place === COUNT_AT ? 2 : each));

/** What may stand there before. */
const BEFORE: Readonly<Record<string, (id: string) => string>> = {
  'one that waits': (id) => recordOf(id),
  'one that was handed over': (id) => recordOf(id).replace(/^2p010000/, '2p110100'),
  'one that was sent again': (id) => recordOf(id).replace(/^2p01000001/, '2p01000002'),
  'one that has waited for long': (id) => recordOf(id, NOW - 60 * SECOND),
  'one whose sender is owed nothing': (id) => recordOf(id).replace(/^2p01/, '2p00'),
  'one without a payload': (id) => recordOf(id).replace(/\x1e.*/s, ''),
  'one that is damaged': (id) => recordOf(id).slice(0, 60),
  'one of an unknown format': (id) => recordOf(id).replace(/^2/, '3'),
  'one that was delivered': (id) =>
    recordOf(id)
      .replace(/^2p/, '2d')
      .replace(/\x1e.*/s, `\x1d${ENDING}`),
};

const id = fc.constantFrom(...IDS);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  id.map((own) => ['accept', keyOf(own), recordOf(own)]),
  id.map((own) => ['acceptCounted', keyOf(own), recordOf(own)]),
  // Other words under the same id.
  id.map((own) => ['accept', keyOf(own), recordOf(`${own}2`)]),
  id.map((own) => ['settleAtHand', keyOf(own), ENDING]),
  id.map((own) => ['settleAtHand', keyOf(own), ENDING]),
  fc.constantFrom(...VERSIONS).map((own) => ['settleAtHand', versionOf(own), ENDING]),
  // The same words once more, by another attempt.
  id.map((own) => ['accept', keyOf(own), recordOf(own).replace(`token-${own}`, `again-${own}`)]),
  id.map((own) => ['accept', keyOf(own), recordOf(`${own}2`).replace(`token-${own}`, `again-${own}`)]),
  id.map((own) => ['settle', keyOf(own), ENDING, '', '', 'alice@example.org']),
  id.map((own) => ['isTaken', keyOf(own)]),
  fc.constant(['notified', 2, keyOf('told'), keyOf('told too')]),
);
const seeds = fc.dictionary(fc.constantFrom(...IDS, ...VERSIONS), fc.constantFrom(...Object.keys(BEFORE), 'a hash'));
/** How many hashes and entries are known of what was delivered, or that this cannot be read. */
const digests = fc.constantFrom('none', 'some', 'unreadable');

async function comesTo(calls: readonly Operation[][], before: Readonly<Record<string, string>>, known: string) {
  const { redis, keys, content, close } = openScripts(server.url);
  const prefixes = [keys.prefix, `${keys.prefix}.2`];
  try {
    // Counts of what stands there.
    const minutes = [NOW - SECOND, NOW - 60 * SECOND].map((at) => Math.floor(at / 60_000));
    await redis.hset(keys.ages, Object.fromEntries(minutes.map((minute) => [minute, 1000])));
    for (const prefix of prefixes) {
      for (const [own, what] of Object.entries(before)) {
        const name = `${prefix}.${nameOf(own)}`;
        const make = BEFORE[what];
        if (make === undefined) await redis.hset(name, 'not', 'a record');
        else await redis.set(name, make(own));
        await redis.zadd(`${prefix}:dues`, NOW + 1, nameOf(own));
        if (VERSIONS.includes(own)) await redis.rpush(`${prefix}:i:${keyOf(own.slice(0, 1))}`, versionOf(own));
      }
      if (known !== 'none') await redis.set(`${prefix}:delivered`, `1 1 0 0 ${NOW}`);
      const digest = keyOf('a').slice(2, 10);
      if (known === 'some') await redis.hset(`${prefix}:d:0`, digest, `-A`);
      if (known === 'unreadable') await redis.set(`${prefix}:d:0`, 'no hash');
    }
    const replies: string[] = [];
    for (const operations of calls) {
      const reply = (await redis.eval(BATCH, 2, ...prefixes, ...ARGUMENTS, ...operations.flat())) as string[];
      // What tells of its own call, and that it goes on in a shard.
      replies.push(...reply.slice(1).filter((_, i) => operations[i]?.[0] !== 'shard'));
    }
    const ended = await redis.lrange(`${keys.prefix}:ended`, 0, -1);
    await redis.del(`${keys.prefix}:ended`);
    return { replies, told: ended.filter((one) => !one.startsWith('@')), content: await content() };
  } finally {
    close();
  }
}

test('whatever stands there before, one call comes to what one for each does', async () => {
  const turn = fc.record({
    first: fc.array(operation, { maxLength: 12 }),
    second: fc.array(operation, { maxLength: 12 }),
  });
  await fc.assert(
    fc.asyncProperty(turn, seeds, digests, async ({ first, second }, before, known) => {
      const inSecond: Operation = ['shard', 2];
      const together = await comesTo([[...first, inSecond, ...second]], before, known);
      const apart = [...first.map((one) => [one]), ...second.map((one) => [inSecond, one])];
      expect(together).toEqual(await comesTo(apart, before, known));
    }),
    { numRuns: Number(process.env.RUNS ?? 100) },
  );
}, 600_000);

test('they share commands', async () => {
  const { redis, call, close } = openScripts(server.url);
  await redis.config('RESETSTAT');
  const ids = Array.from({ length: 50 }, (_, number) => `m${number}`);
  await call(BATCH, ...BATCH_ARGUMENTS, ...ids.flatMap((own) => ['accept', keyOf(own), recordOf(own)]));
  const replies = await call(BATCH, ...BATCH_ARGUMENTS, ...ids.flatMap((own) => ['settleAtHand', keyOf(own), ENDING]));
  expect(new Set(replies.slice(1))).toEqual(new Set(['delivered-at-hand\x00000001']));
  const stats = await redis.info('commandstats');
  const calls = (name: string) => Number(stats.match(new RegExp(`^cmdstat_${name}:calls=(\\d+)`, 'm'))?.[1] ?? 0);
  expect([calls('msetnx'), calls('setnx'), calls('mget')]).toEqual([1, 0, 1]);
  expect(calls('get')).toBeLessThan(10);
  close();
});

/** The same words, sent again. */
const resend = (own: string): Operation => [
  'acceptCounted',
  keyOf(own),
  recordOf(own).replace(`token-${own}`, `again-${own}`),
];

test('where each of a row ends in an error, no more is looked up than for each by itself', async () => {
  const { redis, keys, call, close } = openScripts(server.url);
  const ids = Array.from({ length: 100 }, (_, number) => `m${number}`);
  for (const own of ids) await redis.set(keys.record(keyOf(own)), recordOf(own));
  await redis.set(keys.delivered, `1 1 0 0 ${NOW}`);
  await redis.config('RESETSTAT');
  // The sessions of their sender lie in a shard that is out of reach, as in a cluster.
  const replies = await call(BATCH, ...ARGUMENTS, ...ids.flatMap((own) => [...resend(own)]));
  expect(new Set(replies.slice(1))).toEqual(new Set(['needs']));
  const stats = await redis.info('commandstats');
  const calls = (name: string) => Number(stats.match(new RegExp(`^cmdstat_${name}:calls=(\\d+)`, 'm'))?.[1] ?? 0);
  expect(calls('hget')).toBeLessThan(5 * ids.length);
  close();
});

test('what an operation was told of sessions is nothing that another knows when that one has failed', async () => {
  const { redis, keys, call, close } = openScripts(server.url);
  for (const own of ['a', 'b']) await redis.set(keys.record(keyOf(own)), recordOf(own));
  await redis.set(keys.index(keyOf('a')), 'no list');
  const replies = await call(BATCH, ...ARGUMENTS, 'knowing', 2, '', '1', ...resend('a'), ...resend('b'));
  expect(replies.slice(1)).toEqual([expect.stringMatching(/^fault\0.*WRONGTYPE/), 'needs']);
  close();
});

test('one that fails twice, the second time in another shard, leaves the next in its own', async () => {
  const { redis, keys, close } = openScripts(server.url);
  const prefixes = [keys.prefix, `${keys.prefix}.2`];
  for (const prefix of prefixes) {
    await redis.set(`${prefix}.${keyOf('a')}`, recordOf('a'));
    await redis.rpush(`${prefix}:i:${keyOf('a')}`, keyOf('b'));
    await redis.set(`${prefix}.${keyOf('b')}`, 'damaged');
    await redis.set(`${prefix}:sessions:${ALICE}`, 'no hash');
  }
  for (const [place, prefix] of prefixes.entries()) {
    const operations = ['shard', place + 1, ...resend('a'), 'acceptAliased', keyOf('c'), recordOf('c'), keyOf('d'), 0];
    const replies = (await redis.eval(BATCH, 2, ...prefixes, ...ARGUMENTS, ...operations)) as string[];
    expect(replies.slice(2)).toEqual([expect.stringMatching(/^fault\0.*WRONGTYPE/), 'stored']);
    expect(await redis.get(`${prefix}.${keyOf('c')}`)).toBe(recordOf('c'));
  }
  close();
});

test('a receipt behind one that met something damaged is answered as such, though messages behind it are stored by then', async () => {
  const { redis, keys, call, close } = openScripts(server.url);
  await redis.hset(keys.record(keyOf('a')), 'not', 'a record');
  const settles = ['a', 'b'].flatMap((own) => ['settleAtHand', keyOf(own), ENDING]);
  const accepts = ['c', 'd'].flatMap((own) => ['accept', keyOf(own), recordOf(own)]);
  const replies = await call(BATCH, ...BATCH_ARGUMENTS, ...settles, ...accepts);
  expect(replies.slice(1)).toEqual(['unknown', 'unknown', 'stored', 'stored']);
  expect(await redis.zcard(keys.due)).toBe(2);
  close();
});
