import { readdirSync, readFileSync } from 'node:fs';
import { countOf, describeEvent, truncated } from '../../src/commands/format.ts';

const SCRIPTS = new URL('../../src/store/redis/scripts/', import.meta.url);
const scripts = readdirSync(SCRIPTS, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.lua'))
  .map((name) => readFileSync(new URL(name, SCRIPTS), 'utf8'));

test('every event that a script records has words', () => {
  const noted = scripts.flatMap((text) =>
    [...text.matchAll(/\brecord_event\(\w+, \w+, '([^']+)'/g)].map(([, event]) => event as string),
  );
  expect(noted).toEqual(expect.arrayContaining(['claimed', 'cancelled', 'handed-over ']));
  for (const event of noted) expect(describeEvent(event.trim())).not.toBe(event.trim());
});

test('every way that a copy goes has words', () => {
  for (const how of ['o', 'g', 'n', 's', 'x', 'b', '?'])
    expect(describeEvent(`handed-over ${how}`)).toMatch(/^handed over (to|and|with) /);
});

test('what is not known stays as it is, and short', () => {
  expect(describeEvent('struck by lightning')).toBe('struck by lightning');
  expect(describeEvent('x'.repeat(1000))).toHaveLength(201);
  expect(truncated('abc', 2)).toBe('ab…');
  expect([0, 1, 2].map((count) => countOf(count, 'message'))).toEqual(['0 messages', '1 message', '2 messages']);
});
