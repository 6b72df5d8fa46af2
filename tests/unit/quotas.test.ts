import { NO_LIMITS, type QuotaLimits, Quotas } from '../../src/delivery/quotas.ts';

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

/** Of a ledger whose sums are of all shards, with the limits that there are by default. */
function whole({
  limits = {},
  ...options
}: {
  limits?: Partial<QuotaLimits>;
  now?: () => number;
  seesAll?: boolean;
} = {}) {
  return new Quotas({
    limits: { ...NO_LIMITS, messages: 20_000, bytes: 32 << 20, toOne: 10_000, domainShares: 10, ...limits },
    servedDomain: 'example.org',
    memoryUsed: () => undefined,
    onRefused: () => {},
    now: () => 0,
    seesAll: true,
    ...options,
  });
}

test('what a sender has in all is known for all of his recipients', () => {
  const own = whole();
  own.recordUsage(ALICE, BOB, 0);
  const recipients = Array.from({ length: 1300 }, (_, i) => `user${i}@example.org`);
  const asked = recipients.map((to) => own.check(ALICE, to, 100) !== undefined);
  // Both halves of an eighth of what is left to one of them, if all that he has were his.
  expect(asked.flatMap((isAsked, i) => (isAsked ? [i + 1] : []))[0]).toBe(613);
  expect(asked.indexOf(true, 613)).toBe(1225);
  expect(own.check('carol@example.org', BOB, 100)).toBeDefined();
});

test.each([
  ['so much that it may all be for another', {}, 44],
  ['any number in all', { messages: 0 }, 0],
])('of a sender who may have %s only this recipient is known', (_, limits, taken) => {
  const own = whole({ limits });
  own.recordUsage(ALICE, BOB, taken);
  expect(own.check(ALICE, BOB, 100)).toBeUndefined();
  expect(own.check(ALICE, 'carol@example.org', 100)).toBeDefined();
  own.recordUsage(ALICE, 'carol@example.org', 90);
  expect(own.check(ALICE, BOB, 100)).toBeUndefined();
  expect(own.check(ALICE, 'carol@example.org', 100)).toBeDefined();
});

test('of a sender near a limit for one recipient nothing holds for the others', () => {
  const own = whole();
  own.recordUsage(ALICE, BOB, 0);
  own.recordUsage(ALICE, 'carol@example.org', 95);
  expect(own.check(ALICE, BOB, 100)).toBeDefined();
});

test('where sums are of one shard, as in Redis Cluster, each recipient is asked about', () => {
  const own = whole({ seesAll: false });
  own.recordUsage(ALICE, BOB, 0);
  expect(own.check(ALICE, BOB, 100)).toBeUndefined();
  expect(own.check(ALICE, 'carol@example.org', 100)).toBeDefined();
});

test('not more bytes go by unasked than an eighth of what is left', () => {
  const own = whole();
  own.recordUsage(ALICE, BOB, 0);
  const size = 256 * 1024;
  let bytes = 0;
  while (own.check(ALICE, BOB, size) === undefined) bytes += size;
  expect(bytes).toBeGreaterThan(3 << 20);
  expect(bytes).toBeLessThanOrEqual(4 << 20);
});

test('who has written nothing for ten minutes is asked about, users of another domain and recipients by themselves after 30 s', () => {
  let now = 0;
  const own = whole({ now: () => now });
  const carol = 'carol@other.org';
  own.recordUsage(ALICE, BOB, 0);
  own.recordUsage(carol, BOB, 0);
  own.recordUsage('dave@example.org', BOB, 50);
  now = 29_999;
  for (const sender of [ALICE, carol, 'dave@example.org']) expect(own.check(sender, BOB, 100)).toBeUndefined();
  now = 30_000;
  for (const sender of [carol, 'dave@example.org']) expect(own.check(sender, BOB, 100)).toBeDefined();
  now = 599_999;
  expect(own.check(ALICE, BOB, 100)).toBeUndefined();
  now = 600_000;
  expect(own.check(ALICE, BOB, 100)).toBeDefined();
});

test('of 80,000 senders who write in turn each stays known; of more, however they come, no more than 150,000', () => {
  const own = whole();
  const asked = (first: number, count: number) => {
    let times = 0;
    for (let i = first; i < first + count; i += 1) {
      const sender = `u${i}@example.org`;
      if (own.check(sender, BOB, 100) === undefined) continue;
      times += 1;
      own.recordUsage(sender, BOB, 0);
    }
    return times;
  };
  expect(asked(0, 80_000)).toBe(80_000);
  expect(asked(0, 80_000)).toBe(0);
  // Each time new ones, as many as one generation takes, and then all that have ever come.
  for (const known of [80_000, 129_000]) {
    asked(known, 49_000);
    asked(0, known);
  }
  expect(asked(0, 178_000)).toBeGreaterThan(28_000);
});
