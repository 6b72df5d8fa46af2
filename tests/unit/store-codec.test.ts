// What goes to the scripts and what comes back: a reply that is none that this version knows is an error, never a guess.
import {
  bounce,
  cancel,
  claim,
  claimProbing,
  endCommandSession,
  erase,
  expire,
  explain,
  handOver,
  heartbeat,
  isAvailable,
  knownCapabilities,
  leaveService,
  OperationError,
  overdueIqs,
  pause,
  type Request,
  readCommandSession,
  recordIq,
  recordPresence,
  reject,
  renewLease,
  requeue,
  retryNow,
  senderAvailable,
  sequenceGap,
  sessionAvailable,
  settle,
  settleUpTo,
  subscriptionStep,
  takeIqResponse,
  UnreadableReplyError,
} from '../../src/store/contract.ts';
import { decode } from '../../src/store/redis/codec/replies.ts';
import { argumentCount, encode } from '../../src/store/redis/codec/requests.ts';
import { ALICE, aliceWrites, BOB } from '../support/store/ledger.ts';

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
const REQUESTS: readonly Request[] = [
  aliceWrites(),
  settle('k', 'desk', 1),
  handOver(copy),
  claim('k', 1),
  bounce('k'),
  reject('k', 1, 'gone', undefined, undefined),
  expire('k', 1),
  requeue('k'),
  sessionAvailable(available),
  senderAvailable(BOB, '0'),
  sequenceGap(BOB, 'desk', ALICE, 1, 2),
  explain('k'),
  settleUpTo('k', ALICE, BOB, 'desk', 1),
  subscriptionStep('subscribe', BOB, ALICE, 1, 't'),
  recordPresence(BOB, ALICE, 'desk', true, 1, '', '', 't'),
  isAvailable(BOB, ALICE),
  heartbeat('p', 1, 'receipts.example.org'),
  leaveService('p', 1),
  claimProbing('p', 1),
  recordIq('q', iq, 1, { all: 1, each: 1 }),
  takeIqResponse('q', 't', BOB, ALICE, 1),
  overdueIqs(1, 2, 3),
  knownCapabilities('sha-1', 'v'),
  cancel('k', ALICE, 1, 'her'),
  retryNow('k', ALICE),
  erase(BOB, ['k']),
  pause('admin', 1),
  readCommandSession('s'),
  endCommandSession('s', 't'),
];

test.each(REQUESTS.map((request) => [request.kind, request] as const))('a reply to %s that is none', (_, request) => {
  for (const reply of ['\u0001?', 'nil\n{']) expect(decode(request, reply)).toBeInstanceOf(UnreadableReplyError);
});

test('an error that a script has met is told by its text', () => {
  const outcome = decode(claim('k', 1), '\0WRONGTYPE no list');
  expect(outcome).toBeInstanceOf(OperationError);
  expect(outcome).toMatchObject({ message: 'WRONGTYPE no list' });
});

test.each([
  ...REQUESTS,
  renewLease(
    Array.from({ length: 100 }, (_, i) => ({ key: `${i}`, attempt: i })),
    1,
  ),
])('$kind has no more arguments than are counted for the size of a call', (request) => {
  const args: (string | number)[] = [];
  encode(request, args);
  expect(args.length).toBeGreaterThan(0);
  expect(args.length).toBeLessThanOrEqual(argumentCount(request));
});
