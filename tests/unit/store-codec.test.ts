// What goes to the scripts and what comes back: a reply that is none that this version knows is an error, never a guess.
import * as c from '../../src/store/contract.ts';
import { decode, formsOf } from '../../src/store/redis/codec/replies.ts';
import { argumentCount, encode } from '../../src/store/redis/codec/requests.ts';
import { decodeScript, SCRIPT_FORMS } from '../../src/store/redis/codec/script-replies.ts';
import { ALICE, aliceWrites, BOB } from '../support/store/ledger.ts';
import { recordOf } from '../support/store/scripts.ts';

const copy = {
  key: 'k',
  attempt: 1,
  copies: 1,
  byTimetable: 1,
  unconfirmed: 2,
  sender: ALICE,
  recipient: BOB,
  noStore: false,
};
const iq = { requester: ALICE, responder: BOB, substitute: undefined, proxied: 'p', from: 'f', to: 't', id: 'i' };
const available = { user: BOB, event: 'login', stepDue: 1, leaseUntil: 2, unconfirmedRetries: 1 } as const;
const endings = [{ key: 'k', state: 'delivered' }] as const;
const limits = { messages: 1, bytes: 1, toOne: 1, domainMessages: 1, domainBytes: 1 };
/** One request of each kind. */
const EACH: { readonly [K in c.Kind]: c.RequestOf<K> } = {
  accept: aliceWrites(),
  withdraw: c.withdraw('k', 't'),
  readdress: c.readdress('k', 'desk', 'i'),
  isTaken: c.isTaken('k'),
  settle: c.settle('k', 'desk', 1),
  settleByMention: c.settleByMention('k', 'own', 'desk', 1),
  supersede: c.supersede('k'),
  prove: c.prove('k', 'desk', 1, true),
  keyOfHeld: c.keyOfHeld('k', 'e-1'),
  namedBy: c.namedBy('k'),
  handOver: c.handOver(copy),
  claim: c.claim('k', 1),
  bounce: c.bounce('k'),
  bringForward: c.bringForward('k', 1, BOB),
  release: { kind: 'release', endings, leaseUntil: 1 },
  notified: { kind: 'notified', endings },
  reject: c.reject('k', 1, 'gone', undefined, undefined),
  expire: c.expire('k', 1),
  requeue: c.requeue('k'),
  quarantine: c.quarantine('k'),
  reported: c.reported(['k']),
  sessionAvailable: c.sessionAvailable(available),
  senderAvailable: c.senderAvailable(BOB, '0'),
  anythingOut: c.anythingOut([BOB, ALICE])[0] as c.AnythingOut,
  sequenceGap: c.sequenceGap(BOB, 'desk', ALICE, 1, 2),
  explain: c.explain('k'),
  renewLease: c.renewLease([{ key: 'k', attempt: 1 }], 1),
  settleUpTo: c.settleUpTo('k', ALICE, BOB, 'desk', 1, '0', true),
  subscriptionStep: c.subscriptionStep('subscribe', BOB, ALICE, 1, 't'),
  withdrawSubscription: c.withdrawSubscription(BOB, ALICE, 1),
  subscribersOf: c.subscribersOf(BOB),
  recordPresence: c.recordPresence(BOB, ALICE, 'desk', true, 1, '', '', 't'),
  renewSession: c.renewSession(BOB, 'desk', 1, 't'),
  recordPing: c.recordPing(BOB, 'desk', 1, true),
  recordStrayPing: c.recordStrayPing(BOB, 'desk'),
  recordReceiptSupport: c.recordReceiptSupport(BOB, 'desk', '', 'y'),
  isAvailable: c.isAvailable(BOB, ALICE),
  forgetPresence: c.forgetPresence([BOB]),
  beginProbe: c.beginProbe(BOB),
  endUnheard: c.endUnheardSessions(BOB, 1, true),
  whoStillSees: c.whoStillSees(BOB, 'desk'),
  heartbeat: c.heartbeat('p', 1, 'receipts.example.org'),
  leaveService: c.leaveService('p', 1),
  claimProbing: c.claimProbing('p', 1),
  renewProbing: c.renewProbing('p'),
  releaseProbing: c.releaseProbing('p'),
  recordIq: c.recordIq('q', iq, 1, { all: 1, each: 1 }),
  takeIqResponse: c.takeIqResponse('q', 't', BOB, ALICE, 1),
  overdueIqs: c.overdueIqs(1, 2, 3),
  endIq: c.endIq('q', BOB, 1),
  forgetIq: c.forgetIq('q'),
  knownCapabilities: c.knownCapabilities('sha-1', 'v'),
  recordCapabilities: c.recordCapabilities('sha-1', 'v', 'y', 1),
  cancel: c.cancel('k', ALICE, 1, 'her'),
  retryNow: c.retryNow('k', ALICE),
  erase: c.erase(BOB, ['k']),
  forgetUser: c.forgetUser(BOB, [ALICE]),
  pause: c.pause('admin', 1),
  resume: c.resume(),
  openCommandSession: c.openCommandSession('s', 'forget', 1),
  readCommandSession: c.readCommandSession('s'),
  endCommandSession: c.endCommandSession('s', 't'),
};
const REQUESTS: readonly c.Request[] = [
  ...Object.values(EACH),
  aliceWrites({ quota: { limits, refuse: undefined } }),
  aliceWrites({ corrects: 'm-0', originId: 'o', quota: { limits, refuse: 'rate' } }),
];
const reply = (...fields: readonly (string | number)[]) => fields.join('\0');

/** What no script of this version replies to anything. */
const NO_REPLIES = [
  undefined,
  null,
  7,
  [],
  '',
  'nil',
  'dance',
  'constructor',
  '__proto__',
  '\u0001?',
  'nil\n{',
  '\0',
  '=',
  '+key',
  'Done',
  'done ',
  reply('dance', 'x'),
];

describe.each(REQUESTS.map((request) => [request.kind, request] as const))('a reply to %s', (kind, request) => {
  const isNone = (text: unknown) => decode(request, text) instanceof c.UnreadableReplyError;

  test('that is none', () => {
    expect(NO_REPLIES.filter((text) => !isNone(text))).toEqual([]);
    expect((decode(request, 'dance') as Error).message).toMatch(`Redis' reply to ${kind} cannot be read (dance)`);
  });

  test('with another number of fields is none', () => {
    for (const [outcome, { fields, group, isOpen }] of formsOf(request)) {
      const withFields = (wrong: number) => reply(outcome, ...Array.from({ length: wrong }, () => '1'));
      if (fields > 0) expect(isNone(withFields(fields - 1))).toBe(true);
      if (group === 0 && !isOpen) expect(isNone(withFields(fields + 1))).toBe(true);
      if (group > 1) expect(isNone(withFields(fields + group - 1))).toBe(true);
    }
  });
});

const KEY = 'k'.repeat(22);
const RECORD = recordOf('m-1');
test.each([
  ['handOver', reply('due', '')],
  ['handOver', reply('due', 'soon')],
  ['handOver', reply('due', 'Infinity')],
  ['claim', reply('claimed', '2', '', RECORD)],
  ['claim', reply('claimed', '', '', RECORD)],
  ['claim', reply('claimed', '0', '', '')],
  ['claim', reply('claimed', '0', '', `3${RECORD.slice(1)}`)],
  ['claim', reply('claimed', '0', '', RECORD.slice(0, 40))],
  ['requeue', reply('requeued', 'x')],
  ['accept', reply('known', KEY, '<body/>')],
  ['settle', reply('delivered-at-hand', '010001')],
  ['settle', reply('delivered', KEY, RECORD.slice(0, 30))],
  ['settleUpTo', reply('proved', '0', 'repeated', KEY, RECORD)],
  ['settleUpTo', reply('proved', 'x')],
  ['sessionAvailable', reply('missed', 'x', '')],
  ['sessionAvailable', reply('missed', '0', '', KEY, 1, 'Z', 1, 't')],
  ['sessionAvailable', reply('missed', '0', '', KEY, 'one', 'b', 1, 't')],
  ['sessionAvailable', reply('missed', '0', '', KEY, 1, 'b', '', 't')],
  ['senderAvailable', reply('next', '-1')],
  ['sequenceGap', reply('gap', 'x')],
  ['explain', reply('explained', 'z', 'y', '0', '', RECORD)],
  ['explain', reply('explained', 'o', 'y', '0', 'soon', RECORD)],
  ['recordPresence', reply('began', 'z')],
  ['recordPresence', reply('began', 'pc')],
  ['heartbeat', reply('count', '1', '')],
  ['takeIqResponse', reply('answers', '{')],
  ['takeIqResponse', reply('answers', 'null')],
  ['takeIqResponse', reply('answers', '{"b":"a@example.org"}')],
  ['overdueIqs', reply('list', 'id', '[]')],
  ['endIq', reply('ended', '{"b":1,"a":"","p":"","f":"","t":"","i":""}')],
  ['knownCapabilities', reply('known', 'u')],
  ['pause', reply('paused', 'for ever')],
  ['pause', reply('paused', '7')],
  ['erase', reply('count', '')],
] as const)('a reply to %s with a field that is none: %j', (kind, text) => {
  expect(decode(EACH[kind], text)).toBeInstanceOf(c.UnreadableReplyError);
});

test('a reply that cannot be read is told without what may be a message', () => {
  const secret = '<body>Meet me at the mill</body>';
  for (const text of [secret, reply('claimed', '0', secret), reply('known', KEY, secret), reply('answers', secret)]) {
    for (const request of REQUESTS) {
      const outcome = decode(request, text) as Error;
      expect(outcome).toBeInstanceOf(c.UnreadableReplyError);
      expect(`${outcome.message} ${outcome.cause}`).not.toContain('mill');
    }
  }
});

test('an error that a script has met is told by its text', () => {
  for (const request of REQUESTS) {
    const outcome = decode(request, reply('fault', 'WRONGTYPE no\0list'));
    expect(outcome).toBeInstanceOf(c.OperationError);
    expect(outcome).toMatchObject({ message: 'WRONGTYPE no\0list' });
  }
});

test("a payload with a NUL is the record's, which whoever reads it finds damaged", () => {
  const value = RECORD.replace('<body>', '<bo\0y>');
  const outcome = decode(EACH.claim, reply('claimed', '0', '', value));
  expect(outcome).toMatchObject({ outcome: 'claimed', record: { inner: '<bo\0y>m-1</body>' } });
});

describe.each(Object.keys(SCRIPT_FORMS) as (keyof typeof SCRIPT_FORMS)[])('a reply of a script: %s', (name) => {
  test.each([undefined, 1, '', 'dance', reply('dance', 1), '1795000000000 0 +'])('that is %j is none', (text) => {
    expect(() => decodeScript(name, text)).toThrow(c.UnreadableReplyError);
  });

  test('with another number of fields is none', () => {
    for (const [outcome, { fields, group, isOpen }] of SCRIPT_FORMS[name]) {
      const given = (count: number) => reply(outcome, ...Array.from({ length: count }, () => '1'));
      if (fields > 0) expect(() => decodeScript(name, given(fields - 1))).toThrow(c.UnreadableReplyError);
      if (group === 0 && !isOpen) expect(() => decodeScript(name, given(fields + 1))).toThrow(c.UnreadableReplyError);
    }
  });
});

test('scripts of another version are noticed by what they reply first', () => {
  expect(decodeScript('stamp', reply('late', 1, 5, 2))).toEqual({ late: true, time: 5, epoch: '2' });
  expect(() => decodeScript('stamp', reply('carried-out', 2, 5, 2))).toThrow('version 2');
});

test.each([
  ...REQUESTS,
  c.renewLease(
    Array.from({ length: 100 }, (_, i) => ({ key: `${i}`, attempt: i })),
    1,
  ),
])('$kind has no more arguments than are counted for the size of a call', (request) => {
  const args: (string | number)[] = [];
  encode(request, args);
  expect(args.length).toBeGreaterThan(0);
  expect(args.length).toBeLessThanOrEqual(argumentCount(request));
});
