import fc from 'fast-check';

/** Arbitrary text and addresses: those of alice and bob on either side, and others that look like them. */
const SERVED = 'example.org';
const PROXIED = 'receipts.example.org';

// Text that XML 1.0 allows and that software trips over: markup, line ends, joiners, both directions, beyond the BMP.
const CURIOUS = [
  '<',
  '>',
  '&',
  '"',
  "'",
  ']]>',
  '&amp;',
  '\t',
  '\n',
  ' ',
  '👩‍👩‍👧',
  'é',
  'e\u0301',
  '\u202e',
  '\u2028',
  '\u0085',
  '\ufffd',
  '𝄞',
];
const plain = fc.string({ maxLength: 8 }).filter((it) => !/[^\t\n\x20-\ud7ff\ue000-\ufffd]/.test(it));
export const text: fc.Arbitrary<string> = fc
  .array(fc.oneof(plain, fc.constantFrom(...CURIOUS)), { maxLength: 5 })
  .map((parts) => parts.join(''));
/** For ids and nodes: never empty. */
export const token: fc.Arbitrary<string> = text.map((it) => `i${it}`);

const resource = fc.option(
  fc.constantFrom('phone', 'Gajim.X1', 'a/b', 'me@home', '📱 <&>', "d'Artagnan", 'ΑΣ', 'with space'),
  { nil: undefined },
);
const withResource = (bare: string) => resource.map((it) => (it === undefined ? bare : `${bare}/${it}`));

/** Alice and bob, on either side, and so often that each payload has them. */
export const principal: fc.Arbitrary<string> = fc
  .constantFrom(`alice@${SERVED}`, `alice@${PROXIED}`, `bob@${SERVED}`, `bob@${PROXIED}`)
  .chain(withResource);
const somebody = fc
  .constantFrom(
    `carol@${SERVED}`,
    `carol\\40other.org@${PROXIED}`,
    'alice@other.org',
    `alice@${SERVED}.other.org`,
    `alice@sub.${PROXIED}`,
    `malice@${SERVED}`,
    `d\\27artagnan@${SERVED}`,
    'ünï@bücher.example',
    SERVED,
    PROXIED,
  )
  .chain(withResource);
export const jid: fc.Arbitrary<string> = fc.oneof({ weight: 3, arbitrary: principal }, somebody);
