// docs/gate-rules.md names tests that are there.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
const JAVA = 'openfire/plugin/src/test/java/receipts/gate/core';
const PAGE = readFileSync(path.join(ROOT, 'docs/gate-rules.md'), 'utf8');

/** Rows of the page's tables, without their heads. */
const ROWS = PAGE.split('\n')
  .filter((line) => line.startsWith('|') && !/^\|(-|.*\| Parts \|)/.test(line))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

/** @returns what tests of that file are called */
function titles(file: string): string[] {
  const places = [
    `${JAVA}/${file}.java`,
    ...['e2e', 'integration', 'unit'].map((tier) => `tests/${tier}/${file}.test.ts`),
  ];
  const place = places.map((one) => path.join(ROOT, one)).find((one) => existsSync(one));
  if (place === undefined) return [];
  const pattern = place.endsWith('.java')
    ? /@DisplayName\("(.*)"\)/g
    : /^\s*(?:.*\()?(['`].*?['`]),? ?(?:async|\(|$)/gm;
  return [...readFileSync(place, 'utf8').matchAll(pattern)].map(([, title = '']) => title);
}

test('each rule has a row, and what a row names is a test of each of its files', () => {
  const rules = new Set(ROWS.flatMap(([first = '']) => (/^\d+$/.test(first) ? [Number(first)] : [])));
  expect([...rules]).toEqual(Array.from({ length: 27 }, (_, i) => i + 1));
  const missing = ROWS.flatMap((cells) => {
    const name = (cells.at(-4) ?? '').replace(/ [¹²³]$/, '').replaceAll('`', '');
    const files = cells
      .slice(-3)
      .flatMap((cell) => cell.split(' '))
      .filter((file) => /^[\w-]{2,}$/.test(file) && file !== 'none');
    return files
      .filter((file) => !titles(file).some((title) => title.includes(name)))
      .map((file) => `${file}: ${name}`);
  });
  expect(ROWS.length).toBeGreaterThan(70);
  expect(missing).toEqual([]);
});
