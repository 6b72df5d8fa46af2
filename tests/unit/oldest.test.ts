import { oldestBeyond } from '../../src/util/oldest.ts';

const upTo = (count: number) => new Map(Array.from({ length: count }, (_, i) => [i, i]));

test('of no more than may be kept, nothing is forgotten', () => {
  expect(oldestBeyond(upTo(160), 160)).toEqual([]);
});

test('of more, the oldest and a sixteenth beside them', () => {
  const map = upTo(161);
  map.delete(3);
  map.set(3, 3);
  expect(oldestBeyond(map, 160)).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test('so many are forgotten at once that the first of a Map is seldom asked for', () => {
  const map = upTo(0);
  let asked = 0;
  for (let i = 0; i < 1600; i += 1) {
    map.set(i, i);
    if (map.size <= 160) continue;
    asked += 1;
    for (const old of oldestBeyond(map, 160)) map.delete(old);
  }
  expect(asked).toBeLessThan(1600 / 10);
  expect(map.has(1599)).toBe(true);
});
