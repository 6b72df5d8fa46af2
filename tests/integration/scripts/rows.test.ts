// Operations that come many in a row share commands (scripts/include/plain-batch.lua, run-ahead.lua): they come to what each comes to in a call of its own.
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { BATCH } from '../../../src/store/redis/scripts.ts';
import { payloadDigest } from '../../../src/xmpp/stanza/message-key.ts';
import { type RedisServer, startRedis } from '../../support/servers/redis.ts';
import { ALICE, BOB, keyOf, SECOND } from '../../support/store/ledger.ts';
import { asSent, BATCH_ARGUMENTS, eachReply, NOW, openScripts, recordOf } from '../../support/store/scripts.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

type Operation = readonly (string | number)[];

/** As it would be without rows. */
const WITHOUT_PLAIN = BATCH.replace('local replies = plainly()', 'local replies = plainly and nil');
const ONE_BY_ONE = WITHOUT_PLAIN.replace('if width_in_row(at) then run_row() else step() end', 'step()');

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

/** Handed over, and counted as its sender's; only operations make that. */
const COUNTED = 'one that is counted';
const counts = (id: string) => [
  ...['accept', keyOf(id), recordOf(id)],
  ...['handOver', keyOf(id), 1, 1, NOW + SECOND, NOW + SECOND, ALICE, BOB, 0, '', 0, 0],
];

const id = fc.constantFrom(...IDS);
/** Who has something that is counted, or not, and what he may have: as much as he likes; messages, bytes, to one; and of his domain. */
const quota = fc.tuple(
  fc.constantFrom(ALICE, 'carol@example.org', 'carol@example.org', 'erin@elsewhere.example'),
  fc.constantFrom(BOB, 'dora@example.org'),
  fc.constantFrom(
    '0 0 0 0 0',
    '20 99999 20 0 0',
    '3 0 0 0 0',
    '0 500 0 0 0',
    '0 0 2 0 0',
    '0 0 0 4 0',
    '0 0 0 9 900',
    'x',
  ),
  fc.constantFrom('', '', '', 'r'),
);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  id.map((own) => ['accept', keyOf(own), recordOf(own)]),
  id.map((own) => ['acceptCounted', keyOf(own), recordOf(own)]),
  fc
    .tuple(id, quota, fc.constantFrom('accept', 'accept', 'acceptCounted'))
    .map(([own, [sender, recipient, limits, why], name]) => {
      return ['withinQuota', keyOf(own), sender, recipient, limits, why, name, keyOf(own), recordOf(own)];
    }),
  // Other words under the same id.
  id.map((own) => ['accept', keyOf(own), recordOf(`${own}2`)]),
  id.map((own) => ['settleAtHand', keyOf(own), ENDING]),
  id.map((own) => ['settleAtHand', keyOf(own), ENDING]),
  fc.constantFrom(...VERSIONS).map((own) => ['settleAtHand', versionOf(own), ENDING]),
  id.map((own) => ['settleToldAtHand', keyOf(own), ENDING]),
  fc.constantFrom(...VERSIONS).map((own) => ['settleToldAtHand', versionOf(own), ENDING]),
  // The same words once more, by another attempt.
  id.map((own) => ['accept', keyOf(own), recordOf(own).replace(`token-${own}`, `again-${own}`)]),
  id.map((own) => ['accept', keyOf(own), recordOf(`${own}2`).replace(`token-${own}`, `again-${own}`)]),
  id.map((own) => ['settle', keyOf(own), ENDING, '', '', 'alice@example.org']),
  id.map((own) => ['isTaken', keyOf(own)]),
  id.map((own) => ['keyOfHeld', keyOf(own), `token-${own}`]),
  id.map((own) => ['namedBy', keyOf(own)]),
  fc.constant(['notified', 2, keyOf('told'), keyOf('told too')]),
  fc.constantFrom(['anythingOut', 1, BOB], ['anythingOut', 2, 'dora@example.org', BOB], ['anythingOut', 1, ALICE]),
  // What looks at a record that a receipt of the same row may have ended, or at one that it stored.
  fc.tuple(id, fc.constantFrom('token', 'again')).map(([own, token]) => ['withdraw', keyOf(own), `${token}-${own}`]),
  id.map((own) => ['readdress', keyOf(own), 'tablet', '=other', '1']),
  id.map((own) => ['settleTold', keyOf(own), ENDING]),
  // Of one record alone.
  fc
    .tuple(
      id,
      fc.constantFrom('', 'token-', 'again-'),
      fc.constantFrom('settleTold', 'prove', 'reject', 'settleToldAtHand'),
    )
    .map(([own, token, name]) => ['only', token && `${token}${own}`, name, keyOf(own), ENDING]),
  fc
    .tuple(id, fc.constantFrom(0, 1))
    .map(([own, names]) => ['settleUpTo', keyOf(own), ENDING, ALICE, BOB, 'desk', '0', names]),
  id.map((own) => ['prove', keyOf(own), ENDING]),
  id.map((own) => ['claim', keyOf(own), 1, '*']),
  id.map((own) => ['reject', keyOf(own), ENDING]),
  id.map((own) => ['cancel', keyOf(own), '', ENDING]),
  id.map((own) => ['bounce', keyOf(own)]),
  id.map((own) => ['erase', ALICE, '0', 1, keyOf(own)]),
  id.map((own) => ['notified', 1, `${keyOf(own)}r`]),
);
const seeds = fc.dictionary(
  fc.constantFrom(...IDS, ...VERSIONS),
  fc.constantFrom(...Object.keys(BEFORE), COUNTED, COUNTED, 'a hash'),
);
/** What can be read of what is counted: a sum that is none, or nothing at all. */
const sums = fc.constantFrom('all', 'all', 'all', 'some', 'none');
/** How many hashes and entries are known of what was delivered, or that this cannot be read. */
const digests = fc.constantFrom('none', 'some', 'unreadable');

async function comesTo(
  script: string,
  calls: readonly Operation[][],
  before: Readonly<Record<string, string>>,
  known: string,
  readable: string,
) {
  const { redis, keys, content, empty, close } = openScripts(server.url);
  const prefixes = [keys.prefix, `${keys.prefix}.2`];
  try {
    // Counts of what stands there beside those.
    const minutes = [NOW - SECOND, NOW - 60 * SECOND].map((at) => Math.floor(at / 60_000));
    await redis.hset(keys.ages, Object.fromEntries(minutes.map((minute) => [minute, 1000])));
    for (const [place, prefix] of prefixes.entries()) {
      const counted = Object.keys(before).filter((own) => before[own] === COUNTED);
      await redis.eval(BATCH, 2, ...prefixes, ...ARGUMENTS, 'shard', place + 1, ...counted.flatMap(counts));
      for (const [own, what] of Object.entries(before)) {
        const name = `${prefix}.${nameOf(own)}`;
        if (what === COUNTED) continue;
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
    const load = `${keys.prefix}:load`;
    if (readable === 'some') await redis.hset(load, 'carol@example.org', 'none');
    if (readable === 'none') await redis.set(load, 'no hash');
    const replies: string[] = [];
    for (const operations of calls) {
      const given = operations.flat();
      const all = [...ARGUMENTS, ...given];
      const args = script === ONE_BY_ONE ? all : asSent(all, prefixes);
      const reply = eachReply((await redis.eval(script, 2, ...prefixes, ...args)) as string[], given);
      // What tells of its own call, and that it goes on in a shard.
      replies.push(...reply.slice(1).filter((_, i) => operations[i]?.[0] !== 'shard'));
    }
    const ended = await redis.lrange(`${keys.prefix}:ended`, 0, -1);
    await redis.del(`${keys.prefix}:ended`);
    // Those of one call have one time, and no order among them.
    return { replies, told: ended.filter((one) => !one.startsWith('@')).sort(), content: await content() };
  } finally {
    // Whoever reads all that is there would have to look at that of all runs.
    await empty();
    close();
  }
}

/** Those of the usual batches. */
const usual: fc.Arbitrary<Operation> = fc.oneof(
  id.map((own) => ['accept', keyOf(own), recordOf(own)]),
  id.map((own) => ['acceptCounted', keyOf(own), recordOf(own)]),
  id.map((own) => ['settleAtHand', keyOf(own), ENDING]),
  id.map((own) => ['settleToldAtHand', keyOf(own), ENDING]),
  fc.constant(['notified', 2, keyOf('told'), keyOf('told too')]),
  fc.constantFrom(['anythingOut', 1, BOB], ['anythingOut', 2, 'dora@example.org', BOB], ['anythingOut', 1, ALICE]),
  id.map((own) => ['notified', 1, `${keyOf(own)}r`]),
  fc
    .tuple(id, fc.constantFrom(ALICE, 'carol@example.org', 'erin@elsewhere.example'), fc.constantFrom('', '', '', 'r'))
    .map(([own, sender, why]) => {
      return ['withinQuota', keyOf(own), sender, BOB, '20 99999 20 0 0', why, 'accept', keyOf(own), recordOf(own)];
    }),
);

const kinds = { 'any operations': operation, 'nothing but the usual': usual };
test.each(Object.entries(kinds))(
  'whatever stands there before, one call comes to what one for each does: %s',
  async (_, each) => {
    const turn = fc.record({
      first: fc.array(each, { maxLength: each === usual ? 4 : 12 }),
      second: fc.array(each, { maxLength: each === usual ? 4 : 12 }),
    });
    await fc.assert(
      fc.asyncProperty(
        turn,
        seeds,
        digests,
        sums,
        fc.boolean(),
        async ({ first, second }, before, known, readable, isAgain) => {
          const inSecond: Operation = ['shard', 2];
          const together = [[...first, inSecond, ...second]];
          const apart = [...first.map((one) => [one]), ...second.map((one) => [inSecond, one])];
          // Its reply was lost, and it is made again.
          const often = <T>(calls: readonly T[]) => (isAgain ? [...calls, ...calls] : calls);
          expect(WITHOUT_PLAIN).not.toBe(BATCH);
          expect(ONE_BY_ONE).not.toBe(WITHOUT_PLAIN);
          const expected = await comesTo(ONE_BY_ONE, often(apart), before, known, readable);
          expect(await comesTo(BATCH, often(together), before, known, readable)).toEqual(expected);
          expect(await comesTo(WITHOUT_PLAIN, often(together), before, known, readable)).toEqual(expected);
          expect(await comesTo(BATCH, often(apart), before, known, readable)).toEqual(expected);
        },
      ),
      { numRuns: Number(process.env.RUNS ?? 100) },
    );
  },
  600_000,
);

test('where one of a usual batch finds something else, each of all the others is carried out as it came', async () => {
  const ends = (name: string, own: string): Operation => [name, keyOf(own), ENDING];
  const asks = (own: string, sender: string, name: string): Operation => {
    return ['withinQuota', keyOf(own), sender, BOB, '20 99999 20 0 0', '', name, keyOf(own), recordOf(own)];
  };
  const all: Operation[] = [
    ends('settleAtHand', 'a'),
    asks('f', ALICE, 'accept'),
    ends('settleToldAtHand', 'c'),
    ['accept', keyOf('h'), recordOf('h')],
    ['notified', 3, keyOf('told'), `${keyOf('told too')}r`, keyOf('told as well')],
    ends('settleAtHand', 'b'),
    ['shard', 2],
    asks('g', 'carol@example.org', 'acceptCounted'),
    ends('settleToldAtHand', 'd'),
    ['notified', 1, keyOf('told at last')],
    ['acceptCounted', keyOf('i'), recordOf('i')],
    ends('settleAtHand', 'e'),
  ];
  const before = Object.fromEntries(
    IDS.map((own) => [own, own === 'e' ? 'one that was handed over' : 'one that waits']),
  );
  const apart = all.map((one, at) => (at > 6 ? [['shard', 2], one] : [one]));
  const expected = await comesTo(ONE_BY_ONE, apart as Operation[][], before, 'none', 'all');
  const came = await comesTo(BATCH, [all], before, 'none', 'all');
  expect(came).toEqual(expected);
});

const callsOf = async (redis: Redis) => {
  const stats = await redis.info('commandstats');
  return (name: string) => Number(stats.match(new RegExp(`^cmdstat_${name}:calls=(\\d+)`, 'm'))?.[1] ?? 0);
};
const MANY = Array.from({ length: 50 }, (_, number) => `m${number}`);

test('they share commands', async () => {
  const { redis, call, close } = openScripts(server.url);
  await redis.config('RESETSTAT');
  await call(BATCH, ...BATCH_ARGUMENTS, ...MANY.flatMap((own) => ['accept', keyOf(own), recordOf(own)]));
  const replies = await call(BATCH, ...BATCH_ARGUMENTS, ...MANY.flatMap((own) => ['settleAtHand', keyOf(own), ENDING]));
  expect(new Set(replies.slice(1))).toEqual(new Set(['delivered-at-hand\x00000001']));
  const calls = await callsOf(redis);
  // One for what was delivered before, of all shards, and one for the records.
  expect([calls('msetnx'), calls('setnx'), calls('mget'), calls('mset')]).toEqual([1, 0, 2, 1]);
  expect(calls('get')).toBeLessThan(10);
  expect(calls('set')).toBeLessThan(10);
  close();
});

test('receipts that their senders have had themselves share commands, too, and leave nothing that is due', async () => {
  const { redis, keys, call, close } = openScripts(server.url);
  await call(BATCH, ...BATCH_ARGUMENTS, ...MANY.flatMap((own) => ['accept', keyOf(own), recordOf(own)]));
  await redis.config('RESETSTAT');
  const ends = MANY.flatMap((own) => ['settleToldAtHand', keyOf(own), ENDING]);
  const replies = await call(BATCH, ...BATCH_ARGUMENTS, ...ends);
  expect(new Set(replies.slice(1))).toEqual(new Set(['delivered-at-hand\x00000001']));
  const calls = await callsOf(redis);
  // A batch that stores nothing begins with one that takes nothing away (batch-arguments.lua).
  expect([calls('mget'), calls('mset'), calls('zrem'), calls('get'), calls('set')]).toEqual([1, 1, 2, 0, 0]);
  expect(await redis.zcard(keys.due)).toBe(0);
  expect((await redis.lrange(`${keys.prefix}:ended`, 1, -1)).sort()).toEqual(MANY.map((own) => keyOf(own)).sort());
  close();
});

test('receipts of several shards share commands, with words to their senders between them', async () => {
  const { redis, keys, close } = openScripts(server.url);
  const prefixes = [keys.prefix, `${keys.prefix}.2`];
  const nameIn = (own: string, place: number) => `${prefixes[place]}.${keyOf(`${own}${place}`)}`;
  for (const place of prefixes.keys())
    for (const own of IDS) await redis.set(nameIn(own, place), recordOf(`${own}${place}`));
  await redis.config('RESETSTAT');
  const ends = (own: string) => ['settleAtHand', keyOf(own), ENDING, 'notified', 1, keyOf(own)];
  const operations = [...prefixes.keys()].flatMap((place) => [
    ...['shard', place + 1],
    ...IDS.flatMap((own) => ends(`${own}${place}`)),
  ]);
  const reply = (await redis.eval(
    BATCH,
    2,
    ...prefixes,
    ...asSent([...ARGUMENTS, ...operations], prefixes),
  )) as string[];
  const replies = eachReply(reply, operations);
  expect(new Set(replies.slice(1))).toEqual(new Set(['delivered-at-hand\x00000001', 'done']));
  const calls = await callsOf(redis);
  expect([calls('mget'), calls('mset'), calls('get')]).toEqual([1, 1, 0]);
  for (const place of prefixes.keys())
    for (const own of IDS) expect(await redis.get(nameIn(own, place))).toMatch(/^2d.*desk$/s);
  close();
});

test.each([0, 1])('of what was delivered each shard knows its own: shard %i', async (place) => {
  const { redis, keys, close } = openScripts(server.url);
  const prefixes = [keys.prefix, `${keys.prefix}.2`];
  await redis.set(`${prefixes[place]}:delivered`, `1 1 0 0 ${NOW}`);
  await redis.hset(`${prefixes[place]}:d:0`, keyOf('a').slice(2, 10), '-A');
  const own = ['b', 'a', 'c'];
  const others = ['d', 'e'];
  const operations = [own, others].flatMap((_, number) => [
    ...['shard', number + 1],
    ...(number === place ? own : others).flatMap((id) => ['accept', keyOf(id), recordOf(id)]),
  ]);
  const reply = (await redis.eval(
    BATCH,
    2,
    ...prefixes,
    ...asSent([...ARGUMENTS, ...operations], prefixes),
  )) as string[];
  const stored = [...operations].flatMap((one, at) => (one === 'accept' ? [operations[at + 1]] : []));
  const replies = eachReply(reply, operations)
    .slice(1)
    .filter((one) => one !== 'done');
  for (const [at, key] of stored.entries()) {
    expect(replies[at]).toMatch(key === keyOf('a') ? /^(?:known|stored-as)\0/ : /^stored$/);
  }
  close();
});

test('of two with one key in a call the second finds what the first has done, though nothing else is in it', async () => {
  const { redis, keys, call, close } = openScripts(server.url);
  const accepts = ['a', 'a2'].flatMap((own) => ['accept', keyOf('a'), recordOf(own)]);
  const stored = await call(BATCH, ...BATCH_ARGUMENTS, ...accepts);
  expect(stored.slice(1)).toEqual(['stored', `stored-as\0${versionOf('a2')}`]);
  expect(await redis.get(keys.record(keyOf('a')))).toBe(recordOf('a'));
  expect(await redis.get(keys.record(versionOf('a2')))).toBe(recordOf('a2'));
  const settles = ['settleAtHand', keyOf('a'), ENDING];
  await call(BATCH, ...BATCH_ARGUMENTS, 'accept', keyOf('b'), recordOf('b'));
  const settlesB = ['settleAtHand', keyOf('b'), ENDING];
  const replies = await call(BATCH, ...BATCH_ARGUMENTS, ...settles, ...settlesB, ...settlesB);
  expect(replies.slice(3)).toEqual(['repeated']);
  close();
});

test('a receipt by itself takes as few, and leaves what goes by itself', async () => {
  const { redis, keys, call, close } = openScripts(server.url);
  await redis.set(keys.record(keyOf('a')), recordOf('a'));
  await redis.config('RESETSTAT');
  const replies = await call(BATCH, ...BATCH_ARGUMENTS, 'settleAtHand', keyOf('a'), ENDING);
  expect(replies.slice(1)).toEqual(['delivered-at-hand\x00000001']);
  const calls = await callsOf(redis);
  expect([calls('mget'), calls('set'), calls('mset'), calls('get')]).toEqual([1, 1, 0, 0]);
  expect(await redis.pttl(keys.record(keyOf('a')))).toBeGreaterThan(0);
  close();
});

test('what a receipt has ended is ended also where the next of its row fails, and is the last', async () => {
  const { redis, keys, call, close } = openScripts(server.url);
  await redis.set(keys.record(keyOf('a')), recordOf('a'));
  await redis.set(keys.due, 'no sorted set');
  const operations = ['settleAtHand', keyOf('a'), ENDING, 'notified', 1, keyOf('b')];
  const replies = await call(BATCH, ...ARGUMENTS.slice(0, -2), 1, 1, ...operations);
  expect(replies.slice(1)).toEqual(['delivered-at-hand\x00000001', expect.stringMatching(/^fault\0.*WRONGTYPE/)]);
  expect(await redis.get(keys.record(keyOf('a')))).toMatch(/^2d/);
  close();
});

test('what a receipt has ended is ended for what follows it in the same row', async () => {
  const { call, close } = openScripts(server.url);
  const [own, id] = [keyOf('own'), keyOf('id')];
  const accepts = ['acceptAliased', own, recordOf('own'), id, 0, 'accept', keyOf('other'), recordOf('other')];
  await call(BATCH, ...BATCH_ARGUMENTS, ...accepts);
  // The second leads to the same message as the first.
  const settles = [own, id, keyOf('other')].flatMap((key) => ['settleAtHand', key, ENDING]);
  const replies = await call(BATCH, ...BATCH_ARGUMENTS, ...settles);
  expect(replies.slice(1)).toEqual(['delivered-at-hand\x00000001', 'repeated', 'delivered-at-hand\x00000001']);
  close();
});

test('who was told in the same call that his message came back is owed nothing', async () => {
  const { redis, keys, call, close } = openScripts(server.url);
  await call(BATCH, ...BATCH_ARGUMENTS, 'accept', keyOf('a'), recordOf('a'));
  await call(BATCH, ...BATCH_ARGUMENTS, 'reject', keyOf('a'), ENDING, 'notified', 1, `${keyOf('a')}r`);
  expect(await redis.zcard(keys.due)).toBe(0);
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
    const reply = (await redis.eval(
      BATCH,
      2,
      ...prefixes,
      ...asSent([...ARGUMENTS, ...operations], prefixes),
    )) as string[];
    const replies = eachReply(reply, operations);
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

test('nor does it cost a command to ask for the quota of each sender, as long as nothing is counted of him', async () => {
  const { redis, call, close } = openScripts(server.url);
  // What is counted of the domain, and of somebody else.
  await call(BATCH, ...BATCH_ARGUMENTS, ...counts('counted'));
  await redis.config('RESETSTAT');
  const within = (sender: string, own: string) => {
    return ['withinQuota', keyOf(own), sender, BOB, '9 9000 9 4 0', '', 'accept', keyOf(own), recordOf(own)];
  };
  const replies = await call(BATCH, ...BATCH_ARGUMENTS, ...MANY.flatMap((own) => within(`${own}@example.org`, own)));
  expect(new Set(replies.slice(1))).toEqual(new Set(['within\x0025\0stored']));
  const calls = await callsOf(redis);
  expect([calls('msetnx'), calls('setnx'), calls('hmget'), calls('hrandfield')]).toEqual([1, 0, 1, 0]);
  expect(calls('hget')).toBeLessThan(5);
  close();
});

test('what is counted of records that are gone is found also where the messages of their sender come in a row', async () => {
  const { redis, keys, call, close } = openScripts(server.url);
  await call(BATCH, ...BATCH_ARGUMENTS, ...counts('one'), ...counts('two'));
  await redis.del(`${keys.prefix}.${keyOf('one')}`, `${keys.prefix}.${keyOf('two')}`);
  const within = (own: string) => {
    return ['withinQuota', keyOf(own), ALICE, BOB, '9 9000 9 0 0', '', 'accept', keyOf(own), recordOf(own)];
  };
  const replies = await call(BATCH, ...BATCH_ARGUMENTS, ...['a', 'b', 'c', 'd'].flatMap(within));
  // Each looks at two of them, and the first comes to what it was before.
  expect(replies.slice(1)).toEqual([22, 0, 0, 0].map((taken) => `within\0${taken}\0stored`));
  expect(await redis.exists(`${keys.prefix}:load`)).toBe(0);
  close();
});

test('an error in the middle of a row leaves what is stored and counted of the others as it is', async () => {
  const { redis, keys, call, close } = openScripts(server.url);
  await call(BATCH, ...BATCH_ARGUMENTS, ...counts('counted'));
  await redis.set(`${keys.prefix}:copies:${BOB}`, 'no hash');
  await redis.del(keys.ages);
  const within = (own: string) => {
    return ['withinQuota', keyOf(own), 'carol@example.org', BOB, '9 0 0 0 0', '', 'accept', keyOf(own), recordOf(own)];
  };
  const settles = ['settleAtHand', keyOf('counted'), ENDING];
  const replies = await call(
    BATCH,
    ...BATCH_ARGUMENTS,
    ...['a', 'b'].flatMap(within),
    ...settles,
    ...['c', 'd'].flatMap(within),
  );
  expect(replies[3]).toMatch(/^fault\0/);
  expect(replies.slice(1).filter((_, place) => place !== 2)).toEqual(Array(4).fill('within\x000\0stored'));
  for (const own of ['a', 'b', 'c', 'd']) expect(await redis.get(`${keys.prefix}.${keyOf(own)}`)).toBe(recordOf(own));
  expect(await redis.zcard(keys.due)).toBe(5);
  // Those four, less the one whose end was written before the error.
  expect(await redis.hgetall(keys.ages)).toEqual({ [Math.floor((NOW - SECOND) / 60_000)]: '3' });
  close();
});
