// The batch scripts by themselves, given what no process would give them.
import { BATCH } from '../../../src/store/redis/scripts.ts';
import { type RedisServer, startRedis } from '../../support/servers/redis.ts';
import { ALICE, BOB, keyOf } from '../../support/store/ledger.ts';
import { accepts, BATCH_ARGUMENTS, NOW, openScripts, recordOf } from '../../support/store/scripts.ts';

let server: RedisServer;
let opened: ReturnType<typeof openScripts>;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  opened = openScripts(server.url);
});
afterEach(() => opened.close());

const batch = (...operations: readonly (string | number)[]) => opened.call(BATCH, ...BATCH_ARGUMENTS, ...operations);
const stored = (id: string) => opened.redis.get(opened.keys.record(keyOf(id)));

/** Every operation, and how many arguments follow its name. */
const OPERATIONS: Readonly<Record<string, number>> = {
  accept: 2,
  acceptCounted: 2,
  acceptAliased: 4,
  acceptCorrection: 5,
  settleAtHand: 2,
  settle: 5,
  settleByMention: 3,
  settleUpTo: 7,
  supersede: 1,
  settleTold: 2,
  settleToldAtHand: 2,
  prove: 2,
  keyOfHeld: 2,
  namedBy: 1,
  handOver: 11,
  claim: 3,
  bounce: 1,
  reject: 2,
  expire: 2,
  withdraw: 2,
  readdress: 4,
  isTaken: 1,
  bringForward: 3,
  requeue: 1,
  quarantine: 1,
  sessionAvailable: 6,
  senderAvailable: 2,
  sequenceGap: 6,
  explain: 1,
  recordIq: 6,
  takeIqResponse: 5,
  overdueIqs: 3,
  endIq: 3,
  forgetIq: 1,
  knownCapabilities: 2,
  recordCapabilities: 4,
  cancel: 3,
  retryNow: 2,
  pause: 1,
  openCommandSession: 3,
  readCommandSession: 1,
  endCommandSession: 2,
  sessionsOf: 1,
  postponeNotice: 3,
  isKnown: 1,
  loadOf: 1,
};
const COUNTED = ['notified', 'reported', 'anythingOut', 'renewLease', 'presence', 'forgetUser', 'release', 'erase'];
const RUBBISH: readonly (readonly [string, string | number])[] = [
  ['nothing', ''],
  ['NUL bytes', 'a\0b\0'],
  ['separators', '\x1d\x1e\x1f\x1b'],
  ['a number too big', '9'.repeat(400)],
  ['infinity', '-inf'],
  ['no number', 'nan'],
  ['a text that is long', 'x'.repeat(100_000)],
  ['a record of an unknown format', `3${recordOf('x').slice(1)}`],
  ['a record that is cut', recordOf('x').slice(0, 40)],
];

test('the lists name all operations', () => {
  const named = [...BATCH.matchAll(/operation == '(\w+)'/g)].map(([, name]) => name);
  const known = new Set([...Object.keys(OPERATIONS), ...COUNTED, 'withinQuota', 'knowing', 'only', 'shard']);
  expect([...new Set(named)].sort()).toEqual([...known].sort());
});

test('of which record alone an operation is, the next does not know, also where it came to an error', async () => {
  await batch(...accepts('one'));
  await opened.redis.hset(opened.keys.delivered, 'no', 'text');
  const replies = await batch('only', 'another', 'settleTold', keyOf('none'), 'x', 'settleTold', keyOf('one'), 'x');
  expect(replies[1]).toMatch(/^(fault|unknown)/);
  expect(replies[2]).toMatch(/^delivered/);
});

describe.each(Object.entries(OPERATIONS))('%s', (operation, count) => {
  test.each(RUBBISH)('given %s holds up nothing, and takes nothing away', async (_, rubbish) => {
    await batch(...accepts('before'));
    const args = Array.from({ length: count }, () => rubbish);
    const replies = await batch(...accepts('one'), operation, ...args, ...accepts('two'));
    expect(replies).toHaveLength(4);
    expect([replies[1], replies[3]]).toEqual(['stored', 'stored']);
    for (const id of ['before', 'one', 'two']) {
      expect(await stored(id)).toBe(recordOf(id));
      expect(await opened.redis.zscore(opened.keys.due, keyOf(id))).not.toBeNull();
    }
  });

  test('with too few arguments at the end is no success, and takes nothing away', async () => {
    await batch(...accepts('one'));
    await expect(batch(...accepts('two'), operation)).rejects.toThrow(/ERR|user_script/);
    for (const id of ['one', 'two']) expect(await stored(id)).toBe(recordOf(id));
  });
});

test.each(COUNTED)('%s with a count that is none is rejected as a whole', async (operation) => {
  await batch(...accepts('one'));
  for (const count of ['', '-1', 'nan', 'x', '1e9', '99999']) {
    await expect(batch(operation, count, count, count, 'x')).rejects.toThrow(/ERR|user_script/);
  }
  expect(await stored('one')).toBe(recordOf('one'));
  expect(await opened.redis.zscore(opened.keys.due, keyOf('one'))).not.toBeNull();
});

test('an unknown operation is rejected as a whole; what came before it is repeatable', async () => {
  const calls = [...accepts('one'), 'dance', 'x'];
  await expect(batch(...calls)).rejects.toThrow('unknown operation dance');
  expect(await batch(...accepts('one'))).toEqual([expect.any(String), 'stored']);
  expect(await opened.redis.zcard(opened.keys.due)).toBe(1);
});

test('a batch without its arguments is rejected, and changes nothing', async () => {
  await batch(...accepts('one'));
  const before = await opened.content();
  for (let count = 0; count < 8; count += 1) {
    await expect(opened.call(BATCH, ...BATCH_ARGUMENTS.slice(0, count))).rejects.toThrow(/ERR|user_script/);
  }
  expect(await opened.content()).toEqual(before);
});

/** Keys that a message's life touches. */
const KINDS: Readonly<Record<string, () => string>> = {
  index: () => opened.keys.index(keyOf('victim')),
  undelivered: () => opened.keys.undelivered(keyOf('victim')),
  life: () => opened.keys.life(keyOf('victim')),
  copies: () => opened.keys.copies(BOB),
  from: () => opened.keys.from(ALICE),
  sessions: () => opened.keys.sessions(BOB),
  asked: () => opened.keys.asked(BOB),
  confirms: () => opened.keys.confirms(BOB),
  holds: () => opened.keys.holds(ALICE),
  load: () => opened.keys.load,
  subscriptions: () => opened.keys.subscriptions(BOB),
};
const KEY = keyOf('victim');
const LIFE: readonly (readonly (string | number)[])[] = [
  ['handOver', KEY, 1, 1, NOW, NOW, ALICE, BOB, 0, '', NOW, 0],
  ['claim', KEY, 1, '*'],
  ['bounce', KEY],
  ['settle', KEY, `${NOW}`, BOB, '', ALICE],
  ['reject', KEY, `${NOW}`],
  ['requeue', KEY],
  ['cancel', KEY, '', `${NOW}`],
  ['retryNow', KEY, ''],
  ['sessionAvailable', BOB, 'l', '0', NOW, NOW, 1],
  ['senderAvailable', ALICE, '0'],
  ['erase', BOB, '0', 1, KEY],
];

test.each(Object.keys(KINDS))('where %s is of another type, only what needs it fails', async (kind) => {
  await batch(...accepts('victim'));
  const name = KINDS[kind]?.() as string;
  await opened.redis.del(name);
  // A stream: nothing of ours is one.
  await opened.redis.xadd(name, '*', 'a', 'b');
  for (const [i, operation] of LIFE.entries()) {
    const replies = await batch(...accepts(`before-${i}`), ...operation, ...accepts(`after-${i}`));
    expect(replies).toHaveLength(4);
    expect([replies[1], replies[3]]).toEqual(['stored', 'stored']);
    expect(replies[2]).toMatch(/^(fault\0WRONGTYPE|(?!fault)[a-z -]+(\0|$))/);
  }
});

test.each([
  ['truncated in its head', (value: string) => value.slice(0, 12)],
  ['truncated in its fields', (value: string) => value.slice(0, 60)],
  ['without its payload', (value: string) => value.slice(0, value.indexOf('\x1e'))],
  ['of an unknown format', (value: string) => `3${value.slice(1)}`],
  ['of a format of the future with the rest unknown', () => '\x7f\0\0anything'],
  ['with NUL bytes', (value: string) => value.replace(ALICE, 'al\0ce@example.org')],
  ['of format 1, and broken', () => `p010000011795000000000{"k":}\n<body/>`],
])('a record %s is quarantined with its bytes by whichever operation meets it', async (_, damage) => {
  // A hand-over changes no more than the head, and looks at no more.
  for (const [i, operation] of LIFE.slice(1, 5).entries()) {
    await opened.redis.flushall();
    const value = damage(recordOf('victim'));
    await opened.redis.set(opened.keys.record(KEY), value);
    await opened.redis.zadd(opened.keys.due, NOW, KEY);
    const replies = await batch(
      ...accepts(`before-${i}`),
      ...operation,
      'claim',
      KEY,
      1,
      '*',
      ...accepts(`after-${i}`),
    );
    expect([replies[1], replies[4]]).toEqual(['stored', 'stored']);
    expect(await opened.redis.get(opened.keys.quarantined(KEY))).toBe(value);
    expect(await opened.redis.zscore(opened.keys.damaged, KEY)).toBe(`${NOW}`);
  }
});
