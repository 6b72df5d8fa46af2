// What the store's contract promises about presence, evidence and what is forgotten, of each implementation.
import {
  claim,
  endUnheardSessions,
  expire,
  forgetPresence,
  forgetUser,
  handOver,
  isAvailable,
  quarantine,
  recordPing,
  recordPresence,
  reject,
  renewSession,
  reported,
  senderAvailable,
  sequenceGap,
  sessionAvailable,
  settle,
  settleUpTo,
  subscribersOf,
  subscriptionStep,
} from '../../src/store/contract.ts';
import { Erasure } from '../../src/store/erasure.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, SECOND } from '../support/store/ledger.ts';
import { IMPLEMENTATIONS, type Implementation, type Subject } from '../support/store/store-contract.ts';
import { until } from '../support/time/until.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const NOW = Date.now();
const KEY = keyOf('m-1');

describe.each(Object.keys(IMPLEMENTATIONS))('the store in %s', (implementation) => {
  let opened: Implementation;
  let store: Subject;
  const open = IMPLEMENTATIONS[implementation] as (url: string, retention?: { dedupWindow?: number }) => Implementation;
  let tokens = 0;
  beforeEach(() => {
    opened = open(server.url);
    store = opened.store;
  });
  afterEach(() => opened.close());

  const sees = (resource: string, available: boolean, at: number, more = {}) => {
    tokens += 1;
    return store.perform(recordPresence(BOB, ALICE, resource, available, at, '', '', `p-${tokens}`, more), at);
  };
  const subscribes = () => store.perform(subscriptionStep('subscribed', BOB, ALICE, NOW, 'granted'), NOW);
  async function sends(id: string, at: number, more: { noStore?: boolean } = {}): Promise<void> {
    const key = keyOf(id);
    await store.perform(aliceWrites({ id, at }), at);
    const dues = { byTimetable: at + 30 * SECOND, unconfirmed: at + 900 * SECOND };
    const copy = { key, attempt: 1, copies: 1, ...dues, sender: ALICE, recipient: BOB, noStore: false, ...more };
    await store.perform(handOver(copy), at);
  }
  const comes = (event: 'login' | 'ended' | 'update', at: number) => {
    const times = { stepDue: at + 30 * SECOND, leaseUntil: at + 60 * SECOND, unconfirmedRetries: 1 };
    return store.perform(sessionAvailable({ user: BOB, event, ...times }), at);
  };

  test('a subscription is asked for, granted and ended, each step once for its token', async () => {
    const step = (type: 'subscribe' | 'subscribed' | 'unsubscribe', token: string) =>
      store.perform(subscriptionStep(type, BOB, ALICE, NOW, token), NOW);
    expect([await step('subscribe', 'a'), await step('subscribe', 'a'), await step('subscribe', 'b')]).toEqual([
      'none',
      'none',
      'asked',
    ]);
    expect([await step('subscribed', 'c'), await store.perform(subscribersOf(BOB), NOW)]).toEqual(['asked', [ALICE]]);
    expect(await opened.queries.contacts()).toEqual([BOB]);
    expect([await step('unsubscribe', 'd'), await store.perform(subscribersOf(BOB), NOW)]).toEqual(['subscribed', []]);
  });

  test('a session begins, goes on, becomes another by a login, and ends', async () => {
    await subscribes();
    expect(await sees('desk', true, NOW)).toMatchObject({ what: 'began', asks: true });
    expect(await sees('desk', true, NOW + 2 * SECOND)).toMatchObject({ what: 'updated', asks: false });
    expect(await store.perform(isAvailable(BOB, ALICE), NOW)).toBe(true);
    expect(await store.perform(renewSession(BOB, 'desk', NOW + 4 * SECOND, 'q'), NOW)).toBe(false);
    expect(await store.perform(renewSession(BOB, 'desk', NOW + 4 * SECOND, 'o', NOW - 1), NOW)).toBe(false);
    expect(await store.perform(renewSession(BOB, 'desk', NOW + 4 * SECOND, 'p', NOW), NOW)).toBe(true);
    expect(await store.perform(renewSession(BOB, 'desk', NOW + 9 * SECOND, 'r'), NOW)).toBe(true);
    expect(await sees('desk', false, NOW + 10 * SECOND)).toMatchObject({ what: 'ended', ended: ['desk'] });
    expect(await store.sessionsOf(BOB)).toEqual([]);
    expect(await store.perform(isAvailable(BOB, ALICE), NOW)).toBe(false);
  });

  test('what was not heard of again has ended', async () => {
    await subscribes();
    await sees('desk', true, NOW);
    await sees('phone', true, NOW + 1);
    await store.perform(forgetPresence([BOB]), NOW);
    expect(await sees('phone', true, NOW + SECOND)).toMatchObject({ what: 'returned' });
    expect(await store.perform(endUnheardSessions(BOB, NOW + 2 * SECOND, true), NOW)).toEqual(['desk']);
  });

  test('a copy whose session has ended is missed at the next login, and leased; a repetition gives the same', async () => {
    await subscribes();
    await sees('desk', true, NOW);
    await sends('m-1', NOW + SECOND);
    await sees('desk', false, NOW + 2 * SECOND);
    expect(await comes('ended', NOW + 3 * SECOND)).toMatchObject({ away: true });
    await sees('desk', true, NOW + 4 * SECOND);
    for (let times = 0; times < 2; times += 1) {
      expect(await comes('login', NOW + 5 * SECOND)).toMatchObject({
        there: 'desk',
        missed: [{ key: KEY, attempt: 1, evidence: 'session-ended' }],
      });
    }
    const [found] = await opened.queries.records([KEY]);
    expect(found).toMatchObject({ due: NOW + 65 * SECOND, seesPresence: true });
  });

  test.each([
    ['a session that has ended', 'ended'],
    ['a session that has ended', 'login'],
    ['a session that is silent', 'update'],
    ['a session that is silent', 'login'],
    ['nowhere', 'update'],
  ] as const)('a copy that is with %s is missed at %s; a repetition gives the same', async (where, event) => {
    await subscribes();
    if (where !== 'nowhere') await sees('phone', true, NOW);
    else await sees('phone', false, NOW);
    await sends('m-1', NOW + SECOND, { noStore: true });
    await sees('tablet', true, NOW + 2 * SECOND);
    if (where === 'a session that has ended') await sees('phone', false, NOW + 3 * SECOND);
    if (where === 'a session that is silent') {
      await store.perform(recordPing(BOB, 'phone', NOW + 3 * SECOND, false), NOW + 3 * SECOND);
    }
    const first = await comes(event, NOW + 4 * SECOND);
    expect(first.missed).toMatchObject([{ key: KEY, attempt: 1 }]);
    // Its reply was lost: it is made again, and carried out later.
    const times = { stepDue: NOW + 34 * SECOND, leaseUntil: NOW + 64 * SECOND, unconfirmedRetries: 1 };
    const again = await store.perform(sessionAvailable({ user: BOB, event, ...times }), NOW + 6 * SECOND);
    expect(again).toEqual(first);
    // Another request leaves alone what is leased.
    if (event !== 'login') expect(await comes(event, NOW + 7 * SECOND)).toMatchObject({ missed: [] });
    const noted = (await opened.queries.life(KEY)).filter(({ what }) => what.startsWith('session-'));
    expect(noted).toHaveLength(where === 'nowhere' ? 0 : 1);
  });

  /** A copy is written, the server proves to have it; his phone's session ends, his tablet's begins. */
  const STEPS = {
    write: (at: number) => store.perform(aliceWrites({ id: 'm-1', at }), at),
    end: (at: number) => sees('phone', false, at),
    hide: (at: number) => sees('phone', true, at, { priority: -1 }),
    begin: (at: number) => sees('tablet', true, at),
    async proof(at: number, written: number) {
      const dues = { byTimetable: at + 30 * SECOND, unconfirmed: at + 900 * SECOND };
      const proved = { provedAt: at, took: at - written };
      const copy = {
        key: KEY,
        attempt: 1,
        copies: 1,
        ...dues,
        sender: ALICE,
        recipient: BOB,
        noStore: false,
        ...proved,
      };
      await store.perform(handOver(copy), at);
    },
  };
  const inOrder = async (order: string, wait = SECOND) => {
    await subscribes();
    await sees('phone', true, NOW);
    let [at, written] = [NOW, 0];
    for (const step of order.split(', ')) {
      at += wait;
      if (step === 'write') written = at;
      await STEPS[step as keyof typeof STEPS](at, written);
    }
    return at + wait;
  };

  test.each([
    ['write, end, begin, proof', 'session-ended'],
    ['write, begin, end, proof', 'session-ended'],
    ['write, end, proof, begin', 'session-ended'],
    ['write, proof, end, begin', 'session-ended'],
    ['write, hide, begin, proof', 'session-ended'],
    // To the storage of the server, which gives it to the tablet; or to that at once.
    ['end, write, begin, proof', undefined],
    ['end, write, proof, begin', undefined],
    ['end, begin, write, proof', undefined],
    // No session of his has ended: whoever has come may have had it.
    ['write, begin, proof', undefined],
  ])('%s: what the session that has ended may have had is missed, and nothing else', async (order, evidence) => {
    const at = await inOrder(order);
    for (const event of ['login', 'update', 'ended'] as const) {
      const { missed } = await comes(event, at);
      expect(missed.map((one) => one.evidence)).toEqual(evidence === undefined ? [] : [evidence]);
      if (evidence !== undefined) break;
    }
  });

  test('a session that came after the writing, while another ended: without an event the clock sends another copy', async () => {
    await inOrder('write, end, begin, proof');
    const due = NOW + 4 * SECOND + 30 * SECOND;
    expect((await opened.queries.records([KEY]))[0]).toMatchObject({ due });
    expect(await store.perform(claim(KEY, 1, due), due)).toMatchObject({ outcome: 'claimed' });
  });

  test('another session came, and none has ended: it may have had the copy, and both are asked', async () => {
    await inOrder('write, begin, proof');
    const due = NOW + 3 * SECOND + 30 * SECOND;
    const asks = await store.perform(claim(KEY, 1, due), due);
    expect(asks).toMatchObject({ outcome: 'asks', resources: expect.arrayContaining(['phone', 'tablet']) });
  });

  test('the store was long in recording a proof: a session that has begun meanwhile has not had the copy', async () => {
    await subscribes();
    await sees('phone', true, NOW);
    await STEPS.write(NOW + SECOND);
    // All that came while it stood still, in the order in which it came.
    const late = NOW + 9 * SECOND;
    const dues = { byTimetable: late, unconfirmed: late };
    const proved = { provedAt: NOW + 2 * SECOND, took: 5 };
    const copy = { key: KEY, attempt: 1, copies: 1, ...dues, sender: ALICE, recipient: BOB, noStore: false, ...proved };
    await store.perform(handOver(copy), late);
    await store.perform(recordPresence(BOB, ALICE, 'phone', false, NOW + 3 * SECOND, '', '', 'gone', {}), late);
    await store.perform(recordPresence(BOB, ALICE, 'tablet', true, NOW + 4 * SECOND, '', '', 'come', {}), late);
    expect(await comes('login', late)).toMatchObject({ missed: [{ key: KEY, evidence: 'session-ended' }] });
  });

  test('sessions are asked before another copy; what a silent one had goes to one that answers', async () => {
    await subscribes();
    await sees('desk', true, NOW);
    await sees('phone', true, NOW + 1);
    await sends('m-1', NOW + SECOND);
    const due = NOW + 40 * SECOND;
    const asks = await store.perform(claim(KEY, 1, due), due);
    expect(asks).toMatchObject({ outcome: 'asks', user: BOB, resources: expect.arrayContaining(['desk', 'phone']) });
    await store.perform(recordPing(BOB, 'desk', due, false), due);
    await store.perform(recordPing(BOB, 'phone', due, true), due);
    expect(await comes('update', due + SECOND)).toMatchObject({
      there: 'phone',
      missed: [{ key: KEY, evidence: 'session-silent' }],
    });
    expect(await store.perform(claim(KEY, 1), due + SECOND)).toMatchObject({ outcome: 'claimed', target: 'phone' });
  });

  test('what a session has passed over is due; what it has read up to is settled', async () => {
    await subscribes();
    await sees('desk', true, NOW);
    for (const [i, id] of ['m-1', 'm-2', 'm-3'].entries()) await sends(id, NOW + (i + 1) * SECOND);
    const at = NOW + 10 * SECOND;
    await store.perform(settle(keyOf('m-2'), 'desk', at, { sender: ALICE, recipient: BOB }), at);
    // Bob's receipts go to contacts, and she is one.
    const gap = sequenceGap(BOB, 'desk', ALICE, NOW + 2 * SECOND, at + 10 * SECOND);
    expect(await store.perform(gap, at)).toEqual({ next: '0', keys: [KEY] });
    const read = await store.perform(settleUpTo(keyOf('m-3'), ALICE, BOB, 'desk', at), at);
    expect(read.settled.map(({ record }) => record.wireId)).toEqual(['m-1', 'm-3']);
  });

  test('what a sender could not be told is due when he comes', async () => {
    await store.perform(subscriptionStep('subscribed', ALICE, BOB, NOW, 'hers'), NOW);
    const alice = (available: boolean, token: string) =>
      store.perform(recordPresence(ALICE, BOB, 'phone', available, NOW, '', '', token), NOW);
    await alice(true, 'a');
    await alice(false, 'b');
    await sends('m-1', NOW);
    const gone = await store.perform(reject(KEY, NOW, 'gone', undefined, undefined), NOW);
    expect(gone).toMatchObject({ record: { senderAway: true, inner: '' } });
    const due = async () => (await store.sweep(5 * SECOND, 10, NOW + 60 * SECOND)).overdue.map(({ key }) => key);
    expect(await due()).toEqual([]);
    await alice(true, 'c');
    expect(await store.perform(senderAvailable(ALICE, '0'), NOW)).toBe('0');
    expect(await due()).toEqual([KEY]);
  });

  test('the same of messages to many, which lie in many shards', async () => {
    await store.perform(subscriptionStep('subscribed', ALICE, BOB, NOW, 'hers'), NOW);
    const alice = (available: boolean, token: string) =>
      store.perform(recordPresence(ALICE, BOB, 'phone', available, NOW, '', '', token), NOW);
    await alice(true, 'a');
    await alice(false, 'b');
    const messages = Array.from({ length: 8 }, (_, i) => aliceWrites({ recipient: `user${i}@example.org`, at: NOW }));
    for (const message of messages) {
      await store.perform(message, NOW);
      await store.perform(reject(message.key, NOW, 'gone', undefined, undefined), NOW);
    }
    await alice(true, 'c');
    let cursor = '0';
    do cursor = await store.perform(senderAvailable(ALICE, cursor), NOW);
    while (cursor !== '0');
    const { overdue } = await store.sweep(5 * SECOND, 20, NOW + 60 * SECOND);
    expect(overdue.map(({ key }) => key).sort()).toEqual(messages.map(({ key }) => key).sort());
  });

  test('a sender who has left before his notice was claimed is told when he comes', async () => {
    await store.perform(subscriptionStep('subscribed', ALICE, BOB, NOW, 'hers'), NOW);
    const alice = (available: boolean, token: string) =>
      store.perform(recordPresence(ALICE, BOB, 'phone', available, NOW, '', '', token), NOW);
    await alice(true, 'a');
    await sends('m-1', NOW);
    const over = NOW + 8 * DAY;
    const ended = await store.perform(expire(KEY, over), over);
    expect(ended).toMatchObject({ state: 'unconfirmed', senderAway: false });
    await alice(false, 'b');
    const sweep = async (at: number) => (await store.sweep(5 * SECOND, 10, at)).overdue;
    const [owed] = await sweep(over + 60 * SECOND);
    expect(await store.perform(claim(KEY, owed?.attempt ?? 0), over + 60 * SECOND)).toEqual({ outcome: 'moot' });
    expect(await sweep(over + 120 * SECOND)).toEqual([]);
    await alice(true, 'c');
    expect(await store.perform(senderAvailable(ALICE, '0'), over + 120 * SECOND)).toBe('0');
    expect((await sweep(over + 120 * SECOND)).map(({ key }) => key)).toEqual([KEY]);
  });

  test('a damaged record is put aside, reported until a log has named it, and its sender is told', async () => {
    await sends('m-1', NOW);
    for (let times = 0; times < 2; times += 1) await store.perform(quarantine(KEY), NOW);
    const swept = await store.sweep(5 * SECOND, 10, NOW);
    expect(swept).toMatchObject({ damaged: 1, unreported: [KEY], overdue: [{ key: KEY, state: 'rejected' }] });
    await store.perform(reported([KEY]), NOW);
    expect(await store.sweep(5 * SECOND, 10, NOW)).toMatchObject({ damaged: 1, unreported: [] });
    expect(await store.figures(NOW)).toMatchObject({ pending: 0, owed: 1, damaged: 1 });
  });

  test('all that is kept of a user is erased', async () => {
    await subscribes();
    await sees('desk', true, NOW);
    await sends('m-1', NOW + SECOND);
    const erasure = new Erasure({ queries: opened.queries, perform: (request) => store.perform(request, NOW) });
    let messages = 0;
    for await (const count of erasure.records(BOB, false)) messages = count;
    expect(messages).toBe(1);
    expect(await erasure.user(BOB)).toBe(2);
    expect(await store.perform(forgetUser(BOB, []), NOW)).toBe(0);
    expect([await store.sessionsOf(BOB), await opened.queries.contacts()]).toEqual([[], []]);
    expect((await opened.queries.portion('0')).keys).toEqual([]);
  });

  test('what has ended is known for DEDUP_WINDOW, and then is a message again', async () => {
    const short = open(server.url, { dedupWindow: 50 });
    await short.store.perform(aliceWrites({ at: NOW }), NOW);
    await short.store.perform(settle(KEY, 'desk', NOW), NOW);
    await until(async () => (await short.store.status([KEY]))[0] === undefined);
    expect(await short.store.perform(aliceWrites({ at: NOW + DAY }), NOW)).toMatchObject({
      outcome: 'stored',
      key: KEY,
    });
    short.close();
  });
});
