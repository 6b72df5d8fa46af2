import { ConversationOrder } from '../../src/store/redis/conversation-order.ts';

const { jest } = import.meta;

const open = (errors: unknown[] = []) =>
  new ConversationOrder({ timeout: 15_000, onError: (error) => errors.push(error) });

test('results wait for the one before them in their conversation, and what comes later is carried out then', () => {
  const order = open();
  const given: string[] = [];
  const note = (what: string) => () => void given.push(what);
  expect(order.putOff('a', note('nothing waits'))).toBe(false);
  const first = order.keepPlace('a');
  const second = order.keepPlace('a');
  order.inTurn('a', note('3'));
  order.inTurn('b', note('of another'));
  expect(order.putOff('a', note('5'))).toBe(true);
  second(note('2'));
  order.inTurn('a', note('4'));
  expect(given).toEqual(['of another']);
  first(note('1'));
  expect(given).toEqual(['of another', '1', '2', '3', '4', '5']);
  expect(order.isEmpty).toBe(true);
});

test('what is put off until something has come waits for both', () => {
  const order = open();
  const given: string[] = [];
  const note = (what: string) => () => void given.push(what);
  const comes = order.putOffUntil('a', note('2'));
  // It is learnt meanwhile that it has to be asked about.
  const first = order.keepPlace('a');
  order.putOff('a', note('3'));
  comes();
  expect(given).toEqual([]);
  first(note('1'));
  expect(given).toEqual(['1', '2', '3']);
  order.putOffUntil('a', note('4'))();
  expect(given).toEqual(['1', '2', '3', '4']);
  expect(order.isEmpty).toBe(true);
});

test('a result that cannot be handled holds up none behind it, and what it leads to is behind all that waits', () => {
  const errors: unknown[] = [];
  const order = open(errors);
  const given: string[] = [];
  const first = order.keepPlace('a');
  order.inTurn('a', () => {
    order.inTurn('a', () => given.push('3'));
    throw new Error('as the test wants it');
  });
  order.inTurn('a', () => given.push('2'));
  first(() => given.push('1'));
  expect(given).toEqual(['1', '2', '3']);
  expect(errors).toEqual([new Error('as the test wants it')]);
});

test('nobody waits for ever for a result that is lost; should it come after all, it is given', () => {
  jest.useFakeTimers();
  try {
    const order = open();
    const given: string[] = [];
    const first = order.keepPlace('a');
    order.inTurn('a', () => given.push('2'));
    jest.advanceTimersByTime(14_999);
    expect(given).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(given).toEqual(['2']);
    expect(order.isEmpty).toBe(true);
    first(() => given.push('1'));
    expect(given).toEqual(['2', '1']);
  } finally {
    jest.useRealTimers();
  }
});

test('what waits is bounded by what it takes of memory, in a conversation and in all', () => {
  const order = open();
  const MB = 1024 * 1024;
  const nothing = () => {};
  expect(order.hasRoom('a', 100 * MB)).toBe(true);
  const first = order.keepPlace('a');
  for (let megabytes = 0; megabytes < 8; megabytes += 1) {
    expect(order.hasRoom('a', MB)).toBe(true);
    order.putOff('a', nothing, MB);
  }
  expect(order.hasRoom('a', 1)).toBe(false);
  const others = ['b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => {
    const give = order.keepPlace(name);
    order.putOff(name, nothing, 8 * MB);
    return give;
  });
  others.push(order.keepPlace('i'));
  expect(order.hasRoom('i', 1)).toBe(false);
  // Where nothing waits, nothing has to.
  expect(order.hasRoom('j', MB)).toBe(true);
  first(nothing);
  expect(order.hasRoom('a', MB)).toBe(true);
  expect(order.hasRoom('i', 1)).toBe(true);
  for (const give of others) give(nothing);
  expect(order.isEmpty).toBe(true);
});

test('no more than 5,000 wait in a conversation', () => {
  const order = open();
  order.keepPlace('a');
  for (let waiting = 1; waiting < 5000; waiting += 1) {
    expect(order.hasRoom('a', 0)).toBe(true);
    order.putOff('a', () => {});
  }
  expect(order.hasRoom('a', 0)).toBe(false);
  expect(order.hasRoom('b', 0)).toBe(true);
});
