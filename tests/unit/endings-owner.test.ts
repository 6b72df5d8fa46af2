// Whoever ends a message in its recipient's place waits behind a receipt that came before: it may wait in the queue to Redis, and
// its sender would be told that the message failed, and then that it was delivered.

import { DeletedAccounts, type DeletedAccountsOptions } from '../../src/delivery/gate/deleted-accounts.ts';
import { Unsendable, type UnsendableOptions } from '../../src/delivery/unsendable.ts';
import { RestoredMessages, type RestoredMessagesOptions } from '../../src/jobs/restored-messages.ts';
import { until } from '../support/time/until.ts';

const BOB = 'bob@example.org';
const record = { key: 'k', recipient: BOB, firstStoredAt: 1, storedAt: 1, state: 'expired' };

const nothing = () => {};
let performed: { kind: string; owner: string | undefined }[];
let concluded: unknown[];
const common = {
  pipeline: {
    async perform(request: { kind: string }, take: (reply: unknown) => void, owner?: string) {
      performed.push({ kind: request.kind, owner });
      take(request.kind === 'expire' ? record : { outcome: 'done', record });
    },
  },
  addresses: { returnsKeyOf: (account: string) => `returns ${account}` },
  queries: { pending: async () => ({ found: [{ record }], next: undefined }) },
  endings: { conclude: async (...args: unknown[]) => void concluded.push(args) },
  clock: { now: () => 2 },
  log: { info: nothing, warn: nothing, error: nothing },
};

beforeEach(() => {
  performed = [];
  concluded = [];
});

test.each([
  [
    'whose account was deleted',
    'reject',
    () => {
      const options = { ...common, erasure: { user: nothing }, forget: nothing, isThere: () => false };
      new DeletedAccounts(options as unknown as DeletedAccountsOptions).take(BOB, 1, false);
    },
  ],
  [
    'over whose message the server ends the stream',
    'reject',
    () => {
      const options = { ...common, outbox: { giveUp: nothing }, counts: { quarantined: 0 } };
      const unsendable = new Unsendable(options as unknown as UnsendableOptions);
      void unsendable.take({ tag: { kind: 'copy', record }, xml: '' } as unknown as Parameters<Unsendable['take']>[0]);
    },
  ],
  [
    'whose message is of an older copy of the ledger',
    'expire',
    () => {
      const copy = { state: async () => ({ upto: 1 }), beginEnd: async () => {}, letGo: async () => {} };
      void new RestoredMessages({ ...common, copy } as unknown as RestoredMessagesOptions).say('end', 'admin');
    },
  ],
])('of one %s', async (_, kind, ends) => {
  ends();
  await until(() => concluded.length > 0, { what: 'the end' });
  expect(performed).toEqual([{ kind, owner: `returns ${BOB}` }]);
});
