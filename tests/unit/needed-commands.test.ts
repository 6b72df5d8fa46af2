import { readdirSync, readFileSync } from 'node:fs';
import { NEEDED_COMMANDS } from '../../src/store/redis/needed-commands.ts';

const known = new Set(NEEDED_COMMANDS.map(([name]) => name));

function called(folder: URL, pattern: RegExp, calls: RegExp): Set<string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => pattern.test(name));
  const texts = names.map((name) => readFileSync(new URL(name, folder), 'utf8'));
  return new Set(texts.flatMap((text) => [...text.matchAll(calls)].map((match) => (match[1] as string).toUpperCase())));
}

test('every command that our scripts give is tried at the start', () => {
  const ours = called(new URL('../../src/store/redis/scripts/', import.meta.url), /\.lua$/, /redis\.p?call\('(\w+)'/g);
  expect(ours.size).toBeGreaterThan(20);
  expect([...ours].filter((name) => !known.has(name))).toEqual([]);
});

test('so is every one that the queue library’s scripts give, but for what it does not use here', () => {
  const unused = ['ZLEXCOUNT', 'XREAD'];
  const folder = new URL('../../node_modules/bullmq/dist/esm/scripts/', import.meta.url);
  const theirs = called(folder, /\.js$/, /rcall\(['"](\w+)['"]/g);
  expect(theirs.size).toBeGreaterThan(20);
  expect([...theirs].filter((name) => !known.has(name) && !unused.includes(name))).toEqual([]);
});
