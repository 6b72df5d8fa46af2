// When it is looked for messages that a session has passed over.
import { SequenceGaps, type SequenceGapsOptions } from '../../src/delivery/redelivery/sequence-gaps.ts';
import type { AnythingOut, Work } from '../../src/store/contract.ts';
import { RETRY } from '../support/store/ledger.ts';

const { jest } = import.meta;
const GATHER = 1000;

/** When (ms) it was looked for each session, by its resource. */
let looked: Map<string, number[]>;
let gaps: SequenceGaps;
let calls: number;
/** Users of whom it was asked whether anything is out to them, by the request. */
let asked: (readonly string[])[];
beforeEach(() => {
  jest.useFakeTimers();
  looked = new Map();
  asked = [];
  calls = 0;
  const push: SequenceGapsOptions['pipeline']['push'] = (work) => {
    const { request } = work as Work;
    if (request?.kind === 'anythingOut') {
      asked.push(request.users);
      (work as Work<AnythingOut>).done(request.users.filter((user) => !user.startsWith('nothing')));
      return;
    }
    calls += 1;
    if (request?.kind !== 'sequenceGap') throw new Error(request?.kind);
    looked.set(request.resource, [...(looked.get(request.resource) ?? []), performance.now()]);
  };
  const apart = (users: readonly string[]) => [
    users.filter((user) => !user.includes('other')),
    users.filter((user) => user.includes('other')),
  ];
  gaps = new SequenceGaps({ pipeline: { push, apart }, retry: RETRY, clock: Date, counts: { evidenceGap: 0 } });
});
afterEach(() => {
  gaps.close();
  jest.useRealTimers();
});

const receipt = (resource: string) => gaps.recordReceipt('bob@example.org', resource, 'alice@example.org', Date.now());

test('receipts of a second are looked at together', () => {
  const start = performance.now();
  receipt('desk');
  jest.advanceTimersByTime(GATHER / 2);
  receipt('desk');
  jest.advanceTimersByTime(GATHER / 2 - 1);
  expect(calls).toBe(0);
  jest.advanceTimersByTime(1);
  expect(looked).toEqual(new Map([['desk', [start + GATHER]]]));
  jest.advanceTimersByTime(10 * GATHER);
  expect(calls).toBe(1);
  receipt('desk');
  jest.advanceTimersByTime(GATHER);
  expect(calls).toBe(2);
});

test('of many sessions each is looked at in its own time, and not all at once', () => {
  const noted = new Map<string, number>();
  for (let i = 0; i < 1000; i += 1) {
    receipt(`r-${i}`);
    noted.set(`r-${i}`, performance.now());
    jest.advanceTimersByTime(2);
  }
  jest.advanceTimersByTime(2 * GATHER);
  const together = new Map<number, number>();
  for (const [resource, at] of noted) {
    const [lookedAt = Number.NaN, ...again] = looked.get(resource) ?? [];
    expect(again).toEqual([]);
    expect(lookedAt - at).toBeGreaterThanOrEqual(GATHER);
    expect(lookedAt - at).toBeLessThanOrEqual(GATHER + 50);
    together.set(lookedAt, (together.get(lookedAt) ?? 0) + 1);
  }
  expect(Math.max(...together.values())).toBeLessThanOrEqual(25);
  // Nor by a timer for each.
  expect(together.size).toBeLessThanOrEqual(42);
});

test('of all who are due it is asked at once to whom anything is out, and these alone are looked at', () => {
  const users = Array.from(
    { length: 250 },
    (_, number) => `${number % 50 === 0 ? 'bob' : 'nothing'}-${number}@example.org`,
  );
  for (const user of users) gaps.recordReceipt(user, `desk of ${user}`, 'alice@example.org', Date.now());
  jest.advanceTimersByTime(GATHER);
  expect(asked.flat()).toEqual(users);
  // A call's size does not depend on how much there is to do.
  expect(asked.map(({ length }) => length)).toEqual([100, 100, 50]);
  expect([...looked.keys()]).toEqual(users.filter((user) => user.startsWith('bob')).map((user) => `desk of ${user}`));
});

test('of a user with several sessions and senders all are looked at', () => {
  for (const resource of ['desk', 'phone']) receipt(resource);
  gaps.recordReceipt('bob@example.org', 'desk', 'carol@example.org', Date.now());
  jest.advanceTimersByTime(GATHER);
  expect(asked).toEqual([['bob@example.org']]);
  expect(calls).toBe(3);
});

test('those whose part of the store may stand still by itself are asked for apart', () => {
  for (const user of ['bob', 'other', 'carol'])
    gaps.recordReceipt(`${user}@example.org`, 'desk', 'alice@example.org', Date.now());
  jest.advanceTimersByTime(GATHER);
  expect(asked).toEqual([['bob@example.org', 'carol@example.org'], ['other@example.org']]);
});
