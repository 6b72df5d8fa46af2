import { ReceiptSupport } from '../../src/delivery/receipt-support.ts';

test('what Redis has been told of one sender says nothing of another, nor for longer than an hour', () => {
  const confirmers = new ReceiptSupport();
  expect(confirmers.isNews('alice', 'bob', 0)).toBe(true);
  confirmers.record('alice', 'bob', 0);
  expect(confirmers.isNews('alice', 'bob', 1)).toBe(false);
  expect(confirmers.isNews('carol', 'bob', 1)).toBe(true);
  expect(confirmers.isNews('alice', 'dave', 1)).toBe(true);
  expect(confirmers.isNews('alice', 'bob', 3_600_000)).toBe(true);
});
