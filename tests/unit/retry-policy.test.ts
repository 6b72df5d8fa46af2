import fc from 'fast-check';
import { nextDue, type Timetable } from '../../src/store/retry-policy.ts';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const timetable: Timetable = {
  schedule: [30 * SECOND, 120 * SECOND, 600 * SECOND],
  messageTtl: 24 * HOUR,
  unconfirmedRetries: 1,
  unconfirmedRetryAfter: 900 * SECOND,
};
const due = (copies: number, retriable: boolean, now = 0, random = 0) =>
  nextDue({ storedAt: 0, copies }, retriable, timetable, now, random);

test('a recipient who confirms is tried again by the schedule, its last step repeating', () => {
  expect([1, 2, 3, 4, 9].map((copies) => due(copies, true))).toEqual([30, 120, 600, 600, 600].map((s) => s * SECOND));
});

test('one who never confirmed anything is tried again once, much later, and then let be', () => {
  expect(due(1, false)).toBe(900 * SECOND);
  expect(due(2, false)).toBe(24 * HOUR);
});

test('property: never before now, never after the expiry, at most a tenth late', () => {
  const any = fc.record({
    copies: fc.integer({ min: 0, max: 60 }),
    now: fc.integer({ min: 0, max: 24 * HOUR }),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    retriable: fc.boolean(),
  });
  fc.assert(
    fc.property(any, ({ copies, now, random, retriable }) => {
      const time = due(copies, retriable, now, random);
      expect(time).toBeGreaterThanOrEqual(now);
      expect(time).toBeLessThanOrEqual(24 * HOUR);
      if (time < 24 * HOUR) expect(time - now).toBeLessThanOrEqual(900 * SECOND * 1.1);
    }),
  );
});
