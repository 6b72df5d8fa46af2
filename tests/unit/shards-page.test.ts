import { readFileSync } from 'node:fs';
import { planOf } from '../../src/store/redis/plans.ts';
import { ROUTE } from '../../src/store/redis/routes.ts';
import { Shards } from '../../src/store/redis/shards.ts';

/** docs/shards.md says of each operation of the store which shards it calls. */
const TEXT = readFileSync(new URL('../../docs/shards.md', import.meta.url), 'utf8');
const from = TEXT.indexOf('## Each operation');
const rows = TEXT.slice(from, TEXT.indexOf('## ', from + 4))
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split(' | '));

/** By operation, what is said of its calls. */
const said = new Map(
  rows.flatMap(([names = '', calls = '']) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, name]) => [name as string, calls]),
  ),
);
const kinds = Object.keys(ROUTE) as (keyof typeof ROUTE)[];

test('every operation is there, once, with a reason', () => {
  expect([...said.keys()].sort()).toEqual([...kinds].sort());
  expect(rows.flatMap(([names = '']) => names.match(/`/g) ?? []).length).toBe(2 * kinds.length);
  for (const [names, , why = ''] of rows) expect([names, why.length > 7]).toEqual([names, true]);
});

const BEGINS = { key: 'message', user: 'user', contact: 'contact', home: 'first', several: '(all|each)' };

test.each(kinds)('%s is said to begin where it does', (kind) => {
  expect(said.get(kind)).toMatch(new RegExp(`^${BEGINS[ROUTE[kind]]}\\b`));
});

const shards = new Shards('{receipts}', 16);

test.each(kinds)('%s is said to have further calls in a cluster if it may have such', (kind) => {
  // What a plan is made for, but not what it comes to; presence has one only where it shows a subscription.
  const request = { kind, direct: true, available: true, cursor: '0' };
  const hasPlan = ROUTE[kind] !== 'several' && planOf(request as never, shards, true) !== undefined;
  const isSaid = /in a cluster/.test(said.get(kind) ?? '') || ROUTE[kind] === 'several';
  expect(isSaid).toBe(hasPlan || ROUTE[kind] === 'several');
});
