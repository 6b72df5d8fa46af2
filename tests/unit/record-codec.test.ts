import fc from 'fast-check';
import { copiesOf, type Envelope } from '../../src/store/contract.ts';
import { decodeRecord, encodeRecord, writtenEnding } from '../../src/store/redis/record-codec.ts';
import { encoded, textOf } from '../../src/util/octets.ts';

const control = fc.constantFrom('\0', '\x1b', '\x1d', '\x1e', '\x1f', '\x7f', '\n', '\t');
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ unit: fc.oneof(control, fc.constantFrom('a', '[', 'é')), maxLength: 9 }),
);
const envelope: fc.Arbitrary<Envelope> = fc.record({
  sender: text,
  senderResource: text,
  recipient: text,
  recipientResource: text,
  wireId: text.filter((id) => id !== ''),
  senderId: fc.option(
    text.filter((id) => id !== ''),
    { nil: undefined },
  ),
  owesReceipt: fc.boolean(),
  type: fc.constantFrom(undefined, 'chat', 'normal'),
  otherAttributes: text.map(encoded),
});

test('property: a record reads back as it was written, whatever is in it', () => {
  // Of control characters XML has white space alone, and a record's own stand for texts (payload-text.ts).
  const inner = fc.string({ unit: 'binary', maxLength: 60 }).map((text) => encoded(text.replace(/[\x01-\x07]/g, '')));
  fc.assert(
    fc.property(envelope, inner, fc.nat(), (written, payload, storedAt) => {
      const at = 1_700_000_000_000 + storedAt;
      const read = decodeRecord('key', textOf(encodeRecord(written, payload, 'digest', at, 'token')));
      expect(read).toMatchObject({ ...written, inner: payload, storedAt: at, firstStoredAt: at });
      expect(read).toMatchObject({ state: 'pending', attempt: 1, copies: 0, copyOut: false, bounced: false });
    }),
  );
});

const FIELDS = ['a@x', 'phone', 'b@x', '', 'm', '', 'chat', '', 'digest', 'token', '', '', ''];
const record = (head: string, firstStoredAt: string, rest: string) =>
  decodeRecord('key', `${head}${[...FIELDS, firstStoredAt].join('\x1f')}${rest}`);
const PENDING = '2p010000011700000000000';
const DELIVERED = '2d110000021700000000000';

test('a record reads back as format 2 has it', () => {
  expect(record(PENDING, '1600000000000', '\x1e<body/>')).toMatchObject({
    state: 'pending',
    sender: 'a@x',
    senderId: 'm',
    firstStoredAt: 1_600_000_000_000,
    storedAt: 1_700_000_000_000,
    inner: '<body/>',
  });
});

test.each(['1e400', '9e15', 'x'])('a record with the time %s is none', (time) => {
  expect(() => record(PENDING, time, '\x1e')).toThrow(SyntaxError);
  expect(() => record(DELIVERED, '', `\x1d${time}`)).toThrow(SyntaxError);
});

test.each([
  ['of another format', `3${PENDING.slice(1)}${[...FIELDS, ''].join('\x1f')}\x1e`],
  ['of format 1, which scripts take over', 'p010000011700000000000{"d":"x","s":"a","r":"b","w":"m"}\n'],
  ['with a field too few', `${PENDING}${FIELDS.join('\x1f')}\x1e`],
  ['with a field too many', `${PENDING}${[...FIELDS, '', ''].join('\x1f')}\x1e`],
  ['empty', ''],
])('a record %s is none', (_, value) => {
  expect(() => decodeRecord('key', value)).toThrow(SyntaxError);
});

test('property: an ending reads back as it was written, whatever is in it', () => {
  const some = text.filter((one) => one !== '');
  fc.assert(
    fc.property(fc.nat(), text, some, some, some, (at, resource, condition, type, why) => {
      const ended = record(DELIVERED, '', `\x1d${writtenEnding(at, resource, condition, type, why)}`);
      expect(ended).toMatchObject({
        settledAt: at,
        receiptResource: resource,
        condition,
        conditionType: type,
        conditionText: why,
      });
    }),
  );
});

test('a receipt ends a record by its resource', () => {
  expect(record(DELIVERED, '', `\x1d${writtenEnding(9, 'tablet')}`)).toMatchObject({
    state: 'delivered',
    settledAt: 9,
    receiptResource: 'tablet',
    condition: undefined,
    copyOut: true,
    owesReceipt: true,
    copies: 0,
    attempt: 2,
    inner: '',
  });
});

test('of a message that was confirmed before its handing over was noted, one copy was handed over all the same', () => {
  expect(copiesOf({ state: 'delivered', copies: 0 })).toBe(1);
  expect(copiesOf({ state: 'delivered', copies: 3 })).toBe(3);
  expect(copiesOf({ state: 'pending', copies: 0 })).toBe(0);
});
