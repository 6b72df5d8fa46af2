import { NO_LIMITS, Quotas } from '../../src/delivery/quotas.ts';

const ALICE = 'alice@example.org';
const BOB = 'bob@example.org';

function quotas() {
  return new Quotas({
    limits: { ...NO_LIMITS, messages: 8000, toOne: 8000 },
    servedDomain: 'example.org',
    memoryUsed: () => undefined,
    onRefused: () => {},
    now: () => 0,
  });
}

/** By number, those of so many messages that are looked up. */
const lookedUp = (of: Quotas, count: number) =>
  Array.from({ length: count }, (_, i) => i + 1).filter(() => of.check(ALICE, BOB, 100) !== undefined);

test('what is not looked up is an eighth of what is left; one is in the middle of it, and its answer begins anew', () => {
  const own = quotas();
  expect(own.check(ALICE, BOB, 100)).toBeDefined();
  own.recordUsage(ALICE, BOB, 0);
  expect(lookedUp(own, 600)).toEqual([500]);
  own.recordUsage(ALICE, BOB, 50);
  expect(lookedUp(own, 300)).toEqual([250]);
});

test('without an answer all are looked up when that eighth is used', () => {
  const own = quotas();
  own.recordUsage(ALICE, BOB, 0);
  expect(lookedUp(own, 1003)).toEqual([500, 1001, 1002, 1003]);
});

test('near a limit each is looked up', () => {
  const own = quotas();
  own.recordUsage(ALICE, BOB, 90);
  expect(lookedUp(own, 3)).toEqual([1, 2, 3]);
});
