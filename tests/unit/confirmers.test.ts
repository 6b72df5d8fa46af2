import { Confirmers } from '../../src/delivery/receipt-support.ts';

test('what Redis has been told of one sender says nothing of another, nor for longer than an hour', () => {
  const confirmers = new Confirmers();
  expect(confirmers.toRemember('alice', 'bob', 0)).toBe(true);
  confirmers.remembered('alice', 'bob', 0);
  expect(confirmers.toRemember('alice', 'bob', 1)).toBe(false);
  expect(confirmers.toRemember('carol', 'bob', 1)).toBe(true);
  expect(confirmers.toRemember('alice', 'dave', 1)).toBe(true);
  expect(confirmers.toRemember('alice', 'bob', 3_600_000)).toBe(true);
});
