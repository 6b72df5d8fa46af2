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

test('pairs that come again stay known while others come, for an hour, and those that do not are forgotten', () => {
  const confirmers = new ReceiptSupport();
  const told = (now: number, first = 0, count = 20_000) => {
    let times = 0;
    for (let i = first; i < first + count; i += 1) {
      if (confirmers.isNews(`alice-${i}`, 'bob', now)) times += 1;
      confirmers.record(`alice-${i}`, 'bob', now);
    }
    return times;
  };
  expect(told(0)).toBe(20_000);
  for (let others = 1; others < 4; others += 1) {
    expect(told(1, others * 1_000_000, 40_000)).toBe(40_000);
    expect(told(1)).toBe(0);
  }
  expect(told(3_599_999)).toBe(0);
  expect(told(3_600_000)).toBe(20_000);
  told(3_600_001, 9_000_000, 100_000);
  expect(told(3_600_002)).toBe(20_000);
  confirmers.clear();
  expect(told(3_600_003)).toBe(20_000);
});
