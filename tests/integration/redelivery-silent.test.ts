// A session that does not answer: what went to it goes to another, and to nobody twice for it.
import {
  claim,
  expire,
  handOver,
  type ReplyTo,
  type Request,
  recordPing,
  recordPresence,
  recordStrayPing,
  type SessionEvent,
  sequenceGap,
  sessionAvailable,
  settleUpTo,
} from '../../src/store/contract.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, openLedger, SECOND, TIMETABLE } from '../support/store/ledger.ts';

let server: RedisServer;
let opened: ReturnType<typeof openLedger>;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  opened = openLedger(server.url);
  await opened.redis.set(opened.ledger.keys.confirms(BOB), '1');
});
afterEach(() => opened.close());

const START = Date.now();
const END = START + TIMETABLE.messageTtl;
const STEP = 30 * SECOND;
const dueOf = async (id = 'm-1') => Number(await opened.redis.zscore(opened.ledger.keys.due, keyOf(id)));

function at<R extends Request>(now: number, request: R): Promise<ReplyTo<R>> {
  return opened.ledger.perform(request, now);
}

async function bobHas(sessions: Record<string, number>): Promise<void> {
  const name = opened.ledger.keys.sessions(BOB);
  await opened.redis.del(name);
  await opened.redis.hset(name, { '': START });
  for (const [resource, since] of Object.entries(sessions)) {
    await opened.redis.hset(name, resource, `${since};y;${since};`);
  }
}

async function handedOver(now: number, id = 'm-1', attempt = 1): Promise<void> {
  const unconfirmed = attempt > TIMETABLE.unconfirmedRetries ? END : now + TIMETABLE.unconfirmedRetryAfter;
  const times = { byTimetable: now + STEP, unconfirmed };
  const copy = { key: keyOf(id), attempt, copies: attempt, sender: ALICE, recipient: BOB, noStore: false };
  await at(now, handOver({ ...copy, ...times }));
}

async function aliceHasWritten(now: number, id = 'm-1'): Promise<void> {
  await at(now, aliceWrites({ id, at: now }));
  await handedOver(now, id);
}

const due = (now: number, id = 'm-1', attempt = 1) => at(now, claim(keyOf(id), attempt, 0));
const answers = (now: number, resource: string) => at(now + SECOND, recordPing(BOB, resource, now, true));
const isSilent = (now: number, resource: string) => at(now + 15 * SECOND, recordPing(BOB, resource, now, false));
const looks = async (now: number, event: SessionEvent = 'update') => {
  const times = { stepDue: now + STEP, leaseUntil: now + 60 * SECOND, unconfirmedRetries: 1 };
  return (await at(now, sessionAvailable({ user: BOB, event, ...times }))).missed.map(({ key, evidence }) => [
    key,
    evidence,
  ]);
};
const MISSED = [[keyOf('m-1'), 'session-silent']];

describe('a step after the copy, and no receipt', () => {
  test('his sessions are asked, each once a step, and less and less often', async () => {
    await bobHas({ phone: START - DAY, tablet: START - DAY, later: START + SECOND });
    await aliceHasWritten(START);
    await aliceHasWritten(START + SECOND, 'm-2');
    const asked = await due(START + STEP);
    if (asked.outcome !== 'asks') throw new Error(asked.outcome);
    // Not the one that sessionAvailable later.
    expect([...asked.resources].sort()).toEqual(['phone', 'tablet']);
    // The next message asks the one that had no part in the first.
    expect(await due(START + STEP + SECOND, 'm-2')).toEqual({ outcome: 'asks', user: BOB, resources: ['later'] });
    for (const one of ['phone', 'tablet']) await isSilent(START + STEP, one);
    expect(await dueOf()).toBe(START + 2 * STEP);
    expect(await due(START + 2 * STEP)).toMatchObject({ outcome: 'asks' });
    expect(await dueOf()).toBe(START + 4 * STEP);
  });

  test('of very many some, and the others a step later', async () => {
    await bobHas(Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`r-${i}`, START - DAY])));
    await aliceHasWritten(START);
    const asked = new Set<string>();
    for (const [now, count] of [
      [START + STEP, 50],
      [START + 2 * STEP, 10],
    ] as const) {
      const claimed = await due(now);
      if (claimed.outcome !== 'asks') throw new Error(claimed.outcome);
      expect(claimed.resources).toHaveLength(count);
      for (const one of claimed.resources) {
        asked.add(one);
        await answers(now, one);
      }
    }
    expect(asked.size).toBe(60);
    expect(await due(START + 4 * STEP)).toEqual({ outcome: 'moot' });
    expect(await dueOf()).toBe(END);
  });

  test('one that has answered has the copy: nobody is asked for it again', async () => {
    await bobHas({ phone: START - DAY });
    await aliceHasWritten(START);
    await due(START + STEP);
    await answers(START + STEP, 'phone');
    expect(await looks(START + STEP + SECOND)).toEqual([]);
    expect(await due(START + 2 * STEP)).toEqual({ outcome: 'moot' });
    expect(await dueOf()).toBe(END);
    // A client that says nothing is no proof: should its session end, it may have been lost with it.
    await bobHas({ phone: START + DAY });
    expect(await looks(START + DAY, 'login')).toEqual([[keyOf('m-1'), 'session-ended']]);
  });

  test('no session answers: it waits for the next', async () => {
    await bobHas({ phone: START - DAY });
    await aliceHasWritten(START);
    await due(START + STEP);
    await isSilent(START + STEP, 'phone');
    expect(await looks(START + 45 * SECOND)).toEqual([]);
    await bobHas({ phone: START - DAY, tablet: START + 50 * SECOND });
    expect(await looks(START + 50 * SECOND, 'login')).toEqual(MISSED);
    expect(await at(START + 51 * SECOND, claim(keyOf('m-1'), 1))).toMatchObject({
      outcome: 'claimed',
      target: 'tablet',
    });
  });

  test('another that was there has answered: it goes to that one, once', async () => {
    await bobHas({ phone: START - DAY, tablet: START - DAY });
    await aliceHasWritten(START);
    await due(START + STEP);
    await answers(START + STEP, 'tablet');
    expect(await looks(START + STEP + SECOND)).toEqual([]);
    await isSilent(START + STEP, 'phone');
    expect(await looks(START + 45 * SECOND)).toEqual(MISSED);
    // It is being sent.
    expect(await looks(START + 46 * SECOND)).toEqual([]);
    expect(await at(START + 46 * SECOND, claim(keyOf('m-1'), 1))).toMatchObject({ target: 'tablet' });
    await handedOver(START + 47 * SECOND, 'm-1', 2);
    expect(await looks(START + 48 * SECOND)).toEqual([]);
    // The tablet answers and confirms nothing. No third copy, even when the phone's session ends.
    expect(await due(START + 80 * SECOND, 'm-1', 2)).toMatchObject({ outcome: 'asks' });
    await answers(START + 80 * SECOND, 'tablet');
    expect(await looks(START + 81 * SECOND)).toEqual([]);
    await bobHas({ tablet: START - DAY });
    expect(await looks(START + 90 * SECOND)).toEqual([]);
  });

  test('another sessionAvailable since: it goes to that one', async () => {
    await bobHas({ phone: START - DAY });
    await aliceHasWritten(START);
    await bobHas({ phone: START - DAY, tablet: START + SECOND });
    expect(await looks(START + SECOND, 'login')).toEqual([]);
    await due(START + STEP);
    await isSilent(START + STEP, 'phone');
    expect(await looks(START + 45 * SECOND)).toEqual(MISSED);
  });

  test('whoever was never seen to confirm gets no more than UNCONFIRMED_RETRIES', async () => {
    await opened.redis.del(opened.ledger.keys.confirms(BOB));
    const name = opened.ledger.keys.sessions(BOB);
    await opened.redis.hset(name, { '': START, phone: `${START - DAY};u;0;`, tablet: `${START + SECOND};u;0;` });
    await aliceHasWritten(START);
    await isSilent(START + STEP, 'phone');
    expect(await looks(START + 45 * SECOND)).toEqual(MISSED);
    await at(START + 46 * SECOND, claim(keyOf('m-1'), 1));
    await handedOver(START + 46 * SECOND, 'm-1', 2);
    await isSilent(START + 80 * SECOND, 'tablet');
    await opened.redis.hset(name, 'desk', `${START + 90 * SECOND};u;0;`);
    expect(await looks(START + 91 * SECOND, 'login')).toEqual([]);
  });
});

test('nor by the clock, however often he changes device', async () => {
  await opened.redis.del(opened.ledger.keys.confirms(BOB));
  const name = opened.ledger.keys.sessions(BOB);
  await opened.redis.hset(name, { '': START, phone: `${START - DAY};u;0;` });
  await aliceHasWritten(START);
  await opened.redis.hdel(name, 'phone');
  await opened.redis.hset(name, 'tablet', `${START + SECOND};u;0;`);
  expect(await looks(START + SECOND, 'login')).toHaveLength(1);
  await at(START + SECOND, claim(keyOf('m-1'), 1));
  await handedOver(START + SECOND, 'm-1', 2);
  expect(await dueOf()).toBe(END);
});

test('what lay in offline storage may be lost on its way as well, so that its session is asked', async () => {
  await opened.redis.del(opened.ledger.keys.confirms(BOB));
  const name = opened.ledger.keys.sessions(BOB);
  await opened.redis.hset(name, { '': START });
  await aliceHasWritten(START);
  expect(await dueOf()).toBe(END);
  await opened.redis.hset(name, 'phone', `${START + SECOND};u;0;`);
  expect(await looks(START + SECOND, 'login')).toEqual([]);
  expect(await due(START + SECOND + STEP)).toEqual({ outcome: 'asks', user: BOB, resources: ['phone'] });
  await isSilent(START + SECOND + STEP, 'phone');
  await opened.redis.hset(name, 'tablet', `${START + 60 * SECOND};u;0;`);
  expect(await looks(START + 60 * SECOND, 'login')).toEqual(MISSED);
});

describe('one of the sessions that may have had it has ended, another is there', () => {
  beforeEach(async () => {
    await bobHas({ phone: START - DAY, tablet: START - DAY });
    await aliceHasWritten(START);
    await bobHas({ tablet: START - DAY });
  });
  const ENDED = [[keyOf('m-1'), 'session-ended']];

  test('it goes to that one when it has answered, and not confirmed it; once', async () => {
    expect(await looks(START + SECOND, 'ended')).toEqual([]);
    expect(await due(START + STEP)).toEqual({ outcome: 'asks', user: BOB, resources: ['tablet'] });
    expect(await looks(START + STEP)).toEqual([]);
    await answers(START + STEP, 'tablet');
    expect(await looks(START + STEP + SECOND)).toEqual(ENDED);
    expect(await looks(START + STEP + 2 * SECOND)).toEqual([]);
    expect(await at(START + STEP + 2 * SECOND, claim(keyOf('m-1'), 1))).toMatchObject({ outcome: 'claimed' });
    await handedOver(START + STEP + 2 * SECOND, 'm-1', 2);
    await due(START + 3 * STEP, 'm-1', 2);
    await answers(START + 3 * STEP, 'tablet');
    expect(await looks(START + 3 * STEP + SECOND)).toEqual([]);
  });

  test('not when they had all answered before', async () => {
    await bobHas({ phone: START - DAY, tablet: START - DAY });
    await due(START + STEP);
    for (const one of ['phone', 'tablet']) await answers(START + STEP, one);
    expect(await due(START + 2 * STEP)).toEqual({ outcome: 'moot' });
    await bobHas({ tablet: START - DAY });
    expect(await looks(START + 3 * STEP, 'ended')).toEqual([]);
    expect(await dueOf()).toBe(END);
  });

  test('nor silent ones, before the next is there', async () => {
    await looks(START + SECOND, 'ended');
    await due(START + STEP);
    await isSilent(START + STEP, 'tablet');
    expect(await looks(START + 45 * SECOND)).toEqual([]);
    await bobHas({ tablet: START - DAY, desk: START + 50 * SECOND });
    expect(await looks(START + 50 * SECOND, 'login')).toEqual(MISSED);
  });
});

test('a sequenceGap where another session may have had it: sent again when both have answered, or the other is silent', async () => {
  for (const [id, silent] of [
    ['m-1', false],
    ['m-2', true],
  ] as const) {
    await bobHas({ phone: START - DAY, tablet: START - DAY });
    await opened.redis.del(opened.ledger.keys.asked(BOB));
    await aliceHasWritten(START, id);
    expect((await at(START, sequenceGap(BOB, 'tablet', ALICE, START + 1, START + 10 * SECOND))).keys).toHaveLength(1);
    expect(await due(START + 10 * SECOND, id)).toMatchObject({ outcome: 'asks' });
    await answers(START + 10 * SECOND, 'tablet');
    expect(await looks(START + 11 * SECOND)).toEqual([]);
    await (silent ? isSilent : answers)(START + 10 * SECOND, 'phone');
    expect(await looks(START + 25 * SECOND)).toEqual([[keyOf(id), silent ? 'session-silent' : 'session-ended']]);
    await at(START + 25 * SECOND, claim(keyOf(id), 1));
    await handedOver(START + 25 * SECOND, id, 2);
  }
});

describe('silence is over', () => {
  beforeEach(async () => {
    await opened.redis.hset(opened.ledger.keys.subscriptions(BOB), ALICE, 's');
    await bobHas({ phone: START - DAY });
    await aliceHasWritten(START);
    await due(START + STEP);
    await isSilent(START + STEP, 'phone');
  });
  const bobTakesAnother = async (now: number) => {
    await opened.redis.hset(opened.ledger.keys.sessions(BOB), 'tablet', `${now};y;${now};`);
    return looks(now, 'login');
  };

  test('by presence', async () => {
    await at(START + 46 * SECOND, recordPresence(BOB, ALICE, 'phone', true, START + 46 * SECOND, '', '', 't-1'));
    expect(await bobTakesAnother(START + 50 * SECOND)).toEqual([]);
  });

  test('by a receipt for another message', async () => {
    await at(START + 46 * SECOND, sequenceGap(BOB, 'phone', ALICE, START - 1, START + 56 * SECOND));
    expect(await bobTakesAnother(START + 50 * SECOND)).toEqual([]);
  });

  test('by a late answer, or one that sessionAvailable to another process', async () => {
    await at(START + 46 * SECOND, recordStrayPing(BOB, 'phone'));
    expect(await bobTakesAnother(START + 50 * SECOND)).toEqual([]);
    // That the time was over there is no news then.
    await isSilent(START + STEP, 'phone');
    expect(await looks(START + 51 * SECOND)).toEqual([]);
  });

  test('what is known of it goes with the session', async () => {
    const tells = (available: boolean, token: string) =>
      at(START + 46 * SECOND, recordPresence(BOB, ALICE, 'phone', available, START + 46 * SECOND, '', '', token));
    expect(await opened.redis.hkeys(opened.ledger.keys.asked(BOB))).toEqual(['phone']);
    await tells(false, 't-1');
    expect(await opened.redis.exists(opened.ledger.keys.asked(BOB))).toBe(0);
  });

  test('not by anything else', async () => {
    expect(await bobTakesAnother(START + 50 * SECOND)).toEqual(MISSED);
  });
});

test('a marker from another session proves nothing of what only a silent one can have', async () => {
  await bobHas({ phone: START - DAY });
  await aliceHasWritten(START);
  await bobHas({ phone: START - DAY, tablet: START + SECOND });
  await aliceHasWritten(START + 2 * SECOND, 'm-2');
  const now = START + 3 * SECOND;
  const { settled } = await at(now, settleUpTo(keyOf('m-2'), ALICE, BOB, 'tablet', now));
  expect(settled.map(({ record }) => record.wireId)).toEqual(['m-2']);
});

test('a client that drops what it knows without confirming it: no error for the sender', async () => {
  // It has shown the message, its receipt was lost with its session, and the second copy is dropped by its id.
  await bobHas({ phone: START - DAY });
  await aliceHasWritten(START);
  await bobHas({ phone: START + SECOND });
  expect(await looks(START + SECOND, 'login')).toHaveLength(1);
  await at(START + SECOND, claim(keyOf('m-1'), 1));
  await handedOver(START + SECOND, 'm-1', 2);
  await aliceHasWritten(START + 2 * SECOND, 'm-2');
  expect(
    await at(START + 3 * SECOND, sequenceGap(BOB, 'phone', ALICE, START + 2 * SECOND, START + 13 * SECOND)),
  ).toMatchObject({ keys: [] });
  await bobHas({ phone: START + DAY });
  expect(await looks(START + DAY, 'login')).not.toContainEqual([keyOf('m-1'), 'session-ended']);
  expect(await at(END, expire(keyOf('m-1'), END))).toMatchObject({ state: 'unconfirmed' });
});

test('the same of somebody whose presence is not known: the timetable ends when two copies went out between his receipts', async () => {
  await aliceHasWritten(START);
  let now = START;
  let attempt = 1;
  const copies = async () => {
    for (let due = await dueOf(); due < END && attempt < 20; due = await dueOf()) {
      // He confirms what is written after each copy.
      await at(due - 2, sequenceGap(BOB, 'phone', ALICE, due - 3, due + 7 * SECOND));
      now = due;
      if ((await dueOf()) > now) continue;
      expect(await at(now, claim(keyOf('m-1'), attempt))).toMatchObject({ outcome: 'claimed' });
      attempt += 1;
      await handedOver(now, 'm-1', attempt);
    }
    return attempt;
  };
  expect(await copies()).toBe(3);
  expect(await at(END, expire(keyOf('m-1'), END))).toMatchObject({ state: 'unconfirmed' });
});

test('but not for receipts that sessionAvailable before a copy, which may have been lost', async () => {
  await aliceHasWritten(START);
  for (const attempt of [1, 2, 3]) {
    const now = START + attempt * STEP;
    await at(now, sequenceGap(BOB, 'phone', ALICE, START - 1, now + 10 * SECOND));
    expect(await at(now, claim(keyOf('m-1'), attempt))).toMatchObject({ outcome: 'claimed' });
    await handedOver(now, 'm-1', attempt + 1);
  }
  expect(await at(END, expire(keyOf('m-1'), END))).toMatchObject({ state: 'expired' });
});
