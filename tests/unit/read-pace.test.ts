import { ReadPace } from '../../src/routing/read-pace.ts';

function pace(rate = 100) {
  const state = { now: 1000, rests: [] as number[] };
  const readPace = new ReadPace({ rate, rest: (ms) => state.rests.push(ms), now: () => state.now });
  return { readPace, state };
}

/** Reads `count` stanzas of one after the other at so many a second; gives how long reading rested, ms. */
function read({ readPace, state }: ReturnType<typeof pace>, from: string, count: number, perSecond: number): number {
  let rested = 0;
  for (let i = 0; i < count; i += 1) {
    readPace.note(from);
    const rest = state.rests.at(-1) ?? 0;
    state.rests = [];
    rested += rest;
    state.now += 1000 / perSecond + rest;
  }
  return rested;
}

test('of one who writes 20,000 stanzas a second, 6,000 are read', () => {
  const one = pace();
  read(one, 'mallory@example.org/x', 20_000, 20_000);
  const perSecond = 20_000 / ((one.state.now - 1000) / 1000);
  expect(perSecond).toBeLessThan(6000);
  expect(perSecond).toBeGreaterThan(5500);
});

test('another resource of his has no pace of its own', () => {
  const one = pace();
  for (let i = 0; i < 100; i += 1) one.readPace.note(`mallory@example.org/${i % 2}`);
  expect(one.state.rests.at(-1)).toBeCloseTo(100 / 6, 5);
});

test('a user whose name begins with his is another', () => {
  const { readPace, state } = pace();
  for (let i = 0; i < 1000; i += 1) {
    readPace.note(`mallory@example.org${i % 2 === 0 ? '' : 'ization'}/x`);
    state.now += 0.1;
  }
  expect(state.rests).toEqual([]);
});

test('5,000 a second are not held back, nor 20,000 of many users, nor of a server, nor what has no sender', () => {
  expect(read(pace(), 'alice@example.org/x', 5000, 5000)).toBe(0);
  const many = pace();
  for (let i = 0; i < 20_000; i += 1) {
    many.readPace.note(`user${i % 50}@example.org/x`);
    many.state.now += 0.05;
  }
  expect(many.state.rests).toEqual([]);
  expect(read(pace(), 'example.org', 20_000, 20_000)).toBe(0);
  const { readPace, state } = pace();
  for (let i = 0; i < 100; i += 1) readPace.note(undefined);
  expect(state.rests).toEqual([]);
});

test('one who floods between the messages of others is held back, and they do not hide him', () => {
  const { readPace, state } = pace();
  for (let i = 0; i < 1000; i += 1) {
    readPace.note(`user${i % 50}@example.org/x`);
    for (let j = 0; j < 3; j += 1) readPace.note('mallory@example.org/x');
  }
  expect(state.rests.length).toBeGreaterThan(500);
});

test('no rest is longer than 20 ms, and a pause makes up for none of what was ahead', () => {
  const { readPace, state } = pace();
  for (let i = 0; i < 10_000; i += 1) readPace.note('mallory@example.org/x');
  expect(Math.max(...state.rests)).toBe(20);
  state.now += 60_000;
  state.rests = [];
  readPace.note('mallory@example.org/x');
  expect(state.rests).toEqual([]);
});

test('who may send more for long is not held back at that', () => {
  expect(read(pace(1000), 'bot@example.org/x', 20_000, 20_000)).toBe(0);
});
