import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import dictionary from 'dictionary-en-gb';
import nspell from 'nspell';
import { NAMES } from '../../src/config/settings.ts';
import { DEFINITIONS, PREFIX } from '../../src/metrics/definitions.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const read = (name: string) => readFileSync(path.join(ROOT, name), 'utf8');
const FOLDERS = ['.', 'docs', 'openfire', 'prosody', 'bench', 'packages/client'];
const PAGES = FOLDERS.flatMap((folder) =>
  readdirSync(path.join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join(folder, name)),
);
/** But for what programs write. */
const ENGLISH = PAGES.filter((page) => !page.includes('.zh-CN.') && page !== 'bench/RESULTS.md');

/** What is written as text: no code, addresses, tags or targets of links. */
const proseOf = (text: string) =>
  text
    .replace(/^```.*?^```/gms, ' ')
    .replace(/``.*?``|`[^`]*`/g, ' ')
    .replace(/\]\([^)]*\)/g, ']')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\b[a-z]+:\/\/\S+/g, ' ')
    .replace(/[\w/-]*[./][\w/-]*\.?[\w]+/g, ' ');

/** Words that are names, by their capitals or their form. */
const isName = (word: string) => /[A-Z].*[A-Z]|[a-z][A-Z]/.test(word);

const speller = nspell(dictionary as unknown as { aff: Buffer; dic: Buffer });
// A word a line, in the form in which it is written in the middle of a sentence.
for (const word of read('docs/words.txt').split('\n')) if (word !== '') speller.add(word);

test.each(ENGLISH)('the words of %s are spelt rightly, or are in docs/words.txt', (page) => {
  const words = new Set([...proseOf(read(page)).matchAll(/[A-Za-zÀ-ž][A-Za-zÀ-ž'’]+/g)].map(([word]) => word));
  const wrong = [...words]
    .map((word) => word.replace(/['’]s?$/, ''))
    .filter((word) => !isName(word) && !speller.correct(word) && !speller.correct(word.toLowerCase()));
  expect(wrong).toEqual([]);
});

test('a word that is spelt wrongly is found', () => {
  expect(speller.correct('recieved')).toBe(false);
});

test.each(PAGES)('the npm scripts that %s names are there', (page) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = [...read(page).matchAll(/npm run (?:--silent )?([a-z][\w:-]*)/g)].map(([, name]) => name as string);
  expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
});

test.each(PAGES)('the metrics that %s names are there', (page) => {
  const known = Object.keys(DEFINITIONS).map((name) => PREFIX + name);
  const named = [...read(page).matchAll(/openfire_receipts_[a-z_]+/g)].map(([name]) => name);
  expect(
    named.filter(
      (name) => !known.some((one) => name === one || name.startsWith(`${one}_`) || `${one}_`.startsWith(name)),
    ),
  ).toEqual([]);
});

test('the settings that docs name are there', () => {
  const written = new Set(
    ENGLISH.flatMap((page) => [...read(page).matchAll(/`([A-Z][A-Z_]+)=/g)].map(([, name]) => name)),
  );
  const settings = new Set<string>(NAMES);
  const elsewhere = read('docs/words.txt').split('\n');
  expect([...written].filter((name) => !settings.has(name as string) && !elsewhere.includes(name as string))).toEqual(
    [],
  );
  expect(written.size).toBeGreaterThan(10);
});
