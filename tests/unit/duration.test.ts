import fc from 'fast-check';
import { formatDuration, formatLongDuration, parseDuration } from '../../src/util/duration.ts';

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['2m', 120_000],
  ['1h', 3_600_000],
  ['7d', 604_800_000],
  ['0s', 0],
  ['007s', 7000],
])('%s is %i ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', '5', 's', '1.5h', '-1s', '1 s', '1S', '1h30m', '1w', '1e3s', ' 1s', '1s\n', '９s', '99999999999999d'])(
  '%j is none',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test('is read as it was written', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBe(ms);
    }),
  );
});

test('is written in the largest unit of which it is a whole number', () => {
  expect([604_800_000, 5_400_000, 90_000, 1500, 0].map(formatDuration)).toEqual(['7d', '90m', '90s', '1500ms', '0ms']);
});

test('is written in words', () => {
  expect([604_800_000, 3_600_000, 90_000, 1].map(formatLongDuration)).toEqual([
    '7 days',
    '1 hour',
    '90 seconds',
    '1 millisecond',
  ]);
});
