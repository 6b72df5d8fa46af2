import { UnheldReport } from '../../src/gate/unheld-report.ts';

test('it names at most a hundred messages and counts all; after ten quiet minutes nothing is said any more', () => {
  const lines: unknown[] = [];
  let now = 1_000_000;
  const log = { warn: (fields: object) => void lines.push(fields) };
  const report = new UnheldReport({ log, now: () => now });
  report.write();
  expect([report.lately, lines]).toEqual([undefined, []]);
  for (let i = 0; i < 250; i++) report.note('a@s/1', 'b@s', `m-${i}`);
  report.write();
  report.write();
  const passed = Array.from({ length: 100 }, (_, i) => `a@s/1 to b@s, id m-${i}`);
  expect(lines).toEqual([{ count: 250, passed }]);
  now += 599_000;
  expect(report.lately).toEqual({ count: 250, at: 1_000_000 });
  now += 2000;
  expect(report.lately).toBeUndefined();
  report.note('a@s/1', 'b@s', 'late');
  expect(report.lately).toEqual({ count: 1, at: now });
  report.write();
});
