import type { Route } from '../../src/addressing/address-policy.ts';
import { HeldMessages } from '../../src/delivery/gate/held-messages.ts';
import { RoutedReceipts } from '../../src/delivery/gate/routed-receipts.ts';
import { ReceiptSupport } from '../../src/delivery/receipt-support.ts';
import { type Facts, newFacts } from '../../src/gate/facts.ts';
import {
  nothingButDelivered,
  type Request,
  type StoredRecord,
  tokenOfHeld,
  type Work,
} from '../../src/store/contract.ts';
import { ALICE, BOB, keyOf } from '../support/store/ledger.ts';

const RECORD: StoredRecord = {
  ...nothingButDelivered(keyOf('m-1')),
  state: 'pending',
  sender: ALICE,
  recipient: BOB,
  wireId: 'm-1',
  heldAs: 'e-1',
};
const USER = { kind: 'user', domain: 'example.org', returnsKey: RECORD.recipient } as const;
const route = {
  from: {
    ...USER,
    inner: RECORD.recipient,
    bare: RECORD.recipient,
    full: `${RECORD.recipient}/desk`,
    resource: 'desk',
  },
  to: { ...USER, inner: RECORD.sender, bare: RECORD.sender, full: `${RECORD.sender}/phone`, resource: 'phone' },
} as unknown as Route;
const receipt = { by: 'receipt', id: RECORD.wireId, to: `${RECORD.sender}/phone` } as const;

/** What Redis is asked for by the second receipt of a client, while this is under way. */
function asks(
  underWay: StoredRecord | undefined,
  { facts, leaves = false, look = () => {} }: { facts?: Facts; leaves?: boolean; look?: (user: string) => void } = {},
): Request | undefined {
  const pushed: Request[] = [];
  const messages = new HeldMessages();
  messages.put(RECORD);
  const receiptSupport = new ReceiptSupport();
  receiptSupport.record(RECORD.sender, RECORD.recipient, 0);
  const receipts = new RoutedReceipts({
    gate: { noteConfirmed: () => {}, factsOf: () => facts },
    copies: { forget: () => {}, whenKnown: (_, then) => then() },
    originals: { underWay: (key) => (key === RECORD.key ? underWay : undefined) },
    messages,
    pipeline: { push: ({ request }: Work) => void pushed.push(request as Request) } as never,
    endings: { conclude: () => undefined },
    settlement: { proof: () => {} },
    receiptSupport,
    doubts: { leavesToStore: () => leaves },
    look,
    clock: { now: () => 0 },
    counts: { provedByRoutedReceipt: 0 },
  });
  receipts.take('e-1', route, receipt, 'D');
  return pushed[0];
}

test('what is known of the message need not be read back from Redis', () => {
  expect(asks(RECORD)).toMatchObject({ kind: 'prove', key: RECORD.key, told: true, atHand: RECORD });
});

test('it is of the message that the gate names, and of no other that has taken its key', () => {
  const token = tokenOfHeld('e-1');
  expect(asks(undefined)).toMatchObject({ kind: 'prove', only: token });
  expect(asks({ ...RECORD, heldAs: 'e-2' })).toMatchObject({ kind: 'prove', atHand: undefined, only: token });
});

test('where nothing is, Redis says it', () => {
  expect(asks(undefined)).toMatchObject({ kind: 'prove', key: RECORD.key, told: true, atHand: undefined });
});

test('what is to stay in the store is proved by its session, and its sender has been told', () => {
  const facts = newFacts();
  const looked: string[] = [];
  expect(asks(undefined, { facts, leaves: true, look: (user) => looked.push(user) })).toBeUndefined();
  expect([facts.told, [...facts.has.keys()], looked]).toEqual([true, ['D'], [BOB]]);
});
