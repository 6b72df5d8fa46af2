// When it is looked for messages that a session has passed over.
import { SequenceGaps, type SequenceGapsOptions } from '../../src/delivery/sequence-gaps.ts';
import { RETRY } from '../support/store/ledger.ts';

const { jest } = import.meta;
const GATHER = 1000;

/** When (ms) it was looked for each session, by its resource. */
let looked: Map<string, number[]>;
let gaps: SequenceGaps;
let calls: number;
beforeEach(() => {
  jest.useFakeTimers();
  looked = new Map();
  calls = 0;
  const push: SequenceGapsOptions['pipeline']['push'] = ({ request }) => {
    calls += 1;
    if (request?.kind !== 'sequenceGap') throw new Error(request?.kind);
    looked.set(request.resource, [...(looked.get(request.resource) ?? []), performance.now()]);
  };
  gaps = new SequenceGaps({ pipeline: { push }, retry: RETRY, clock: Date, counts: { evidenceGap: 0 } });
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
