// Each reply that each operation has, from the script that makes it to what it is read as. A script that replies something
// else than codec/replies.ts takes, or an outcome there that no script gives, fails here.
import * as c from '../../../src/store/contract.ts';
import { formsOf, REPLY_FORMS } from '../../../src/store/redis/codec/replies.ts';
import { usualReply } from '../../../src/store/redis/codec/usual-replies.ts';
import { type RedisServer, startRedis } from '../../support/servers/redis.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf, openLedger, SECOND } from '../../support/store/ledger.ts';
import { NOW } from '../../support/store/scripts.ts';

const CAROL = 'carol@example.org';
const MINUTE = 60 * SECOND;

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

/** Outcomes that a script has replied, by the kind of request. */
const seen = new Map<string, Set<string>>();
let opened: ReturnType<typeof openLedger>;
let raw: unknown[] = [];
beforeEach(() => {
  opened = openLedger(server.url);
  const { redis } = opened;
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = async (command) => {
    const reply = await send(command);
    if (command.name.startsWith('eval')) raw = reply as unknown[];
    return reply;
  };
});
afterEach(() => opened.close());

/** Carries a request out at a time (ms after NOW), which is replied to by an outcome of that name. */
async function gives<R extends c.Request>(outcome: string, request: R, at = 0): Promise<c.ReplyTo<R>> {
  const meaning = await opened.ledger.perform(request, NOW + at);
  expect(raw).toHaveLength(2);
  const reply = raw[1] === 'as-usual' ? usualReply(request) : String(raw[1]);
  expect([request.kind, reply?.split('\0')[0]]).toEqual([request.kind, outcome]);
  expect(formsOf(request).has(outcome)).toBe(true);
  seen.set(request.kind, (seen.get(request.kind) ?? new Set()).add(outcome));
  return meaning;
}

const writes = (id: string, further: Parameters<typeof aliceWrites>[0] = {}) =>
  gives('stored', aliceWrites({ id, at: NOW, ...further }));
const copyOf = (id: string, attempt = 1) => ({
  key: keyOf(id),
  attempt,
  copies: 1,
  byTimetable: NOW + 30 * SECOND,
  unconfirmed: NOW + 900 * SECOND,
  sender: ALICE,
  recipient: BOB,
  noStore: false,
});
const handsOver = (id: string, at = 0) => gives('due', c.handOver(copyOf(id)), at);
const rejects = (id: string) => gives('undelivered', c.reject(keyOf(id), NOW, 'gone', 'cancel', undefined));
/** Bob shows himself to those. */
async function isSubscribed(...subscribers: string[]): Promise<void> {
  for (const subscriber of subscribers) {
    await gives('none', c.subscriptionStep('subscribed', BOB, subscriber, NOW, `let in ${subscriber}`));
  }
}
let stanzas = 0;
const bobIs = (available: boolean, resource = 'desk', subscriber = ALICE, at = 0) => {
  stanzas += 1;
  return c.recordPresence(BOB, subscriber, resource, available, NOW + at, '', '', `stanza ${stanzas}`);
};
async function bobComes(resource = 'desk', at = 0): Promise<void> {
  await gives('began', bobIs(true, resource, ALICE, at), at);
  await gives('done', c.recordReceiptSupport(BOB, resource, '', 'y'), at);
}
const record = (id: string, state: c.State) => ({ key: keyOf(id), state, sender: ALICE, recipient: BOB });

test('acceptance', async () => {
  expect(await writes('one')).toEqual({ outcome: 'stored', key: keyOf('one'), target: undefined, taken: undefined });
  expect(await gives('known', aliceWrites({ id: 'one', at: NOW }))).toMatchObject({
    outcome: 'known',
    record: record('one', 'pending'),
  });
  const other = await gives('stored-as', aliceWrites({ id: 'one', at: NOW, body: 'other' }));
  expect(other).toMatchObject({ outcome: 'stored', key: expect.stringMatching(`^${keyOf('one')}.`) });
  expect(await gives('correction', aliceWrites({ id: 'two', at: NOW, corrects: 'one' }))).toMatchObject({
    outcome: 'stored',
    key: keyOf('two'),
    target: (other as { key: string }).key,
  });
  await gives('done', c.readdress(keyOf('one'), 'tablet', 'x'));
  await gives('done', c.withdraw(keyOf('one'), 'nobody'));
  const limits = { messages: 10, bytes: 0, toOne: 0, domainMessages: 0, domainBytes: 0 };
  await handsOver('one');
  const within = aliceWrites({ id: 'three', at: NOW, quota: { limits, refuse: undefined } });
  expect(await gives('within', within)).toEqual({
    outcome: 'stored',
    key: keyOf('three'),
    target: undefined,
    taken: 10,
  });
  const known = { ...within, token: 'another' };
  expect(await gives('within', known)).toMatchObject({
    outcome: 'known',
    record: record('three', 'pending'),
    taken: 10,
  });
  const refused = aliceWrites({ id: 'four', at: NOW, quota: { limits, refuse: 'rate' } });
  expect(await gives('refused', refused)).toEqual({ outcome: 'refused', reason: 'rate', taken: 10 });
  expect(await gives('yes', c.isTaken(keyOf('three')))).toBe(true);
  expect(await gives('no', c.isTaken(keyOf('four')))).toBe(false);
});

test('settlement', async () => {
  expect(await gives('unknown', c.settle(keyOf('one'), 'desk', NOW))).toEqual({ outcome: 'unknown' });
  await writes('one');
  expect(await gives('delivered', c.settle(keyOf('one'), 'desk', NOW))).toMatchObject({
    outcome: 'delivered',
    record: { ...record('one', 'delivered'), receiptResource: 'desk', settledAt: NOW },
  });
  expect(await gives('repeated', c.settle(keyOf('one'), 'desk', NOW))).toEqual({ outcome: 'repeated' });
  await writes('two');
  await rejects('two');
  expect(await gives('late', c.settle(keyOf('two'), 'desk', NOW))).toMatchObject({
    outcome: 'late',
    record: record('two', 'delivered'),
  });
  for (const id of ['three', 'four']) await writes(id);
  await handsOver('three');
  const atHand = async (id: string) => (await opened.ledger.status([keyOf(id)]))[0] as c.StoredRecord;
  const [three, four] = [await atHand('three'), await atHand('four')];
  await rejects('four');
  expect(await gives('delivered-at-hand', c.settle(keyOf('three'), 'desk', NOW, undefined, three))).toEqual({
    outcome: 'delivered',
    record: { ...three, state: 'delivered', copies: 1, attempt: 1, settledAt: NOW, receiptResource: 'desk' },
  });
  expect(await gives('late-at-hand', c.settle(keyOf('four'), 'desk', NOW, undefined, four))).toMatchObject({
    outcome: 'late',
    record: record('four', 'delivered'),
  });

  await opened.ledger.perform(aliceWrites({ id: 'held', token: c.tokenOfHeld('e-1'), at: NOW }), NOW);
  expect(await gives('key', c.keyOfHeld(keyOf('held'), 'e-1'))).toBe(keyOf('held'));
  expect(await gives('unknown', c.keyOfHeld(keyOf('held'), 'e-2'))).toBeUndefined();
  expect(await gives('list', c.namedBy(keyOf('held')))).toMatchObject([{ key: keyOf('held'), heldAs: 'e-1' }]);
  expect(await gives('list', c.namedBy(keyOf('none')))).toEqual([]);

  const mention = (id: string, own = 'none') => c.settleByMention(keyOf(id), keyOf(own), 'desk', NOW);
  for (const id of ['five', 'six']) await writes(id);
  await rejects('six');
  await gives('unknown', mention('none'));
  await gives('repeated', mention('five', 'one'));
  await gives('delivered', mention('five'));
  await gives('late', mention('six'));
  await gives('done', c.supersede(keyOf('five')));

  const proof = (id: string, told: boolean, atHand?: c.StoredRecord) => c.prove(keyOf(id), 'desk', NOW, told, atHand);
  for (const id of ['seven', 'eight', 'nine']) await writes(id);
  await rejects('nine');
  await gives('unknown', proof('none', false));
  await gives('unknown', proof('none', true));
  expect(await gives('proved', proof('seven', false))).toMatchObject({
    outcome: 'proved',
    record: { ...record('seven', 'unconfirmed'), receiptResource: 'desk' },
  });
  await gives('repeated', proof('seven', false));
  await gives('late', proof('seven', true));
  await gives('delivered', proof('eight', true));
  await gives('repeated', proof('eight', true));
  await gives('late', proof('nine', true));
  for (const id of ['ten', 'eleven']) await writes(id);
  const [ten, eleven] = [await atHand('ten'), await atHand('eleven')];
  await rejects('eleven');
  expect(await gives('delivered-at-hand', proof('ten', true, ten))).toEqual({
    outcome: 'delivered',
    record: { ...ten, state: 'delivered', settledAt: NOW, receiptResource: 'desk' },
  });
  await gives('repeated', proof('ten', true, ten));
  await gives('late-at-hand', proof('eleven', true, eleven));
});

test('attempts', async () => {
  expect(await gives('moot', c.handOver(copyOf('none')))).toBeUndefined();
  await gives('moot', c.claim(keyOf('none'), 1));
  await writes('one');
  expect(await gives('claimed', c.claim(keyOf('one'), 1))).toMatchObject({
    outcome: 'claimed',
    noStore: false,
    target: '',
    record: { ...record('one', 'pending'), attempt: 2, inner: '<body>hello</body>' },
  });
  expect(await gives('overdue', c.claim(keyOf('one'), 2), 8 * DAY)).toEqual({ outcome: 'overdue' });
  await isSubscribed(ALICE);
  await bobComes();
  await writes('two');
  expect(await handsOver('two')).toBe(NOW + 30 * SECOND);
  expect(await gives('asks', c.claim(keyOf('two'), 1, NOW), 40 * SECOND)).toEqual({
    outcome: 'asks',
    user: BOB,
    resources: ['desk'],
  });
  await gives('unknown', c.bounce(keyOf('none')));
  expect(await gives('bounced', c.bounce(keyOf('two')))).toMatchObject({
    record: { ...record('two', 'pending'), bounced: true },
  });
  await rejects('two');
  expect(await gives('ended', c.bounce(keyOf('two')))).toEqual({ outcome: 'ended' });
  await gives('done', c.bringForward(keyOf('one'), NOW, BOB));
  await gives('done', c.release([{ key: keyOf('one'), state: 'pending' }], NOW)[0] as c.Release);
});

test('endings', async () => {
  const reject = (id: string) => c.reject(keyOf(id), NOW, 'gone', 'cancel', 'No such user');
  await gives('unknown', reject('none'));
  await writes('one');
  expect(await gives('undelivered', reject('one'))).toMatchObject({
    outcome: 'done',
    record: {
      ...record('one', 'rejected'),
      condition: 'gone',
      conditionText: 'No such user',
      inner: '<body>hello</body>',
    },
  });
  await gives('ended', reject('one'));
  await gives('moot', c.expire(keyOf('one'), NOW));
  await writes('two');
  expect(await gives('undelivered', c.expire(keyOf('two'), NOW), 8 * DAY)).toMatchObject(record('two', 'expired'));
  await writes('three');
  await handsOver('three');
  expect(await gives('unconfirmed', c.expire(keyOf('three'), NOW), 8 * DAY)).toMatchObject(
    record('three', 'unconfirmed'),
  );
  expect(await gives('moot', c.requeue(keyOf('three')))).toBeUndefined();
  expect(await gives('requeued', c.requeue(keyOf('two')))).toMatchObject({
    ...record('two', 'pending'),
    firstStoredAt: NOW,
  });
  await gives('done', c.notified([{ key: keyOf('one'), state: 'rejected' }])[0] as c.Notified);
  await gives('done', c.quarantine(keyOf('none')));
  await gives('done', c.reported([keyOf('none')]));
});

test('evidence', async () => {
  const event = { user: BOB, event: 'login', stepDue: NOW, leaseUntil: NOW + MINUTE, unconfirmedRetries: 1 } as const;
  expect(await gives('missed', c.sessionAvailable(event))).toEqual({ away: false, next: '0', missed: [], there: '' });
  await isSubscribed(ALICE);
  for (const id of ['one', 'two']) {
    await writes(id, { token: `of ${id}` });
    await handsOver(id);
  }
  await gives('bounced', c.bounce(keyOf('one')));
  await gives('bounced', c.bounce(keyOf('two')));
  await bobComes('desk', SECOND);
  const { missed, ...rest } = await gives('missed', c.sessionAvailable(event), 2 * SECOND);
  expect(rest).toEqual({ away: false, next: '0', there: 'desk' });
  expect(missed).toHaveLength(2);
  expect(missed).toContainEqual({ key: keyOf('one'), attempt: 1, evidence: 'bounced', storedAt: NOW, token: 'of one' });
  await gives('done', c.renewLease(missed, NOW + MINUTE));
  await writes('three');
  await handsOver('three', 2 * SECOND);
  expect(await gives('proved', c.settleUpTo(keyOf('none'), ALICE, BOB, 'desk', NOW))).toEqual({
    next: '0',
    settled: [],
    earlier: [],
  });
  await writes('three and a half');
  await handsOver('three and a half', 2 * SECOND);
  expect(
    await gives('proved', c.settleUpTo(keyOf('three and a half'), ALICE, BOB, 'desk', NOW, '0', true)),
  ).toMatchObject({
    next: '0',
    settled: [],
    earlier: [record('three', 'pending')],
    named: record('three and a half', 'pending'),
  });
  expect(await gives('proved', c.settleUpTo(keyOf('three'), ALICE, BOB, 'desk', NOW, '0', true))).toMatchObject({
    next: '0',
    settled: [{ late: false, record: record('three', 'delivered') }],
  });
  await gives('proved', c.settleUpTo(keyOf('three and a half'), ALICE, BOB, 'desk', NOW));
  await writes('four');
  await handsOver('four', 2 * SECOND);
  expect(await gives('list', c.anythingOut([BOB, CAROL])[0] as c.AnythingOut)).toEqual([BOB]);
  expect(await gives('gap', c.sequenceGap(BOB, 'desk', ALICE, NOW + 3 * SECOND, NOW), 3 * SECOND)).toEqual({
    next: '0',
    keys: [keyOf('four')],
  });
  expect(await gives('gap', c.sequenceGap(CAROL, 'desk', ALICE, NOW, NOW))).toEqual({ next: '0', keys: [] });
  expect(await gives('none', c.explain(keyOf('none')))).toBeUndefined();
  expect(await gives('explained', c.explain(keyOf('four')))).toMatchObject({
    situation: { presence: 'online', acknowledges: 'yes', copy: 'handed over' },
    due: NOW,
    record: record('four', 'pending'),
  });
  expect(await gives('next', c.senderAvailable(ALICE, '0'))).toBe('0');
  await gives('ended', bobIs(false));
  expect(await gives('away', c.sessionAvailable(event))).toEqual({ away: true, next: '0', missed: [], there: '' });
});

test('subscriptions', async () => {
  const step = (type: c.SubscriptionStep['type'], at: number) =>
    c.subscriptionStep(type, BOB, ALICE, NOW + at, `${type} ${at}`);
  await gives('none', step('subscribe', 0));
  await gives('asked', step('subscribe', 1));
  await gives('askedLongAgo', step('subscribe', 2 * DAY), 2 * DAY);
  await gives('asked', step('subscribed', 2 * DAY + 1), 2 * DAY);
  expect(await gives('subscribed', step('subscribe', 2 * DAY + 2), 2 * DAY)).toBe('subscribed');
  expect(await gives('list', c.subscribersOf(BOB))).toEqual([ALICE]);
  expect(await gives('list', c.subscribersOf(ALICE))).toEqual([]);
  await gives('done', c.withdrawSubscription(BOB, CAROL, NOW));
  await gives('none', c.subscriptionStep('probe', BOB, CAROL, NOW, 'probe 1'));
  await gives('probed', c.subscriptionStep('probe', BOB, CAROL, NOW, 'probe 2'));
});

test('sessions and probes', async () => {
  expect(await gives('none', bobIs(true))).toMatchObject({ what: 'none', verify: true, ended: [] });
  await isSubscribed(ALICE, CAROL);
  expect(await gives('began', bobIs(true))).toEqual({
    what: 'began',
    asks: true,
    probe: false,
    verify: false,
    ended: [],
  });
  expect(await gives('updated', bobIs(true, 'desk', ALICE, 5 * SECOND))).toMatchObject({
    what: 'updated',
    asks: false,
  });
  expect(await gives('yes', c.isAvailable(BOB, ALICE))).toBe(true);
  expect(await gives('no', c.isAvailable(BOB, 'mallory@example.org'))).toBe(false);
  expect(await gives('no', c.renewSession(ALICE, 'phone', NOW, 'login'))).toBe(false);
  expect(await gives('yes', c.renewSession(BOB, 'desk', NOW + MINUTE, 'login'), MINUTE)).toBe(true);
  await gives('done', c.recordPing(BOB, 'desk', NOW + MINUTE, false));
  expect(await gives('yes', c.recordStrayPing(BOB, 'desk'))).toBe(true);
  expect(await gives('no', c.recordStrayPing(BOB, 'desk'))).toBe(false);
  await gives('done', c.recordReceiptSupport(BOB, 'desk', '', 'y'));

  await gives('none', c.whoStillSees(BOB, 'desk'));
  expect(await gives('left', bobIs(false, 'desk', ALICE, 2 * MINUTE))).toMatchObject({ what: 'left', ended: [] });
  expect(await gives('subscriber', c.whoStillSees(BOB, 'desk'))).toBe(CAROL);
  await gives('subscribed', c.subscriptionStep('unsubscribed', BOB, CAROL, NOW, 'no more'));
  expect(await gives('ended', c.whoStillSees(BOB, 'desk'))).toBe('ended');

  await gives('began', bobIs(true, 'desk', ALICE, 3 * MINUTE));
  await gives('done', c.forgetPresence([BOB]));
  expect(await gives('list', c.beginProbe(BOB))).toEqual([ALICE]);
  expect(await gives('list', c.endUnheardSessions(BOB, NOW, false))).toEqual(['desk']);
  expect(await gives('returned', bobIs(true, 'desk', ALICE, 4 * MINUTE))).toMatchObject({ what: 'returned' });
  expect(await gives('list', c.endUnheardSessions(BOB, NOW, true))).toEqual([]);
  await gives('began', bobIs(true, 'phone', ALICE, 4 * MINUTE));
  const offline = await gives('ended', bobIs(false, '', ALICE, 5 * MINUTE));
  expect([...offline.ended].sort()).toEqual(['desk', 'phone']);
});

test('processes', async () => {
  await isSubscribed(ALICE);
  expect(await gives('count', c.heartbeat('one', NOW, BOB))).toEqual({ others: 0, subscribers: 1 });
  expect(await gives('count', c.heartbeat('two', NOW, BOB))).toEqual({ others: 1, subscribers: 1 });
  await gives('go', c.claimProbing('one', NOW));
  await gives('joined', c.claimProbing('two', NOW + SECOND));
  await gives('wait', c.claimProbing('two', NOW + MINUTE));
  await gives('done', c.renewProbing('one'));
  await gives('done', c.releaseProbing('one'));
  expect(await gives('count', c.leaveService('one', NOW))).toBe(1);
});

test('requests between users, and capabilities', async () => {
  const iq = { requester: ALICE, responder: BOB, substitute: undefined, proxied: 'p', from: 'f', to: 't', id: 'i' };
  const bounds = { all: 3, each: 2 };
  for (const id of ['one', 'two']) expect(await gives('recorded', c.recordIq(id, iq, NOW, bounds))).toBe(true);
  expect(await gives('full', c.recordIq('three', iq, NOW, bounds))).toBe(false);
  await gives('late', c.takeIqResponse('none', 't', BOB, 'p', NOW + MINUTE));
  await gives('forged', c.takeIqResponse('one', 't', CAROL, 'p', NOW + MINUTE));
  expect(await gives('answers', c.takeIqResponse('one', 't', BOB, 'p', NOW + MINUTE))).toEqual({
    outcome: 'answers',
    iq,
  });
  const stood = { ...iq, substitute: CAROL };
  await gives('recorded', c.recordIq('four', stood, NOW, bounds));
  expect(await gives('ended', c.endIq('four', BOB, NOW))).toEqual(stood);
  expect(await gives('moot', c.endIq('four', BOB, NOW))).toBeUndefined();
  const overdue = await gives('list', c.overdueIqs(NOW, NOW + MINUTE, 10));
  expect([...overdue].sort((a, b) => a.id.localeCompare(b.id))).toEqual([
    { id: 'four', iq: stood },
    { id: 'two', iq },
  ]);
  expect(await gives('list', c.overdueIqs(NOW, NOW + MINUTE, 10))).toEqual([]);
  await gives('done', c.forgetIq('two'));
  expect(await gives('unknown', c.knownCapabilities('sha-1', 'v'))).toBeUndefined();
  await gives('done', c.recordCapabilities('sha-1', 'v', 'y', MINUTE));
  expect(await gives('known', c.knownCapabilities('sha-1', 'v'))).toBe('y');
});

test('administration', async () => {
  const retry = (id: string, owner?: string) => c.retryNow(keyOf(id), owner);
  await gives('unknown', c.cancel(keyOf('none'), ALICE, NOW, 'her'));
  await gives('unknown', retry('none'));
  for (const id of ['one', 'two', 'three']) await writes(id);
  expect(await gives('cancelled', c.cancel(keyOf('one'), ALICE, NOW, 'her'))).toMatchObject({
    outcome: 'cancelled',
    record: { ...record('one', 'rejected'), conditionText: 'Cancelled by her' },
  });
  await rejects('two');
  await gives('undelivered', retry('two'));
  await gives('dropped', c.cancel(keyOf('two'), ALICE, NOW, 'her'));
  await gives('ordinary', retry('three', ALICE));
  await gives('in flight', retry('three'));
  await isSubscribed(ALICE);
  await bobComes();
  await handsOver('three');
  await gives('due', retry('three', ALICE));
  await gives('claimed', c.claim(keyOf('three'), 1, '*'));
  await gives('moot', c.handOver(copyOf('three')));
  const again = { ...copyOf('three', 2), copies: 2, byTimetable: NOW + MINUTE };
  await gives('due', c.handOver(again));
  await gives('too soon', retry('three', ALICE));
  await gives('ended', bobIs(false));
  await gives('waiting', retry('three', ALICE));

  expect(await gives('count', c.erase(ALICE, [keyOf('three'), keyOf('none')]))).toBe(1);
  expect(await gives('count', c.forgetUser(BOB, [ALICE]))).toBeGreaterThan(0);
  expect(await gives('none', c.resume())).toBeUndefined();
  expect(await gives('none', c.pause('the admin', NOW))).toBeUndefined();
  expect(await gives('paused', c.pause('another', NOW))).toEqual({ since: NOW, by: 'the admin' });
  expect(await gives('paused', c.resume())).toEqual({ since: NOW, by: 'the admin' });
});

test('sessions of commands', async () => {
  await gives('none', c.readCommandSession('s'));
  await gives('no', c.endCommandSession('s', 'token'));
  await gives('done', c.openCommandSession('s', 'forget\nalice', MINUTE));
  expect(await gives('open', c.readCommandSession('s'))).toEqual({ whose: 'forget\nalice' });
  expect(await gives('yes', c.endCommandSession('s', 'token'))).toBe(true);
  expect(await gives('yes', c.endCommandSession('s', 'token'))).toBe(true);
  expect(await gives('ended', c.readCommandSession('s'))).toBe('ended');
});

test('an operation that cannot be carried out', async () => {
  await opened.redis.set(opened.ledger.keys.subscriptions(BOB), 'no hash');
  const [before, failed, after] = await opened.ledger.batch([
    aliceWrites({ id: 'one', at: NOW }),
    c.subscribersOf(BOB),
    aliceWrites({ id: 'two', at: NOW }),
  ]);
  expect(failed).toBeInstanceOf(c.OperationError);
  expect(failed).toMatchObject({ message: expect.stringContaining('WRONGTYPE') });
  expect([before, after]).toMatchObject([{ outcome: 'stored' }, { outcome: 'stored' }]);
});

test('these are all outcomes of all operations', () => {
  const known = Object.entries(REPLY_FORMS).flatMap(([kind, all]) => [...all.keys()].map((name) => `${kind}: ${name}`));
  const given = [...seen].flatMap(([kind, names]) => [...names].map((name) => `${kind}: ${name}`));
  // Said in Redis Cluster only, of what lies in another shard.
  const here = known.filter((name) => name !== 'accept: needs');
  expect(given.sort()).toEqual([...here, 'accept: within', 'accept: refused'].sort());
});
