import { Fifo } from '../../src/util/fifo.ts';

describe('a queue', () => {
  test('keeps order while it is moved up', () => {
    const fifo = new Fifo<number>();
    const out: (number | undefined)[] = [];
    for (let i = 0; i < 10_000; i += 1) {
      fifo.push(i);
      if (i % 3 > 0) out.push(fifo.shift());
    }
    expect([...out, ...fifo]).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
    expect(fifo.size).toBe(10_000 - out.length);
  });

  test('an empty one gives nothing', () => {
    const fifo = new Fifo<number>();
    expect([fifo.shift(), fifo.peek(), fifo.size]).toEqual([undefined, undefined, 0]);
  });
});
