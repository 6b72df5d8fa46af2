import { Outstanding } from '../../faults/outstanding.ts';

describe('what a conversation has out without an answer', () => {
  test('counts until the answer', () => {
    const outstanding = new Outstanding();
    outstanding.wrote('one', 0);
    outstanding.wrote('two', 5);
    expect(outstanding.count(10)).toBe(2);
    outstanding.answered('one');
    outstanding.answered('of another');
    expect(outstanding.count(10)).toBe(1);
  });

  test('is given up after a while, so that a sender whose answers are lost writes on', () => {
    const outstanding = new Outstanding();
    outstanding.wrote('one', 0);
    outstanding.wrote('two', 5000);
    expect(outstanding.count(9999)).toBe(2);
    expect(outstanding.count(10_000)).toBe(1);
    expect(outstanding.count(15_000)).toBe(0);
  });
});
