// A session whose priority is negative gets nothing that is sent to the bare address (RFC 6121 section 8.5.2).
import {
  claim,
  handOver,
  isAvailable,
  type ReplyTo,
  type Request,
  recordPresence,
  reject,
  sequenceGap,
  sessionAvailable,
  subscriptionStep,
} from '../../src/store/contract.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, keyOf, openLedger, RETRY, SECOND } from '../support/store/ledger.ts';

let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  opened = openLedger(server.url);
  await at(START, subscriptionStep('subscribed', BOB, ALICE, START, 'granted'));
  await opened.redis.set(opened.ledger.keys.confirms(BOB), '1');
});
afterEach(() => opened.close());

const KEY = keyOf('m-1');
const START = Date.now();
const STEP = 30 * SECOND;

function at<R extends Request>(now: number, request: R): Promise<ReplyTo<R>> {
  return opened.ledger.perform(request, now);
}

let tokens = 0;
/** One of bob's sessions shows itself; what that means. */
async function shows(now: number, resource: string, priority: number | 'unavailable') {
  tokens += 1;
  const available = priority !== 'unavailable';
  const more = { priority: available ? priority : 0 };
  return (await at(now, recordPresence(BOB, ALICE, resource, available, now, '', '', `t-${tokens}`, more))).what;
}

/** Alice's message is handed over. */
async function handed(now: number, resource = ''): Promise<void> {
  await at(now, aliceWrites({ at: now }));
  const progress = { storedAt: now, copies: 1 };
  const byTimetable = RETRY.bySchedule(progress.storedAt, progress.copies, now, 0);
  const unconfirmed = RETRY.unconfirmed(progress.storedAt, progress.copies, now, 0);
  const out = { key: KEY, attempt: 1, copies: 1, sender: ALICE, recipient: BOB, noStore: false, resource };
  await at(now, handOver({ ...out, byTimetable, unconfirmed }));
}

const comes = async (now: number) => {
  const times = { stepDue: now + STEP, leaseUntil: now + 60 * SECOND, unconfirmedRetries: 1 };
  const { away, missed } = await at(now, sessionAvailable({ user: BOB, event: 'login', ...times }));
  return away ? 'away' : missed.map(({ key }) => key);
};
const how = async () => (await opened.redis.hget(opened.ledger.keys.copies(BOB), KEY))?.[0];
const dueIn = async (now: number) => Math.round(Number(await opened.redis.zscore(opened.ledger.keys.due, KEY)) - now);

test('one whose only session is negative is away: what is sent to him is stored, and comes when it rises', async () => {
  expect(await shows(START, 'desk', -1)).toBe('began');
  await handed(START + SECOND);
  expect(await how()).toBe('s');
  expect(await comes(START + 2 * SECOND)).toBe('away');
  const rise = START + 60 * SECOND;
  expect(await shows(rise, 'desk', 0)).toBe('began');
  expect(await comes(rise)).toEqual([]);
  // Should the server not bring it by itself, it is sent a step later.
  expect(await dueIn(rise)).toBe(STEP);
  expect((await at(rise + STEP, claim(KEY, 1))).outcome).toBe('claimed');
});

test('each subscriber is told of a rise, and one of them is enough; so is one of a fall', async () => {
  await shows(START, 'desk', -1);
  expect(await shows(START + 10 * SECOND, 'desk', 5)).toBe('began');
  expect(await shows(START + 10 * SECOND, 'desk', 5)).toBe('none');
  expect(await shows(START + 20 * SECOND, 'desk', -5)).toBe('updated');
  expect(await shows(START + 20 * SECOND, 'desk', -5)).toBe('none');
  expect(await shows(START + 30 * SECOND, 'desk', -6)).toBe('updated');
  expect(await shows(START + 40 * SECOND, 'desk', 0)).toBe('began');
});

test('a call that is made again after its answer was lost says the same of a rise', async () => {
  await shows(START, 'desk', -1);
  const rise = recordPresence(BOB, ALICE, 'desk', true, START + SECOND, '', '', 'rise', { priority: 0 });
  const said = [await at(START + SECOND, rise), await at(START + SECOND, rise)];
  expect(said.map(({ what }) => what)).toEqual(['began', 'began']);
});

test('what a session lost is sent to the one that rises, which cannot have had it', async () => {
  await shows(START, 'desk', -1);
  await shows(START, 'phone', 0);
  await handed(START + SECOND);
  expect(await how()).toBe('o');
  await shows(START + 2 * SECOND, 'phone', 'unavailable');
  expect(await comes(START + 2 * SECOND)).toBe('away');
  await shows(START + 3 * SECOND, 'desk', 0);
  expect(await comes(START + 3 * SECOND)).toEqual([KEY]);
});

test('also when it has been up and down since', async () => {
  await shows(START, 'desk', -1);
  await shows(START, 'phone', 0);
  await handed(START + SECOND);
  for (let i = 2; i < 12; i += 2) {
    await shows(START + i * SECOND, 'desk', 0);
    await shows(START + (i + 1) * SECOND, 'desk', -1);
  }
  await shows(START + 12 * SECOND, 'phone', 'unavailable');
  await shows(START + 13 * SECOND, 'desk', 0);
  expect(await comes(START + 13 * SECOND)).toEqual([KEY]);
});

test('how often it has been so is remembered within bounds', async () => {
  for (let i = 0; i < 200; i += 1) await shows(START + i * SECOND, 'desk', (i % 2) - 1);
  const low = await opened.redis.hget(opened.ledger.keys.sessions(BOB), '\0desk');
  expect(low?.length).toBeLessThan(400);
  expect(low).toMatch(/^\d+-\d+(,\d+-\d+)+$/);
});

test('one that had it before its priority fell, and for a while was negative, is not sent it again', async () => {
  await shows(START, 'desk', 0);
  await handed(START + SECOND);
  await shows(START + 2 * SECOND, 'desk', -1);
  expect(await comes(START + 2 * SECOND)).toBe('away');
  await shows(START + 3 * SECOND, 'desk', 0);
  expect(await comes(START + 3 * SECOND)).toEqual([]);
  expect(await how()).toBe('o');
});

test('what falls due while his only session is negative is put off until it rises, and no longer', async () => {
  await shows(START, 'desk', -1);
  await handed(START + SECOND);
  const login = START + 2 * SECOND;
  await shows(login, 'desk', 0);
  await comes(login);
  expect(await how()).toBe('d');
  await shows(login + SECOND, 'desk', -1);
  expect((await at(login + STEP, claim(KEY, 1, 0))).outcome).toBe('moot');
  const rise = login + 2 * STEP;
  await shows(rise, 'desk', 0);
  expect(await comes(rise)).toEqual([]);
  expect(await dueIn(rise)).toBe(STEP);
  expect((await at(rise + STEP, claim(KEY, 1, 0))).outcome).toBe('claimed');
});

test('so is the question whether it is there', async () => {
  await shows(START, 'desk', 0);
  await handed(START + SECOND);
  await shows(START + 2 * SECOND, 'desk', -1);
  expect((await at(START + 2 * STEP, claim(KEY, 1, 0))).outcome).toBe('moot');
  const rise = START + 3 * STEP;
  await shows(rise, 'desk', 0);
  expect(await comes(rise)).toEqual([]);
  expect(await at(rise + STEP, claim(KEY, 1, 0))).toMatchObject({ outcome: 'asks', resources: ['desk'] });
});

test('a receipt from a negative session says nothing of what it was not sent', async () => {
  await shows(START, 'desk', -1);
  await shows(START, 'phone', 0);
  await handed(START + SECOND);
  const due = START + 10 * SECOND;
  const { keys } = await at(START + 2 * SECOND, sequenceGap(BOB, 'desk', ALICE, START + 2 * SECOND, due));
  expect(keys).toEqual([]);
});

test('what was for that very session has gone to it', async () => {
  await shows(START, 'desk', -1);
  await handed(START + SECOND, 'desk');
  expect(await how()).toBe('o');
});

test('a negative session of the sender’s is told how his message ended', async () => {
  await at(START, subscriptionStep('subscribed', ALICE, BOB, START, 'back'));
  await at(START, recordPresence(ALICE, BOB, 'phone', true, START, '', '', 'alice', { priority: -1 }));
  await handed(START + SECOND);
  const rejected = await at(START + 2 * SECOND, reject(KEY, START + 2 * SECOND, 'gone', 'cancel', undefined));
  expect(rejected).toMatchObject({ outcome: 'done', record: { senderAway: false } });
});

test('a session that ends leaves nothing behind', async () => {
  await shows(START, 'desk', -1);
  await shows(START + SECOND, 'desk', 'unavailable');
  expect(Object.keys(await opened.redis.hgetall(opened.ledger.keys.sessions(BOB)))).toEqual(['']);
  expect(await opened.ledger.sessionsOf(BOB)).toEqual([]);
  await shows(START + 2 * SECOND, 'desk', 0);
  await handed(START + 3 * SECOND);
  expect(await how()).toBe('o');
});

test('whether he is here is told of sessions that get his messages, and only to who sees them', async () => {
  await shows(START, 'desk', -1);
  expect(await at(START, isAvailable(BOB, ALICE))).toBe(false);
  await shows(START, 'desk', 0);
  expect(await at(START, isAvailable(BOB, ALICE))).toBe(true);
  expect(await at(START, isAvailable(BOB, 'mallory@example.org'))).toBe(false);
  await opened.redis.sadd(`${opened.ledger.keys.prefix}:hidden:${BOB}\0desk`, ALICE);
  expect(await at(START, isAvailable(BOB, ALICE))).toBe(false);
});
