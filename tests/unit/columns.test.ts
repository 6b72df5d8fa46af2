// Batches of nothing but the usual, as scripts/include/plain-batch.lua takes them; rows.test.ts compares what they come to.
import { inColumns } from '../../src/store/redis/codec/columns.ts';

const PREFIXES = ['{one}', '{two}'];
const BEFORE = ['settings'];
const key = (own: string) => own.padStart(14, '.');
const record = (own: string, ten = 179_500_000) => `2p01000001${ten}0000${own}`;
const columns = (...operations: (string | number)[]) => inColumns([...BEFORE, ...operations], 1, PREFIXES);

/** What the header says: its numbers, and the order. */
function headerOf(all: readonly unknown[]): readonly [numbers: number[], order: string] {
  const header = all[2] as string;
  const numberAt = (at: number) => header.charCodeAt(at) * 128 + header.charCodeAt(at + 1);
  const counts = Array.from({ length: 9 }, (_, i) => numberAt(2 * i));
  const end = 18 + 10 * (counts[6] as number) + 7 * (counts[7] as number);
  return [counts, header.slice(end)];
}

test('what is alike stands together, in the order in which it came', () => {
  const all = columns(
    ...['accept', key('a'), record('a'), 'settleAtHand', key('b'), '1', 'notified', 2, key('c'), `${key('d')}x`],
    ...['shard', 2, 'settleToldAtHand', key('e'), '2', 'settleAtHand', key('f'), '3'],
    ...['withinQuota', key('g'), 'alice', 'bob', '9 0 0 0 0', '', 'acceptCounted', key('g'), record('g')],
    ...['anythingOut', 1, 'bob@example.org'],
  ) as unknown[];
  expect(all.slice(0, 2)).toEqual(['settings', 'columns']);
  expect(headerOf(all)).toEqual([[2, 3, 1, 1, 1, 1, 2, 1, 1], 'asn1,1S2osxu1']);
  expect(all.slice(3)).toEqual([
    ...[`{one}.${key('a')}`, record('a'), `{two}.${key('g')}`, record('g')],
    ...[`{one}.${key('b')}`, `{two}.${key('f')}`, `{two}.${key('e')}`, '1', '3', '2'],
    ...[key('c'), `${key('d')}x`, 'alice', 'bob', '9 0 0 0 0'],
    ...['{two}:copies:bob@example.org', '{two}:asked:bob@example.org'],
  ]);
});

const accepts = ['accept', key('a'), record('a')];
const asked = (limits: string, why: string, ...stores: string[]) => [
  ...['withinQuota', key('b'), 'alice', 'bob', limits, why],
  ...stores,
];
test.each<readonly [string, readonly (string | number)[]]>([
  ['nothing', []],
  ['another operation', [...accepts, 'claim', key('b'), 1, '*']],
  ['two with one key', [...accepts, 'settleAtHand', key('a'), '1']],
  ['a key that is longer', ['accept', `${key('a')}-${'0'.repeat(16)}`, record('a')]],
  ['no record', ['accept', key('a'), 'no record']],
  ['a shard that is not there', ['shard', 3, ...accepts]],
  ['a message that is refused', asked('9 0 0 0 0', 'r', 'accept', key('b'), record('b'))],
  ['a limit of the domain', asked('9 0 0 7 0', '', 'accept', key('b'), record('b'))],
  ['a share, and another message', asked('9 0 0 0 0', '', 'accept', key('c'), record('c'))],
  ['a share, and what is stored otherwise', asked('9 0 0 0 0', '', 'acceptAliased', key('b'), record('b'))],
  ['fewer words to senders than are counted', [...accepts, 'notified', 2, key('b')]],
  ['more than a command takes', ['notified', 3001, ...Array.from({ length: 3001 }, () => key('b'))]],
])('%s is no such batch', (_, operations) => {
  expect(columns(...operations)).toBeUndefined();
});
