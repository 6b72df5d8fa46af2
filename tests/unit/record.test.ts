import fc from 'fast-check';
import { copiesOf, type Envelope } from '../../src/store/contract.ts';
import { decodeRecord, encodeRecord, settlement } from '../../src/store/redis/record.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
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
  otherAttributes: text,
});

test('property: a record reads back as it was written, whatever is in it', () => {
  const inner = fc.string({ unit: 'binary', maxLength: 60 });
  fc.assert(
    fc.property(envelope, inner, fc.nat(), (written, payload, storedAt) => {
      const at = 1_700_000_000_000 + storedAt;
      const read = decodeRecord('key', encodeRecord(written, payload, 'digest', at, 'token'));
      expect(read).toMatchObject({ ...written, inner: payload, storedAt: at, firstStoredAt: at });
      expect(read).toMatchObject({ state: 'pending', attempt: 1, copies: 0, copyOut: false, bounced: false });
    }),
  );
});

test.each(['"o":1e400', '"e":9e15', '"o":"x"'])('a record whose body has %s is none', (member) => {
  const read = () => decodeRecord('key', `p010000011700000000000{"d":"x","s":"a","r":"b","w":"m",${member}}`);
  expect(read).toThrow(SyntaxError);
});

test('what settling appends reads back, and later members win over earlier ones', () => {
  const head = `d110000021700000000000{"d":"x","s":"a","r":"b","w":"m"`;
  const ended = `${head}${settlement(5, { dr: 'desk' })}${settlement(9, { dr: 'tablet', c: 'gone' })}}`;
  expect(decodeRecord('key', ended)).toMatchObject({
    state: 'delivered',
    settledAt: 9,
    receiptResource: 'tablet',
    condition: 'gone',
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
