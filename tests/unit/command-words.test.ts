import { readFileSync } from 'node:fs';
import { happened, many, short } from '../../src/commands/words.ts';

const scripts = ['attempt', 'command', 'evidence', 'settle', 'undeliver'].map((name) =>
  readFileSync(new URL(`../../src/store/redis/scripts/${name}.lua`, import.meta.url), 'utf8'),
);

test('every event that a script notes has words', () => {
  const noted = scripts.flatMap((text) =>
    [...text.matchAll(/\bnote\(\w+, now, '([^']+)'/g)].map(([, event]) => event as string),
  );
  expect(noted).toEqual(expect.arrayContaining(['claimed', 'cancelled', 'handed-over ']));
  for (const event of noted) expect(happened(event.trim())).not.toBe(event.trim());
});

test('every way that a copy goes has words', () => {
  for (const how of ['o', 'g', 'n', 's', 'x', 'b', '?'])
    expect(happened(`handed-over ${how}`)).toMatch(/^handed over (to|and|with) /);
});

test('what is not known stays as it is, and short', () => {
  expect(happened('struck by lightning')).toBe('struck by lightning');
  expect(happened('x'.repeat(1000))).toHaveLength(201);
  expect(short('abc', 2)).toBe('ab…');
  expect([0, 1, 2].map((count) => many(count, 'message'))).toEqual(['0 messages', '1 message', '2 messages']);
});
