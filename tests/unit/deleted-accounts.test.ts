// What is done when a gate tells that accounts were deleted.

import { DeletedAccounts, type DeletedAccountsOptions } from '../../src/delivery/gate/deleted-accounts.ts';
import type { StoredRecord } from '../../src/store/contract.ts';
import { until } from '../support/time/until.ts';

const NOW = 1_000_000;
let now: number;
let pending: { key: string; recipient: string; firstStoredAt: number }[];
let looks: number;
let isDown: boolean;
let there: string[];
let ended: string[];
let erased: string[];
let forgotten: ((record: StoredRecord) => boolean)[];

function open(): DeletedAccounts {
  return new DeletedAccounts({
    queries: {
      pending: async () => {
        looks += 1;
        if (isDown) throw new Error('no Redis');
        return { found: pending.map((record) => ({ record })), next: undefined };
      },
    },
    pipeline: {
      perform: async ({ key }: { key: string }, take: (rejected: unknown) => void) =>
        take({ outcome: 'done', record: { key } }),
    },
    addresses: { returnsKeyOf: (user: string) => user },
    endings: { conclude: async ({ key }: { key: string }) => void ended.push(key) },
    erasure: { user: async (user: string) => void erased.push(user) },
    forget: (isOver: (record: StoredRecord) => boolean) => void forgotten.push(isOver),
    isThere: (user: string) => there.includes(user),
    clock: { now: () => now },
    againAfter: 1,
    log: { info: () => {}, warn: () => {} },
  } as unknown as DeletedAccountsOptions);
}

const to = (recipient: string, firstStoredAt: number) => ({
  key: `${recipient} ${firstStoredAt}`,
  recipient,
  firstStoredAt,
});

beforeEach(() => {
  now = NOW;
  pending = [];
  looks = 0;
  isDown = false;
  there = [];
  ended = [];
  erased = [];
  forgotten = [];
});

test('a thousand that are deleted at once are found in two looks, and not looked for when they are told again', async () => {
  const users = Array.from({ length: 1000 }, (_, i) => `user${i}@s`);
  pending = [...users.map((user) => to(user, NOW)), to('user1@s', NOW + 1), to('other@s', NOW)];
  const accounts = open();
  for (const user of users) accounts.take(user, NOW, false);
  await until(() => erased.length === 1000, { what: 'the end of all' });
  expect(looks).toBe(2);
  expect(new Set(ended)).toEqual(new Set(users.map((user) => `${user} ${NOW}`)));
  for (const user of users) accounts.take(user, NOW + 5, true);
  accounts.take('other@s', NOW, true);
  await until(() => erased.includes('other@s'), { what: 'another' });
  expect(looks).toBe(3);
  // Made again, and deleted again.
  accounts.take('user1@s', NOW + 5, false);
  await until(() => ended.includes(`user1@s ${NOW + 1}`), { what: 'its end' });
});

test('what the store did not do is tried again, but not while there is no lease', async () => {
  isDown = true;
  pending = [to('bob@s', NOW)];
  const accounts = open();
  accounts.take('bob@s', NOW, false);
  await until(() => looks > 2, { what: 'another attempt' });
  accounts.pause();
  isDown = false;
  accounts.resume();
  await until(() => erased.length === 1, { what: 'the end' });
  expect(ended).toEqual([`bob@s ${NOW}`]);
});

test('of who has the name now nothing is erased', async () => {
  there = ['bob@s', 'carol@s'];
  pending = [to('bob@s', NOW - 2000)];
  const accounts = open();
  accounts.take('bob@s', NOW - 2000, false);
  // Her sessions end with it.
  accounts.take('carol@s', NOW, false);
  await until(() => erased.length === 1, { what: 'the end' });
  expect(erased).toEqual(['carol@s']);
  expect(ended).toEqual([`bob@s ${NOW - 2000}`]);
});

test('until all have ended, none of them is to be sent again', async () => {
  isDown = true;
  const accounts = open();
  accounts.take('bob@s', NOW, false);
  expect(accounts.isOver(to('bob@s', NOW))).toBe(true);
  expect(accounts.isOver(to('bob@s', NOW + 1))).toBe(false);
  expect(accounts.isOver(to('carol@s', NOW))).toBe(false);
  await until(() => looks > 1, { what: 'another attempt' });
  expect(accounts.isOver(to('bob@s', NOW))).toBe(true);
  isDown = false;
  await until(() => !accounts.isOver(to('bob@s', NOW)), { what: 'the end' });
});

test('what only this process keeps of messages to them goes, and of their own does not', () => {
  open().take('bob@s', NOW, false);
  const goes = (record: object) => forgotten[0]?.({ sender: 'alice@s', recipient: 'bob@s', ...record } as StoredRecord);
  expect(goes({ firstStoredAt: NOW })).toBe(true);
  expect(goes({ firstStoredAt: NOW + 1 })).toBe(false);
  expect(goes({ firstStoredAt: NOW, sender: 'bob@s', recipient: 'alice@s' })).toBe(false);
});
