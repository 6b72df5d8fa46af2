// Every cell of the table in docs/redelivery.md, against the scripts that look their answers up in it.

import {
  bounce,
  bringForward,
  byStoring,
  claim,
  expire,
  handOver,
  notified,
  type ReplyTo,
  type Request,
  recordPing,
  type SessionEvent,
  senderAvailable,
  sequenceGap,
  sessionAvailable,
  settle,
  settleUpTo,
} from '../../src/store/contract.ts';
import { ruleFor, SITUATIONS, type Situation } from '../../src/store/redelivery-rules.ts';
import { RedisQueries } from '../../src/store/redis/administration-queries.ts';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { writeCopy } from '../support/store/copies.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, openLedger, RETRY, SECOND, TIMETABLE } from '../support/store/ledger.ts';

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

const KEY = keyOf('m-1');
const START = Date.now();
const END = START + TIMETABLE.messageTtl;
const dueOf = async (key = KEY) => Number(await opened.redis.zscore(opened.ledger.keys.due, key));

/** At a time of the test's choosing. */
function at<R extends Request>(now: number, request: R): Promise<ReplyTo<R>> {
  return opened.ledger.perform(request, now);
}

/** Bob's sessions: since when each lasts, and whether its client knows receipts; his presence is known. */
async function bobHas(sessions: Record<string, [since: number, receipts: 'y' | 'n' | 'u']>): Promise<void> {
  const name = opened.ledger.keys.sessions(BOB);
  await opened.redis.del(name);
  await opened.redis.hset(name, { '': START });
  for (const [resource, [since, receipts]] of Object.entries(sessions)) {
    await opened.redis.hset(name, resource, `${since};${receipts}`);
  }
}

const areContacts = () => opened.redis.hset(`${opened.ledger.keys.prefix}:sub:${ALICE}`, BOB, 's');
const confirms = (how: '1' | 's') => opened.redis.set(opened.ledger.keys.confirms(BOB), how);

function handedOver(attempt: number, copies: number, now: number, { key = KEY, noStore = false } = {}) {
  const progress = { storedAt: START, copies };
  return handOver({
    key,
    attempt,
    copies,
    byTimetable: RETRY.bySchedule(progress.storedAt, progress.copies, now, 0),
    unconfirmed: RETRY.unconfirmed(progress.storedAt, progress.copies, now, 0),
    sender: ALICE,
    recipient: BOB,
    noStore,
  });
}

async function comes(user: string, event: SessionEvent, now: number) {
  const times = { stepDue: now + 30 * SECOND, leaseUntil: now + 60 * SECOND, unconfirmedRetries: 1 };
  const { missed } = await at(now, sessionAvailable({ user, event, ...times }));
  const inOrder = [...missed].sort(byStoring);
  return inOrder.map(({ key, attempt, evidence }) => ({ key, attempt, evidence }));
}
const bobComes = (now: number, login = true) => comes(BOB, login ? 'login' : 'update', now);

/** What the server and the recipient do with each copy. */
async function copyGoes(copy: Situation['copy'], attempt: number, copies: number, now: number): Promise<void> {
  if (copy === 'none') return;
  await at(now, handedOver(attempt, copies, now));
  if (copy === 'handed over') return;
  const bounced = await at(now, bounce(KEY));
  if (bounced.outcome !== 'done') throw new Error('no bounce');
  await at(now, bringForward(KEY, RETRY.bySchedule(bounced.record.storedAt, bounced.record.copies, now, 0), BOB));
}

async function situation({ presence, acknowledges, copy }: Situation): Promise<void> {
  if (presence === 'online') await bobHas({ desk: [START - DAY, acknowledges === 'no' ? 'n' : 'u'] });
  if (presence === 'offline') await bobHas({});
  if (acknowledges === 'yes') await confirms('1');
  // Known to give receipts to contacts only, and alice is none.
  if (acknowledges === 'no') await confirms('s');
  await at(START, aliceWrites({ at: START }));
  await copyGoes(copy, 1, 1, START);
}

const named = SITUATIONS.map(
  (one) => [`${one.presence}, acknowledges: ${one.acknowledges}, ${one.copy}`, one] as const,
);

describe('every situation', () => {
  test.each(named)('%s: what the clock does', async (_, one) => {
    await situation(one);
    const { timer } = ruleFor(one);
    const expected = {
      lease: START + 10 * SECOND,
      timetable: START + 30 * SECOND,
      unconfirmed: START + 900 * SECOND,
      ask: START + 30 * SECOND,
      none: END,
    };
    expect(await dueOf()).toBe(expected[timer]);
  });

  test.each(named)('%s: copies in a whole life in which nothing changes', async (_, one) => {
    await situation(one);
    const { timer } = ruleFor(one);
    let copies = 0;
    for (let due = await dueOf(); due < END && copies < 20; due = await dueOf()) {
      const claimed = await at(due, claim(KEY, copies + 1, due));
      if (claimed.outcome === 'asks') {
        expect(claimed).toMatchObject({ user: BOB, resources: ['desk'] });
        await at(due, recordPing(BOB, 'desk', due, true));
        // It has the copy, and is not asked again.
        expect(await at(due + DAY, claim(KEY, copies + 1, 0))).toEqual({ outcome: 'moot' });
        continue;
      }
      if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
      copies += 1;
      await copyGoes(one.copy, claimed.record.attempt, claimed.record.copies + 1, due);
    }
    const expected = { lease: 20, timetable: 20, unconfirmed: TIMETABLE.unconfirmedRetries, ask: 0, none: 0 };
    expect(copies).toBe(expected[timer]);
  });

  test.each(named)('%s: what any presence of his does', async (_, one) => {
    await situation(one);
    if (one.presence === 'offline') await bobHas({ desk: [START + SECOND, one.acknowledges === 'no' ? 'n' : 'u'] });
    const missed = await bobComes(START + SECOND, false);
    expect(missed.map(({ key }) => key)).toEqual(ruleFor(one).presence ? [KEY] : []);
  });

  test.each(named)('%s: what the end of the session and a login do', async (_, one) => {
    await situation(one);
    const later = START + 2 * SECOND;
    if (one.presence !== 'unknown') await bobHas({ phone: [later, one.acknowledges === 'no' ? 'n' : 'u'] });
    const missed = await bobComes(later);
    const { sessionEnded, stored, presence } = ruleFor(one);
    // What was handed over to somebody who was away lies at the server, and went to no session.
    const wasStored = one.presence === 'offline' && one.copy === 'handed over';
    const again = presence || (sessionEnded !== 'never' && !wasStored);
    expect(missed.map(({ key }) => key)).toEqual(again ? [KEY] : []);
    if (again) expect(await dueOf()).toBe(later + 60 * SECOND);
    else if (wasStored) {
      // To be sent, or for its session to be asked whether it is there.
      const asks = ruleFor({ ...one, presence: 'online' }).timer === 'ask';
      expect(Math.ceil(await dueOf())).toBe(stored || asks ? later + 30 * SECOND : END);
    }
  });

  test.each(named)('%s: how it ends', async (_, one) => {
    await situation(one);
    expect(await at(END, expire(KEY, END))).toMatchObject({ state: ruleFor(one).ends });
  });
});

describe('the session ended', () => {
  test('not while another one lives that was there when the copy was handed over', async () => {
    await confirms('1');
    await bobHas({ desk: [START - DAY, 'y'], phone: [START - DAY, 'y'] });
    await at(START, aliceWrites({ at: START }));
    await at(START, handedOver(1, 1, START));
    await bobHas({ desk: [START - DAY, 'y'], tablet: [START + SECOND, 'y'] });
    expect(await bobComes(START + SECOND)).toEqual([]);
    await bobHas({ tablet: [START + SECOND, 'y'], phone: [START + 2 * SECOND, 'y'] });
    expect(await bobComes(START + 2 * SECOND)).toEqual([{ key: KEY, attempt: 1, evidence: 'session-ended' }]);
  });

  test('what a client without receipts was given is never sent again, whatever he logs in with', async () => {
    await confirms('1');
    await bobHas({ desk: [START - DAY, 'n'] });
    await at(START, aliceWrites({ at: START }));
    await at(START, handedOver(1, 1, START));
    await bobHas({ phone: [START + SECOND, 'y'] });
    expect(await bobComes(START + SECOND)).toEqual([]);
    expect(await dueOf()).toBe(END);
    expect(await at(END, expire(KEY, END))).toMatchObject({ state: 'unconfirmed' });
  });

  test('somebody never seen to confirm gets as many more as UNCONFIRMED_RETRIES', async () => {
    await bobHas({ desk: [START - DAY, 'u'] });
    await at(START, aliceWrites({ at: START }));
    await at(START, handedOver(1, 1, START));
    await bobHas({ desk: [START + SECOND, 'u'] });
    expect(await bobComes(START + SECOND)).toHaveLength(1);
    await at(START + SECOND, claim(KEY, 1));
    await at(START + SECOND, handedOver(2, 2, START + SECOND));
    await bobHas({ desk: [START + 2 * SECOND, 'u'] });
    expect(await bobComes(START + 2 * SECOND)).toEqual([]);
  });

  test('messages come back in the order in which they were stored', async () => {
    await confirms('1');
    await bobHas({ desk: [START - DAY, 'y'] });
    // Half of them within one millisecond.
    const ids = Array.from({ length: 60 }, (_, i) => `m-${i}`);
    const counted = (i: number) => `token-${(i + 30).toString(36)}`;
    for (const [i, id] of ids.entries()) {
      await at(START, aliceWrites({ id, at: START + Math.max(0, i - 30), token: counted(i) }));
      await at(START, handedOver(1, 1, START, { key: keyOf(id) }));
    }
    await bobHas({ desk: [START + SECOND, 'y'] });
    expect((await bobComes(START + SECOND)).map(({ key }) => key)).toEqual(ids.map(keyOf));
  });
});

describe('away', () => {
  test('a copy that offline storage was not to take is known to be lost', async () => {
    await confirms('1');
    await bobHas({});
    await at(START, aliceWrites({ at: START }));
    await at(START, handedOver(1, 1, START, { noStore: true }));
    await bobHas({ desk: [START + SECOND, 'y'] });
    expect(await bobComes(START + SECOND)).toEqual([{ key: KEY, attempt: 1, evidence: 'not-stored' }]);
  });

  test('a job that comes due while he is away sends nothing, and waits for him', async () => {
    await confirms('1');
    await at(START, aliceWrites({ at: START }));
    await at(START, handedOver(1, 1, START));
    await bobHas({});
    expect(await at(START + 31 * SECOND, claim(KEY, 1))).toEqual({ outcome: 'moot' });
    expect(await dueOf()).toBe(END);
  });

  test('a first copy does not wait for him: the server stores it', async () => {
    await bobHas({});
    await at(START, aliceWrites({ at: START }));
    expect(await at(START + 11 * SECOND, claim(KEY, 1))).toMatchObject({ outcome: 'claimed', noStore: false });
  });
});

describe('stored while he was away', () => {
  test('and lost with the session that it sessionAvailable to: sent again at the next login', async () => {
    await confirms('1');
    await bobHas({});
    await at(START, aliceWrites({ at: START }));
    await at(START, handedOver(1, 1, START));
    await bobHas({ desk: [START + SECOND, 'y'] });
    expect(await bobComes(START + SECOND)).toEqual([]);
    // Another of his devices changes nothing: the first one may be reading.
    await bobHas({ desk: [START + SECOND, 'y'], phone: [START + 2 * SECOND, 'y'] });
    expect(await bobComes(START + 2 * SECOND)).toEqual([]);
    await bobHas({ tablet: [START + 3 * SECOND, 'y'] });
    expect(await bobComes(START + 3 * SECOND)).toEqual([{ key: KEY, attempt: 1, evidence: 'session-ended' }]);
  });
});

describe('a copy that is sent again', () => {
  test('is kept from offline storage where nothing is known of him, nor that he ever confirmed anything', async () => {
    await at(START, aliceWrites({ at: START }));
    await at(START, handedOver(1, 1, START));
    expect(await at(START + 1000 * SECOND, claim(KEY, 1))).toMatchObject({ outcome: 'claimed', noStore: true });
  });

  test.each([
    ['is kept from offline storage where nothing is known of him', false, true],
    ['is the only one there when it is sent on evidence', true, false],
  ])('%s', async (_, known, noStore) => {
    await confirms('1');
    if (known) await bobHas({ desk: [START - DAY, 'y'] });
    await at(START, aliceWrites({ at: START }));
    await at(START, handedOver(1, 1, START));
    expect(await at(START + 31 * SECOND, claim(KEY, 1))).toMatchObject({ outcome: 'claimed', noStore });
  });
});

test('his first receipt puts on the timetable what went to him unknown, not what a live session may yet confirm', async () => {
  await at(START, aliceWrites({ id: 'm-1', at: START }));
  await at(START, handedOver(1, 1, START));
  await bobHas({ desk: [START - DAY, 'u'] });
  await at(START, aliceWrites({ id: 'm-2', at: START }));
  await at(START, handedOver(1, 1, START, { key: keyOf('m-2') }));
  await at(START, aliceWrites({ id: 'm-3', at: START }));
  await at(START, settle(keyOf('m-3'), 'desk', START, { sender: ALICE, recipient: BOB }));
  expect(await dueOf(keyOf('m-1'))).toBe(START + 30 * SECOND);
  // When that one is asked.
  expect(await dueOf(keyOf('m-2'))).toBe(START + 30 * SECOND);
});

describe('a gap', () => {
  async function twoMessages(): Promise<void> {
    await confirms('1');
    await bobHas({ desk: [START - DAY, 'y'], phone: [START + 5, 'y'] });
    await at(START, aliceWrites({ id: 'm-1', at: START }));
    await at(START, handedOver(1, 1, START));
    await at(START, aliceWrites({ id: 'm-2', at: START + 1 }));
  }

  test('the session that it went to confirmed a later one: it is due', async () => {
    await twoMessages();
    expect((await at(START, sequenceGap(BOB, 'desk', ALICE, START + 1, START + 10 * SECOND))).keys).toHaveLength(1);
    expect(await dueOf()).toBe(START + 10 * SECOND);
  });

  test.each([
    ['an unknown session', 'attic', START + 1],
    ['an earlier message', 'desk', START],
  ])('not by %s', async (_, resource, later) => {
    await twoMessages();
    expect((await at(START, sequenceGap(BOB, resource, ALICE, later, START + 10 * SECOND))).keys).toHaveLength(0);
    expect(await dueOf()).toBe(START + 30 * SECOND);
  });

  test('another session, which began later, confirmed a later one: the first is asked, sooner', async () => {
    await twoMessages();
    expect((await at(START, sequenceGap(BOB, 'phone', ALICE, START + 1, START + 10 * SECOND))).keys).toHaveLength(0);
    expect(await dueOf()).toBe(START + 10 * SECOND);
    const due = START + 10 * SECOND;
    expect(await at(due, claim(KEY, 1, due))).toEqual({ outcome: 'asks', user: BOB, resources: ['desk'] });
  });

  test('once for each session: a client may drop what it knows without confirming it', async () => {
    await twoMessages();
    await at(START, sequenceGap(BOB, 'desk', ALICE, START + 1, START + 10));
    await at(START + 10, claim(KEY, 1));
    await at(START + 10, handedOver(2, 2, START + 10));
    expect((await at(START + 20, sequenceGap(BOB, 'desk', ALICE, START + 1, START + 30))).keys).toHaveLength(0);
    // The next login begins anew: it is not known that this one got the second copy.
    await bobHas({ desk: [START + 40, 'y'] });
    expect(await bobComes(START + 40)).toHaveLength(1);
  });

  test('no third copy for who has had two in sessions that went on', async () => {
    await twoMessages();
    await at(START, sequenceGap(BOB, 'desk', ALICE, START + 1, START + 10));
    await at(START + 10, claim(KEY, 1));
    await at(START + 10, handedOver(2, 2, START + 10));
    expect((await at(START + 20, sequenceGap(BOB, 'desk', ALICE, START + 11, START + 30))).keys).toHaveLength(0);
    expect(await dueOf()).toBe(END);
    await bobHas({ desk: [START + 40, 'y'] });
    expect(await bobComes(START + 40)).toEqual([]);
    expect(await at(END, expire(KEY, END))).toMatchObject({ state: 'unconfirmed' });
  });

  test.each([
    ['of this conversation', ALICE, 'unconfirmed'],
    ['of another', 'carol@example.org', 'expired'],
  ] as const)(
    'the client that has the message went on in a conversation, %s: how it ends',
    async (_, sender, state) => {
      await twoMessages();
      await at(START, sequenceGap(BOB, 'desk', sender, START + 1, START + 10));
      await at(START + 10, claim(KEY, 1));
      await at(START + 10, handedOver(2, 2, START + 10));
      expect(await at(END, expire(KEY, END))).toMatchObject({ state });
    },
  );
});

describe('whether a missing receipt means anything', () => {
  test.each<[string, { seen?: '1' | 's'; contacts?: true; caps?: 'y' | 'n' | 'u' }, 'expired' | 'unconfirmed']>([
    ['he gave one to somebody who is no contact', { seen: '1' }, 'expired'],
    ['he gave them to contacts only, and is one', { seen: 's', contacts: true }, 'expired'],
    ['he gave them to contacts only, and is none', { seen: 's' }, 'unconfirmed'],
    ['his client says that it does, and he is a contact', { caps: 'y', contacts: true }, 'expired'],
    ['his client says that it does, and he is no contact', { caps: 'y' }, 'unconfirmed'],
    ['his client says that it does not', { seen: '1', caps: 'n', contacts: true }, 'unconfirmed'],
    ['nothing is known', {}, 'unconfirmed'],
  ])('%s: ends %s', async (_, { seen, contacts, caps }, state) => {
    if (seen) await confirms(seen);
    if (contacts) await areContacts();
    if (caps) await bobHas({ desk: [START - DAY, caps] });
    await at(START, aliceWrites({ at: START }));
    await at(START, handedOver(1, 1, START));
    expect(await at(END, expire(KEY, END))).toMatchObject({ state });
  });

  test('a receipt tells whether he gives them to contacts only', async () => {
    const receipt = (id: string) => settle(keyOf(id), 'desk', START, { sender: ALICE, recipient: BOB });
    await areContacts();
    await at(START, aliceWrites({ id: 'm-1' }));
    await at(START, receipt('m-1'));
    expect(await opened.redis.get(opened.ledger.keys.confirms(BOB))).toBe('s');
    await opened.redis.del(`${opened.ledger.keys.prefix}:sub:${ALICE}`);
    await at(START, aliceWrites({ id: 'm-2' }));
    await at(START, receipt('m-2'));
    expect(await opened.redis.get(opened.ledger.keys.confirms(BOB))).toBe('1');
    await areContacts();
    await at(START, aliceWrites({ id: 'm-3' }));
    await at(START, receipt('m-3'));
    expect(await opened.redis.get(opened.ledger.keys.confirms(BOB))).toBe('1');
  });
});

describe('proof without a receipt', () => {
  const marker = (id: string) => at(START + SECOND, settleUpTo(keyOf(id), ALICE, BOB, 'desk', START + SECOND));

  test('a marker settles its message and what was sent before it, not what sessionAvailable back nor what sessionAvailable later', async () => {
    for (const [i, id] of ['m-1', 'm-2', 'm-3', 'm-4'].entries()) {
      await at(START, aliceWrites({ id, at: START, token: `token-${i}` }));
      await at(START, handedOver(1, 1, START, { key: keyOf(id) }));
    }
    await at(START, bounce(keyOf('m-2')));
    // Somebody else's, to the same recipient.
    const carols = recordKey('carol@example.org', BOB, 'c-1');
    await opened.redis.set(
      opened.ledger.keys.record(carols),
      `2p10010001${START}${['carol@example.org', '', BOB, '', 'c-1', '', '', '', 'x', 'token-0', '', '', '', ''].join('\x1f')}\x1e<body/>`,
    );
    await writeCopy(opened.redis, opened.ledger.keys, BOB, carols, 'o', START, START);
    const { settled } = await marker('m-3');
    expect((await opened.ledger.status([carols]))[0]?.state).toBe('pending');
    expect(settled.map(({ record }) => [record.wireId, record.state, record.receiptResource])).toEqual([
      ['m-1', 'delivered', 'desk'],
      ['m-3', 'delivered', 'desk'],
    ]);
    const states = await opened.ledger.status(['m-2', 'm-4'].map(keyOf));
    expect(states.map((record) => record?.state)).toEqual(['pending', 'pending']);
    // It was settled before: nothing new.
    expect((await marker('m-3')).settled).toEqual([]);
    expect((await marker('m-9')).settled).toEqual([]);
  });
});

test('nothing is left of a message that was in trouble once it is delivered', async () => {
  const { keys } = opened.ledger;
  await at(START, aliceWrites({ at: START }));
  await at(START, handedOver(1, 1, START));
  expect(await opened.redis.hkeys(keys.copies(BOB))).toEqual([KEY]);
  expect(await opened.redis.hgetall(keys.holds(ALICE))).toEqual({ [BOB]: '1' });
  expect(await opened.redis.exists(keys.from(ALICE))).toBe(0);
  // That its first copy was handed over stands in the entry of the copy: a list of its own takes 260 bytes.
  expect(await opened.redis.exists(keys.life(KEY))).toBe(0);
  const queries = new RedisQueries(opened.redis, opened.ledger.shards);
  expect(await queries.life(KEY)).toEqual([{ at: START, what: expect.stringMatching(/^handed-over .$/) }]);
  await at(START, settle(KEY, 'desk', START));
  await at(START, notified([{ key: KEY, state: 'delivered' }])[0] as Request);
  expect(
    await opened.redis.exists(keys.copies(BOB), keys.from(ALICE), keys.holds(ALICE), keys.life(KEY), keys.due),
  ).toBe(0);
});

test('a message that is confirmed before its hand-over leaves nothing beside its record', async () => {
  await at(START, aliceWrites({ at: START }));
  await at(START, settle(KEY, 'desk', START));
  const { keys } = opened.ledger;
  expect(await opened.redis.exists(keys.copies(BOB), keys.from(ALICE), keys.life(KEY))).toBe(0);
});

describe('a sender who is away when her message fails', () => {
  const LATER = END + 3600 * SECOND;
  const alices = () => opened.ledger.keys.sessions(ALICE);
  const aliceComes = (now: number) => at(now, senderAvailable(ALICE, '0'));
  async function fails(): Promise<boolean | undefined> {
    await at(START, aliceWrites({ at: START }));
    return (await at(END, expire(KEY, END)))?.senderAway;
  }

  test('is notified when she comes, at the session that she has then', async () => {
    await opened.redis.hset(alices(), { '': START });
    expect(await fails()).toBe(true);
    expect((await opened.ledger.sweep(SECOND, 10, END + 60 * SECOND)).overdue).toEqual([]);
    await opened.redis.hset(alices(), 'desk', `${END};u`);
    await aliceComes(END + SECOND);
    expect((await opened.ledger.sweep(10 * SECOND, 10, END + 2 * SECOND)).overdue).toHaveLength(1);
    expect(await at(END + 2 * SECOND, claim(KEY, 1, END + 12 * SECOND))).toMatchObject({
      outcome: 'claimed',
      record: { state: 'expired', senderAway: false, senderResource: 'desk' },
    });
  });

  test('and nobody knows what became of it: is notified that when she comes, and it is not kept for ever', async () => {
    const { keys } = opened.ledger;
    await opened.redis.hset(alices(), { '': START });
    await at(START, aliceWrites({ at: START }));
    await at(START, handedOver(1, 1, START));
    expect(await at(END, expire(KEY, END))).toMatchObject({ state: 'unconfirmed', senderAway: true });
    const left = await opened.redis.pttl(keys.from(ALICE));
    expect(left).toBeGreaterThan(0);
    await opened.redis.hset(alices(), 'desk', `${END};u`);
    await aliceComes(END + SECOND);
    expect((await opened.ledger.sweep(10 * SECOND, 10, END + 2 * SECOND)).overdue).toMatchObject([
      { state: 'unconfirmed' },
    ]);
  });

  test('a later trouble of hers does not make an undelivered message be forgotten sooner', async () => {
    await fails();
    const { keys } = opened.ledger;
    expect(await opened.redis.pttl(keys.from(ALICE))).toBeGreaterThan(29 * DAY);
    await at(END, aliceWrites({ id: 'm-2', at: END }));
    await at(END, handedOver(1, 1, END, { key: keyOf('m-2') }));
    expect(await opened.redis.pttl(keys.from(ALICE))).toBeGreaterThan(29 * DAY);
  });

  test('is looked for again once an hour, should her coming be missed', async () => {
    await opened.redis.hset(alices(), { '': START });
    await fails();
    expect((await opened.ledger.sweep(SECOND, 10, LATER)).overdue).toHaveLength(1);
    expect(await at(LATER, claim(KEY, 1))).toEqual({ outcome: 'moot' });
    expect(Number(await opened.redis.zscore(opened.ledger.keys.due, `${KEY}x`))).toBe(LATER + 3600 * SECOND);
  });

  test('is notified at once at the session that she wrote from, or at another that lives', async () => {
    await opened.redis.hset(alices(), { '': START, phone: `${START};u`, desk: `${START};u` });
    expect(await fails()).toBe(false);
    expect(await at(END, claim(KEY, 1))).toMatchObject({ record: { senderResource: 'phone' } });
    await opened.redis.hdel(alices(), 'phone');
    expect(await at(END, claim(KEY, 2))).toMatchObject({ record: { senderResource: 'desk' } });
  });

  test('of whom nothing is known is notified as ever', async () => {
    expect(await fails()).toBe(false);
  });
});

test('what was sent more than once keeps its life, for whoever looks it up', async () => {
  await confirms('1');
  await at(START, aliceWrites({ at: START }));
  await at(START, handedOver(1, 1, START));
  await at(START + 31 * SECOND, claim(KEY, 1));
  await at(START + 31 * SECOND, handedOver(2, 2, START + 31 * SECOND));
  await at(START + 32 * SECOND, settle(KEY, 'desk', START + 32 * SECOND));
  const life = await opened.redis.lrange(opened.ledger.keys.life(KEY), 0, -1);
  expect(life.map((one) => one.split(' ')[1])).toEqual(['handed-over', 'claimed', 'handed-over']);
});
