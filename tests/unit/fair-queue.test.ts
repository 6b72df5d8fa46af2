import fc from 'fast-check';
import { FairQueue } from '../../src/util/fair-queue.ts';

interface Item {
  readonly of: string;
  readonly number: number;
  readonly size: number;
}

const make = (plainUpTo = 8) => new FairQueue<Item>({ owner: ({ of }) => of, cost: ({ size }) => size, plainUpTo });

function drain(queue: FairQueue<Item>): Item[] {
  const all: Item[] = [];
  while (queue.size > 0) all.push(queue.shift() as Item);
  return all;
}

/** How many items came before this owner's first. */
const before = (order: readonly Item[], owner: string) => order.findIndex(({ of }) => of === owner);

test('whoever has one item waits for a few of somebody who has 30,000', () => {
  const queue = make();
  for (let number = 0; number < 30_000; number += 1) queue.push({ of: 'mallory', number, size: 300 });
  queue.push({ of: 'alice', number: 0, size: 300 });
  expect(before(drain(queue), 'alice')).toBeLessThanOrEqual(16);
});

test('also when he comes while the others are being served', () => {
  const queue = make();
  for (let number = 0; number < 30_000; number += 1) queue.push({ of: 'mallory', number, size: 300 });
  for (let i = 0; i < 1000; i += 1) queue.shift();
  queue.push({ of: 'alice', number: 0, size: 300 });
  expect(before(drain(queue), 'alice')).toBeLessThanOrEqual(16);
});

test('who was served while nobody else waited owes nobody for it', () => {
  const queue = make();
  for (let number = 0; number < 20_000; number += 1) queue.push({ of: 'alice', number, size: 300 });
  for (let i = 0; i < 10_000; i += 1) queue.shift();
  for (let number = 0; number < 10_000; number += 1) queue.push({ of: 'mallory', number, size: 300 });
  expect(before(drain(queue), 'alice')).toBeLessThanOrEqual(16);
});

test('large items count for what they are', () => {
  const queue = make();
  for (let number = 0; number < 1000; number += 1) {
    queue.push({ of: 'mallory', number, size: 64_000 });
    queue.push({ of: 'alice', number, size: 300 });
  }
  const order = drain(queue);
  // For each of mallory's, as many bytes of hers.
  const lastOfAlice = order.findLastIndex(({ of }) => of === 'alice');
  expect(order.slice(0, lastOfAlice).filter(({ of }) => of === 'mallory').length).toBeLessThan(10);
});

test('what nobody owns has more turns, and not all', () => {
  const queue = make();
  for (let number = 0; number < 10_000; number += 1) queue.push({ of: '', number, size: 0 });
  for (let number = 0; number < 100; number += 1) queue.push({ of: 'alice', number, size: 300 });
  const order = drain(queue);
  // After her first turn, in which she is new.
  const rest = order.slice(order.findIndex(({ of }) => of === 'alice') + 100);
  expect(order.slice(0, 400).filter(({ of }) => of === 'alice').length).toBeLessThanOrEqual(2 * 14);
  expect(before(rest, 'alice')).toBeLessThanOrEqual(256);
});

test('whoever comes goes before all who take turns, also when they are many', () => {
  const queue = make();
  const many = Array.from({ length: 500 }, (_, i) => `user${i}`);
  for (let number = 0; number < 100; number += 1) for (const of of many) queue.push({ of, number, size: 300 });
  // Each has had a turn.
  for (let i = 0; i < 20_000; i += 1) queue.shift();
  queue.push({ of: 'alice', number: 0, size: 300 });
  expect(before(drain(queue), 'alice')).toBeLessThanOrEqual(16);
});

test('those who come with one item each do not keep out who waits, nor what nobody owns', () => {
  const queue = make();
  for (let number = 0; number < 1500; number += 1) {
    queue.push({ of: 'mallory', number, size: 300 });
    if (number < 1000) queue.push({ of: '', number, size: 300 });
  }
  const taken = { mallory: 0, '': 0, one: 0 };
  for (let number = 0; number < 10_000; number += 1) {
    queue.push({ of: `one${number}`, number, size: 300 });
    const { of } = queue.shift() as Item;
    taken[of.startsWith('one') ? 'one' : (of as '' | 'mallory')] += 1;
  }
  expect(taken['']).toBe(1000);
  expect(taken.mallory).toBeGreaterThan(200);
  expect(taken.one).toBeGreaterThan(5000);
});

test('among many who come with one item each, nobody waits for all that is owed to those who wait', () => {
  const queue = make();
  for (let number = 0; number < 5000; number += 1) queue.push({ of: 'mallory', number, size: 300 });
  let longest = 0;
  for (let number = 0; number < 2000; number += 1) {
    queue.push({ of: `one${number}`, number, size: 300 });
    let waited = 0;
    while (queue.shift()?.of === 'mallory') waited += 1;
    longest = Math.max(longest, waited);
  }
  expect(longest).toBeGreaterThan(0);
  expect(longest).toBeLessThanOrEqual(16);
});

test('few items keep the order of arrival', () => {
  const queue = make(8);
  for (let number = 0; number < 8; number += 1) queue.push({ of: `user${number % 3}`, number, size: 100_000 });
  expect(drain(queue).map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('it gives each item once and each owner’s in order, whenever they come and are taken', () => {
  const step = fc.oneof(
    fc.record({ of: fc.constantFrom('', 'a', 'b', 'c', 'd'), size: fc.integer({ min: 0, max: 20_000 }) }),
    fc.constantFrom('shift' as const, 'peek' as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 0, max: 20 }), (steps, plainUpTo) => {
      const queue = make(plainUpTo);
      const taken: Item[] = [];
      let pushed = 0;
      for (const one of steps) {
        if (one === 'shift') {
          const item = queue.shift();
          if (item !== undefined) taken.push(item);
        } else if (one === 'peek') {
          expect(queue.peek() === undefined).toBe(queue.size === 0);
        } else {
          queue.push({ ...one, number: pushed });
          pushed += 1;
        }
        expect(queue.size).toBe(pushed - taken.length);
        expect([...queue]).toHaveLength(queue.size);
      }
      const head = queue.peek();
      const rest = drain(queue);
      expect(rest[0]).toBe(head);
      taken.push(...rest);
      expect(new Set(taken.map(({ number }) => number)).size).toBe(pushed);
      for (const owner of ['', 'a', 'b', 'c', 'd']) {
        const numbers = taken.filter(({ of }) => of === owner).map(({ number }) => number);
        expect(numbers).toEqual([...numbers].sort((x, y) => x - y));
      }
    }),
  );
});
