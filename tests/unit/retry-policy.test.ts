import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { BATCH, SWEEP } from '../../src/store/redis/scripts.ts';
import { RetryPolicy, SCRIPT_TIMES } from '../../src/store/retry-policy.ts';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;
const policy = new RetryPolicy({
  schedule: [30 * SECOND, 120 * SECOND, 600 * SECOND],
  messageTtl: DAY,
  unconfirmedRetries: 1,
  unconfirmedRetryAfter: 900 * SECOND,
  receiptGap: 10 * SECOND,
});
const NOW = 1_764_000_000_000;
/** Almost the latest that chance may make it. */
const LATEST = 1 - 1e-9;

/** What is due when, in seconds from now; of a message that was stored now. */
test.each([
  ['the end of its life', policy.expiry(NOW), 24 * 3600],
  ['a first attempt, and any that is being sent: when its lease ends', policy.leaseEnd(NOW), 10],
  ['what a sweep gave to a job', policy.jobLeaseEnd(NOW), 15],
  ['what waits for its turn in a redelivery run', policy.turnLeaseEnd(NOW), 60],
  ['after the first copy', policy.bySchedule(NOW, 1, NOW, 0), 30],
  ['after the first copy, at the latest', policy.bySchedule(NOW, 1, NOW, LATEST), 33],
  ['after a bounce of what was never handed over', policy.bySchedule(NOW, 0, NOW, 0), 30],
  ['after the second', policy.bySchedule(NOW, 2, NOW, 0), 120],
  ['after the third', policy.bySchedule(NOW, 3, NOW, 0), 600],
  ['after any further one', policy.bySchedule(NOW, 9, NOW, 0), 600],
  ['after a copy near the end of its life', policy.bySchedule(NOW - DAY + 5 * SECOND, 1, NOW, 0), 5],
  ['of one who never confirmed anything, after the first', policy.unconfirmed(NOW, 1, NOW, 0), 900],
  ['the same, at the latest', policy.unconfirmed(NOW, 1, NOW, LATEST), 990],
  ['the same, after the last that he may be sent', policy.unconfirmed(NOW, 2, NOW, 0), 24 * 3600],
  ['passed over by a later receipt', policy.afterGap(NOW), 10],
  ['out of offline storage, at a login', policy.afterLogin(NOW, 0), 30],
  ['out of offline storage, at the latest', policy.afterLogin(NOW, LATEST), 33],
  ['a copy that holds up the next of its run no longer', policy.unansweredSince(NOW), -30],
])('%s', (_, due, seconds) => {
  expect(due).toBe(NOW + seconds * SECOND);
});

test('property: never before now, never after the expiry, at most a tenth late', () => {
  const any = fc.record({
    copies: fc.integer({ min: 0, max: 60 }),
    now: fc.integer({ min: 0, max: DAY }),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    confirms: fc.boolean(),
  });
  fc.assert(
    fc.property(any, ({ copies, now, random, confirms }) => {
      const time = confirms ? policy.bySchedule(0, copies, now, random) : policy.unconfirmed(0, copies, now, random);
      expect(time).toBeGreaterThanOrEqual(now);
      expect(time).toBeLessThanOrEqual(DAY);
      if (time < DAY) expect(time - now).toBeLessThanOrEqual(900 * SECOND * 1.1);
    }),
  );
});

test('what a store keeps, and for how long', () => {
  expect(policy.storeTimes({ dedupWindow: 8 * DAY, undeliveredRetention: 30 * DAY })).toEqual({
    dedupWindow: 8 * DAY,
    undeliveredRetention: 30 * DAY,
    messageTtl: DAY,
    receiptSupportKept: 90 * DAY,
    firstStep: 30 * SECOND,
  });
});

describe('the scripts', () => {
  const folder = new URL('../../src/store/redis/scripts/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.lua'));
  const sources = files.map((name) => [name, readFileSync(new URL(name, folder), 'utf8')] as const);

  test('name each time of the policy, and are given its number', () => {
    const named = sources.flatMap(([, text]) => [...text.matchAll(/\bPOLICY\.(\w+)/g)].map(([, name]) => name));
    expect([...new Set(named)].sort()).toEqual(Object.keys(SCRIPT_TIMES).sort());
    for (const script of [BATCH, SWEEP]) expect(script).not.toContain('POLICY');
    expect(SWEEP).toContain(`now + ${SCRIPT_TIMES.WHILE_PAUSED}, member`);
  });

  test('compute no due time of a number that is their own', () => {
    // What puts something into the set of what is due, or into the list of what will be put there.
    const computes = /\b(?:ZADD', due_set|gather_due\(|advance\.all\()([^\n]*)/g;
    const found = sources.flatMap(([name, text]) =>
      [...text.matchAll(computes)].map(([, rest]) => [name, rest as string] as const),
    );
    expect(found.length).toBeGreaterThan(20);
    for (const [name, rest] of found)
      expect([name, rest]).toEqual([name, rest.replaceAll(/\b\d{2,}\b|\b\d+\.\d/g, '!')]);
  });
});
