import fc from 'fast-check';
import { payloadDigest, recordKey } from '../../src/xmpp/stanza/message-key.ts';

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
  expect(recordKey('alice@example.org', 'bob@example.org', 'm-1')).toMatch(/^[\w-]{22}$/);
  expect(payloadDigest('<body>hello</body>')).toMatch(/^[\w-]{16}$/);
});
