import fc from 'fast-check';
import { payloadDigest, presentKey, recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { PARTITIONS, partitionDigits, partitionOf, partitionOfKey } from '../../src/xmpp/stanza/partition.ts';

const part = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => !text.includes('\0'));
const triple = fc.tuple(part, part, part);

test('property: equal triples have equal keys, and others have other keys', () => {
  fc.assert(
    fc.property(triple, triple, (one, other) => {
      const same = one.every((text, i) => text === other[i]);
      expect(recordKey(...one) === recordKey(...other)).toBe(same);
    }),
    { numRuns: 3000 },
  );
});

test('parts cannot be shifted from one to the next', () => {
  expect(recordKey('ab', 'c', 'd')).not.toBe(recordKey('a', 'bc', 'd'));
});

test('a key is fit for Redis and for a BullMQ job id', () => {
  expect(recordKey('alice@example.org', 'bob@example.org', 'm-1')).toMatch(/^[\w-]{14}$/);
  expect(payloadDigest('<body>hello</body>')).toMatch(/^[\w-]{16}$/);
});

test('a key of a ledger before format 6 is known by its length, and has the same beginning', () => {
  const key = recordKey('alice@example.org', 'bob@example.org', 'm-1');
  const older = `${key}-_345678`;
  for (const more of ['', '~0123456789abcdef', '-abcdefghijklmno_']) {
    expect(presentKey(older + more)).toBe(key + more);
    expect(presentKey(key + more)).toBe(key + more);
  }
  expect(presentKey('')).toBe('');
});

test("property: a key begins with its recipient's partition, whoever the sender and whatever the id", () => {
  const user = part.map((name) => `${name}@example.org`);
  fc.assert(
    fc.property(user, user, part, (sender, recipient, id) => {
      expect(partitionOfKey(recordKey(sender, recipient, id))).toBe(partitionOf(recipient));
    }),
    { numRuns: 3000 },
  );
});

test('every partition can be read off the two characters that it is written with', () => {
  for (let partition = 0; partition < PARTITIONS; partition += 1)
    expect(partitionOfKey(partitionDigits(partition))).toBe(partition);
});

test('users are spread evenly over 16 shards, whatever they are called; a domain lies in the first', () => {
  for (const name of [(n: number) => `user${n}@example.org`, (n: number) => `${n.toString(36)}.smith@a.example`]) {
    const counts = new Array<number>(16).fill(0);
    for (let n = 0; n < 16_000; n += 1)
      counts[partitionOf(name(n)) % 16] = (counts[partitionOf(name(n)) % 16] ?? 0) + 1;
    for (const count of counts) {
      expect(count).toBeGreaterThan(850);
      expect(count).toBeLessThan(1150);
    }
  }
  expect(partitionOf('receipts.example.org')).toBe(0);
});
