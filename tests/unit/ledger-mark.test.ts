// The ledger's mark as a gate remembers it, compared while Redis is slow, fails, or does not answer.

import { composeLedgerMark } from '../../src/app/ledger-mark.ts';

const { jest } = import.meta;

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

/** @param look what each look at Redis comes to */
function compared(look: (nth: number) => Promise<void>) {
  const heard: unknown[] = [];
  let looks = 0;
  const parts = {
    restored: {
      known: { id: 'a', count: 5 },
      heard(mark: object, age: number) {
        heard.push({ ...mark, age });
        looks += 1;
        return look(looks);
      },
    },
    monitoring: { monitor: { heard: async (mark: object) => void heard.push(mark) } },
  };
  const ledger = composeLedgerMark(parts as unknown as Parameters<typeof composeLedgerMark>[0]);
  return { ledger, heard };
}

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

test('it is waited for while Redis is slow, and looked at again when Redis fails', async () => {
  const { ledger, heard } = compared(async (nth) => {
    if (nth === 1) throw new Error('as the test wants it');
    await after(1500);
  });
  expect(ledger.mark).toBe('a 5');
  const done = ledger.compare('b 12', 700);
  await jest.advanceTimersByTimeAsync(1700);
  expect(await done).toBe(true);
  const look = { id: 'b', count: 12, age: 700 };
  expect(heard).toEqual([look, look, { id: 'b', count: 12 }]);
});

test.each([
  ['does not answer', () => after(60_000)],
  ['fails', () => Promise.reject(new Error('as the test wants it'))],
])('while Redis %s it is not compared, and that takes no longer than a message is held', async (_, look) => {
  const { ledger } = compared(look);
  const done = ledger.compare('b 12', 0);
  await jest.advanceTimersByTimeAsync(2500);
  expect(await done).toBe(false);
});

test('what is no mark is none', async () => {
  const { ledger, heard } = compared(async () => {});
  for (const text of ['', 'a', 'a -1', 'a 1 2', `${'a'.repeat(65)} 1`])
    expect(await ledger.compare(text, 0)).toBe(true);
  expect(heard).toEqual([]);
});
