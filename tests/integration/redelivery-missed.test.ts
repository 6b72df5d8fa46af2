// Messages that nobody would look at again before the end of their life, were it not for these.
import {
  beginProbe,
  claim,
  endUnheardSessions,
  expire,
  forgetPresence,
  type HandedOver,
  handOver,
  type ReplyTo,
  type Request,
  recordPresence,
  type SessionEvent,
  sessionAvailable,
  settleUpTo,
  subscriptionStep,
} from '../../src/store/contract.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { writeCopy } from '../support/store/copies.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, openLedger, SECOND, TIMETABLE } from '../support/store/ledger.ts';

let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  opened = openLedger(server.url);
});
afterEach(() => opened.close());

const START = Date.now();
const END = START + TIMETABLE.messageTtl;
const dueOf = async (id = 'm-1') => Number(await opened.redis.zscore(opened.ledger.keys.due, keyOf(id)));

function at<R extends Request>(now: number, request: R): Promise<ReplyTo<R>> {
  return opened.ledger.perform(request, now);
}

const confirms = () => opened.redis.set(opened.ledger.keys.confirms(BOB), '1');
async function bobHas(sessions: Record<string, number>): Promise<void> {
  const name = opened.ledger.keys.sessions(BOB);
  await opened.redis.del(name);
  await opened.redis.hset(name, { '': START });
  for (const [resource, since] of Object.entries(sessions)) {
    await opened.redis.hset(name, resource, `${since};y;${since};`);
  }
}
const bobComes = async (now: number, event: SessionEvent) => {
  const times = { stepDue: now + 30 * SECOND, leaseUntil: now + 60 * SECOND, unconfirmedRetries: 1 };
  return (await at(now, sessionAvailable({ user: BOB, event, ...times }))).missed.map(({ key }) => key);
};
async function aliceHasWritten(now: number, id = 'm-1', special: Partial<HandedOver> = {}): Promise<void> {
  await at(now, aliceWrites({ id, at: now }));
  const times = { byTimetable: now + 30 * SECOND, unconfirmed: now + 900 * SECOND };
  const copy = { key: keyOf(id), attempt: 1, copies: 1, sender: ALICE, recipient: BOB, noStore: false };
  await at(now, handOver({ ...copy, ...times, ...special }));
}

describe('handed over while nothing was known of him', () => {
  test('and due while he was away: a step after he comes', async () => {
    await confirms();
    await aliceHasWritten(START);
    await bobHas({});
    expect(await at(START + 31 * SECOND, claim(keyOf('m-1'), 1))).toEqual({ outcome: 'moot' });
    expect(await dueOf()).toBe(END);
    const later = START + 60 * SECOND;
    await bobHas({ desk: later });
    // It may lie in offline storage, and come by itself.
    expect(await bobComes(later, 'login')).toEqual([]);
    expect(Math.ceil(await dueOf())).toBe(later + 30 * SECOND);
  });
});

describe('his session ends while another that began later lives', () => {
  test('what it may have lost goes to the other', async () => {
    await confirms();
    await bobHas({ desk: START - DAY });
    await aliceHasWritten(START);
    await bobHas({ desk: START - DAY, phone: START + SECOND });
    expect(await bobComes(START + SECOND, 'login')).toEqual([]);
    await bobHas({ phone: START + SECOND });
    expect(await bobComes(START + 2 * SECOND, 'update')).toEqual([keyOf('m-1')]);
    // It is being sent.
    expect(await bobComes(START + 3 * SECOND, 'update')).toEqual([]);
  });

  test('but nothing while he has none', async () => {
    await confirms();
    await bobHas({ desk: START - DAY });
    await aliceHasWritten(START);
    await bobHas({});
    expect(await bobComes(START + SECOND, 'update')).toEqual([]);
    // Nobody is asked, either.
    expect(await at(START + 30 * SECOND, claim(keyOf('m-1'), 1, 0))).toEqual({ outcome: 'moot' });
    expect(await dueOf()).toBe(END);
  });
});

test('a login that nobody acted upon, as a process died over it: his next presence brings what it should have', async () => {
  await confirms();
  await bobHas({ desk: START - DAY });
  await aliceHasWritten(START);
  await bobHas({ desk: START + SECOND });
  expect(await bobComes(START + 2 * SECOND, 'update')).toEqual([keyOf('m-1')]);
});

describe('a marker for a later message proves nothing of an earlier one that', () => {
  const marker = async (id: string) => {
    const { settled } = await at(START + 3 * SECOND, settleUpTo(keyOf(id), ALICE, BOB, 'desk', START + 3 * SECOND));
    return settled.map(({ record }) => record.wireId);
  };

  test('was lost with a session and waits to be sent again', async () => {
    await confirms();
    await bobHas({ desk: START - DAY });
    await aliceHasWritten(START);
    await bobHas({ desk: START + SECOND });
    await aliceHasWritten(START + 2 * SECOND, 'm-2');
    expect(await marker('m-2')).toEqual(['m-2']);
  });

  test('went nowhere', async () => {
    await bobHas({});
    await aliceHasWritten(START, 'm-1', { noStore: true });
    await bobHas({ desk: START + SECOND });
    await aliceHasWritten(START + 2 * SECOND, 'm-2');
    expect(await marker('m-2')).toEqual(['m-2']);
  });
});

describe('a copy that went nowhere', () => {
  const toOne = { resource: 'desk' };

  test('is sent to a client without receipts, too, when he comes', async () => {
    await bobHas({});
    await aliceHasWritten(START, 'm-1', { noStore: true });
    await opened.redis.hset(opened.ledger.keys.sessions(BOB), 'desk', `${START + SECOND};n;1;`);
    expect(await bobComes(START + SECOND, 'login')).toEqual([keyOf('m-1')]);
    expect(await at(START + SECOND, claim(keyOf('m-1'), 1))).toMatchObject({ outcome: 'claimed' });
  });

  test('ends as expired should he never come', async () => {
    await bobHas({});
    await aliceHasWritten(START, 'm-1', { noStore: true });
    expect(await at(END, expire(keyOf('m-1'), END))).toMatchObject({ state: 'expired' });
  });

  test('as it was for one resource alone, which is gone: it goes to where he is by the timetable', async () => {
    await bobHas({ phone: START - DAY });
    await aliceHasWritten(START, 'm-1', toOne);
    expect(await dueOf()).toBe(START + 30 * SECOND);
  });

  test.each([
    ['is there', { desk: START - DAY }],
    ['may be there', undefined],
  ])('is not one for a resource that %s', async (_, sessions) => {
    await confirms();
    if (sessions) await bobHas(sessions);
    await aliceHasWritten(START, 'm-1', toOne);
    expect(await opened.redis.hget(opened.ledger.keys.copies(BOB), keyOf('m-1'))).toMatch(sessions ? /^o/ : /^\?/);
  });
});

describe('the link was down, and nobody heard what his session did', () => {
  const heard = (now: number, token: string) => at(now, recordPresence(BOB, ALICE, 'desk', true, now, '', '', token));
  beforeEach(async () => {
    await opened.redis.hset(opened.ledger.keys.subscriptions(BOB), ALICE, 's');
    await bobHas({ desk: START - DAY });
  });

  test('it is heard of again, once, however often Redis is told', async () => {
    await at(START, forgetPresence([BOB]));
    await at(START, beginProbe(BOB));
    expect(await heard(START + SECOND, 't-1')).toMatchObject({ what: 'returned' });
    expect(await heard(START + SECOND, 't-1')).toMatchObject({ what: 'returned' });
    expect(await heard(START + SECOND, 't-2')).toMatchObject({ what: 'none' });
    expect(await heard(START + 3 * SECOND, 't-3')).toMatchObject({ what: 'updated' });
  });

  test('while another process listened it has merely been asked after', async () => {
    await at(START, beginProbe(BOB));
    expect(await at(START, endUnheardSessions(BOB, START, false))).toEqual(['desk']);
    expect(await heard(START + SECOND, 't-1')).toMatchObject({ what: 'updated' });
    expect(await at(START + 2 * SECOND, endUnheardSessions(BOB, START, true))).toEqual([]);
  });

  test('it may be another of the same resource: what is unconfirmed is due a step later, once', async () => {
    await confirms();
    await aliceHasWritten(START);
    expect(await bobComes(START + SECOND, 'update')).toEqual([]);
    expect(await bobComes(START + SECOND, 'heard again')).toEqual([]);
    expect(Math.ceil(await dueOf())).toBe(START + 31 * SECOND);
    expect(await at(START + 31 * SECOND, claim(keyOf('m-1'), 1, 0))).toMatchObject({ outcome: 'claimed' });
    const copy = {
      key: keyOf('m-1'),
      attempt: 2,
      copies: 2,
      sender: ALICE,
      recipient: BOB,
      noStore: false,
      resource: '',
    };
    await at(START + 32 * SECOND, handOver({ ...copy, byTimetable: END, unconfirmed: 0 }));
    await bobComes(START + 40 * SECOND, 'heard again');
    expect(await dueOf()).toBe(END);
  });

  test('a client that never confirmed anything is sent nothing for that', async () => {
    await opened.redis.hset(opened.ledger.keys.sessions(BOB), 'desk', `${START - DAY};u;0;`);
    await aliceHasWritten(START);
    await bobComes(START + SECOND, 'heard again');
    // Its session is asked, that is all.
    const due = START + 30 * SECOND;
    expect(await dueOf()).toBe(due);
    expect(await at(due, claim(keyOf('m-1'), 1, due))).toMatchObject({ outcome: 'asks', resources: ['desk'] });
  });

  test('and for a while nothing is known: what went to his session is not sent by the clock', async () => {
    await confirms();
    await aliceHasWritten(START);
    await at(START, forgetPresence([BOB]));
    expect(await at(START + 30 * SECOND, claim(keyOf('m-1'), 1, 0))).toEqual({ outcome: 'moot' });
    expect(await dueOf()).toBe(START + 60 * SECOND);
  });
});

test('his last contact among the proxied is gone, so nobody will hear of him: the clock counts again', async () => {
  await confirms();
  await opened.redis.hset(opened.ledger.keys.subscriptions(BOB), ALICE, 's');
  await bobHas({ desk: START - DAY });
  await aliceHasWritten(START, 'm-1', { byTimetable: END });
  await at(START + SECOND, subscriptionStep('unsubscribe', BOB, ALICE, START + SECOND, 't-1'));
  expect(await dueOf()).toBe(START + 31 * SECOND);
});

test.each(['a', 'k', 'd', 'T', 'g', 't', 's'])('however it went (%s)', async (how) => {
  await confirms();
  await opened.redis.hset(opened.ledger.keys.subscriptions(BOB), ALICE, 's');
  await bobHas({ desk: START - DAY });
  await aliceHasWritten(START, 'm-1', { byTimetable: END });
  await writeCopy(opened.redis, opened.ledger.keys, BOB, keyOf('m-1'), how, START, START);
  await at(START + SECOND, subscriptionStep('unsubscribe', BOB, ALICE, START + SECOND, 't-1'));
  expect(await dueOf()).toBe(START + 31 * SECOND);
});

test('what has become due together is taken up in the order in which it was written', async () => {
  const ids = ['m-1', 'm-2', 'm-3', 'm-4', 'm-5', 'm-6'];
  for (const [i, id] of ids.entries()) {
    await at(START, aliceWrites({ id, at: START + i }));
    await opened.redis.zadd(opened.ledger.keys.due, START, keyOf(id));
  }
  const swept = (await opened.ledger.sweep(SECOND, 100, START + SECOND)).overdue;
  expect(swept.map(({ wireId }) => wireId)).toEqual(ids);
});

test('somebody with thousands of messages to come is looked at in portions', async () => {
  await confirms();
  await bobHas({ desk: START - DAY });
  for (let i = 0; i < 1000; i += 1) await aliceHasWritten(START, `m-${i}`);
  await bobHas({ desk: START + SECOND });
  const found: string[] = [];
  const times = { stepDue: 0, leaseUntil: START + 60 * SECOND, unconfirmedRetries: 1 };
  let cursor = '0';
  do {
    const { next, missed } = await at(
      START + SECOND,
      sessionAvailable({ user: BOB, event: 'login', cursor, ...times }),
    );
    expect(missed.length).toBeLessThan(200);
    found.push(...missed.map(({ key }) => key));
    cursor = next;
  } while (cursor !== '0');
  expect(new Set(found).size).toBe(1000);
});
