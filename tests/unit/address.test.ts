import fc from 'fast-check';
import type { Address } from '../../src/addressing/address-policy.ts';
import { SubdomainPolicy } from '../../src/addressing/subdomain-policy.ts';
import { MalformedAddressError, withResource } from '../../src/xmpp/stanza/address.ts';
import { isLocalpart } from '../../src/xmpp/stanza/localpart.ts';

const addresses = new SubdomainPolicy({ componentDomain: 'receipts.example.org', servedDomain: 'example.org' });

describe('the address mapping', () => {
  test('a served user stands for his proxied address and back, resource kept', () => {
    const alice = addresses.parse('alice@example.org/phone');
    expect(alice).toMatchObject({ kind: 'user', bare: 'alice@example.org', resource: 'phone' });
    expect(alice).toMatchObject({ inner: 'alice@example.org', outer: 'alice@receipts.example.org' });
    expect([addresses.isServed(alice), addresses.isOuter(alice)]).toEqual([true, false]);
    const proxied = addresses.parse('alice@receipts.example.org/phone');
    expect(proxied).toMatchObject({ kind: 'user', bare: alice.outer, inner: alice.inner, outer: alice.outer });
    expect([addresses.isServed(proxied), addresses.isOuter(proxied)]).toEqual([false, true]);
  });

  test.each([
    ['receipts.example.org', 'component'],
    ['receipts.example.org/x', 'component'],
    ['example.org', 'server'],
    ['carol@other.org', 'foreign'],
    ['carol@sub.receipts.example.org', 'foreign'],
    ['other.org', 'foreign'],
  ])('%s is %s, and no user', (address, kind) => {
    const parsed = addresses.parse(address);
    expect(parsed).toMatchObject({ kind, inner: '', outer: '' });
    expect([addresses.isServed(parsed), addresses.isOuter(parsed)]).toEqual([false, false]);
    expect(addresses.isComponent(parsed)).toBe(kind === 'component');
  });

  const PARTIES = {
    user: 'alice@example.org/phone',
    proxied: 'bob@receipts.example.org',
    component: 'receipts.example.org',
    server: 'example.org',
    foreign: 'carol@other.org',
  };
  test.each([
    ['user', 'proxied', 'between-users'],
    ['user', 'component', 'to-component'],
    ['user', 'user', 'other'],
    ['user', 'server', 'other'],
    ['user', 'foreign', 'other'],
    ['foreign', 'proxied', 'foreign'],
    ['foreign', 'component', 'foreign'],
    ['proxied', 'user', 'own'],
    ['proxied', 'proxied', 'own'],
    ['component', 'proxied', 'own'],
    ['server', 'proxied', 'other'],
    ['server', 'component', 'other'],
  ] as const)('from %s to %s: %s', (from, to, traffic) => {
    expect(addresses.classify(addresses.parse(PARTIES[from]), addresses.parse(PARTIES[to]))).toBe(traffic);
  });

  test.each(['component', 'recipient'] as const)(
    'who speaks to a sender, with acknowledgements from the %s',
    (ackFrom) => {
      const policy = new SubdomainPolicy({
        componentDomain: 'receipts.example.org',
        servedDomain: 'example.org',
        ackFrom,
      });
      const message = { sender: 'alice@example.org', senderResource: 'phone', recipient: 'bob@example.org' };
      expect(policy.copyFrom(message)).toBe('alice@receipts.example.org/phone');
      expect(policy.copyFrom({ ...message, senderResource: '' })).toBe('alice@receipts.example.org');
      expect(policy.writtenTo(message)).toBe('bob@receipts.example.org');
      expect(policy.acknowledgementFrom(message)).toBe(
        ackFrom === 'component' ? 'receipts.example.org' : 'bob@receipts.example.org',
      );
      expect(policy.receiptFrom(message, 'desk')).toBe('bob@receipts.example.org/desk');
      expect(policy.errorFrom(message)).toBe('bob@receipts.example.org');
      // Whose domain is served no longer has no outer address.
      expect(policy.errorFrom({ recipient: 'bob@other.org' })).toBe('receipts.example.org');
    },
  );

  test('who stands for a party in the store, and how a user is called in lists', () => {
    const [alice, proxied, own] = (['user', 'proxied', 'component'] as const).map((one) =>
      addresses.parse(PARTIES[one]),
    );
    expect([alice, proxied, own].map((one) => addresses.partyOf(one as Address))).toEqual([
      'alice@example.org',
      'bob@example.org',
      'receipts.example.org',
    ]);
    expect([alice, proxied, own].map((one) => addresses.displayName(one as Address))).toEqual([
      'alice',
      'bob',
      'receipts.example.org',
    ]);
  });

  test('case is folded in localpart and domain, and kept in the resource', () => {
    expect(addresses.parse('Alice@EXAMPLE.org/Phone')).toMatchObject({
      kind: 'user',
      inner: 'alice@example.org',
      full: 'alice@example.org/Phone',
    });
  });

  test('an internationalised domain is the same in both its forms, and written as configured', () => {
    const german = new SubdomainPolicy({ componentDomain: 'receipts.bücher.example', servedDomain: 'bücher.example' });
    for (const domain of ['bücher.example', 'BÜCHER.example', 'xn--bcher-kva.example']) {
      expect(german.parse(`anna@${domain}`)).toMatchObject({
        bare: 'anna@bücher.example',
        inner: 'anna@bücher.example',
        outer: 'anna@receipts.bücher.example',
      });
    }
  });

  test.each([
    '',
    '@example.org',
    'a b@example.org',
    'a@',
    'a@b@example.org',
    'alice@example.org/',
    `${'a'.repeat(1024)}@example.org`,
    'al"ice@example.org',
  ])('%j is malformed', (address) => {
    expect(() => addresses.parse(address)).toThrow(MalformedAddressError);
  });

  test.each([
    'bob＠evil.org／x@receipts.example.org',
    'alice@example.org?x',
    'alice@example.org#x',
    'alice@example.org\\x',
    'alice@exa\tmple.org',
  ])('%j, which preparation would make somebody else’s, is malformed', (address) => {
    expect(() => addresses.parse(address)).toThrow(MalformedAddressError);
  });

  test('an escaped localpart (XEP-0106) and a lone backslash are carried as they are', () => {
    for (const local of ['carol\\40other.org', 'back\\slash', 'd\\27artagnan']) {
      const there = addresses.parse(`${local}@example.org`).outer;
      expect(there).toBe(`${local}@receipts.example.org`);
      expect(addresses.parse(there).inner).toBe(`${local}@example.org`);
    }
  });

  test('property: mapping there and back gives the prepared address, for any localpart and resource', () => {
    const local = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter(isLocalpart);
    const resource = fc.stringMatching(/^[^\0-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]{1,40}$/);
    fc.assert(
      fc.property(local, resource, (l, r) => {
        const served = addresses.parse(`${l}@example.org/${r}`);
        const proxied = addresses.parse(withResource(served.outer, served.resource));
        expect(withResource(proxied.inner, proxied.resource)).toBe(served.full);
        // Prepared is prepared: a second time changes nothing.
        expect(addresses.parse(served.full)).toEqual(served);
      }),
      { numRuns: 2000 },
    );
  });

  test('the cache is bounded and gives what parsing gives', () => {
    const first = addresses.parse('u0@example.org');
    for (let i = 0; i < 50_000; i += 1) addresses.parse(`u${i}@example.org`);
    expect(addresses.parse('u0@example.org')).toEqual(first);
  });
});

describe('who is the same person', () => {
  // Names that this Unicode makes the same by case, width, compatibility or composition, and the server, which goes by
  // another, does not.
  const APART: readonly (readonly [string, string])[] = [
    ['\u1c90\u1c91', '\u10d0\u10d1'], // Georgian Mtavruli and Mkhedruli
    ['\uab70', '\u13a0'], // Cherokee
    ['\u{1e900}', '\u{1e922}'], // Adlam
    ['\u2c00', '\u2c30'], // Glagolitic
    ['stra\u00dfe', 'strasse'],
    ['\u04c0', '\u04cf'], // whose small letter is younger than itself
    ['\u0130zmir', 'i\u0307zmir'],
    ['e\u0301', '\u00e9'],
    ['\u{11935}\u{11930}', '\u{11938}'],
  ];

  test.each(APART)('%s and %s are two, on both sides', (one, other) => {
    for (const domain of ['example.org', 'receipts.example.org']) {
      const [first, second] = [one, other].map((local) => addresses.parse(`${local}@${domain}`));
      expect(first?.bare).toBe(`${one}@${domain}`);
      expect(first?.bare).not.toBe(second?.bare);
      expect(first?.inner).not.toBe(second?.inner);
      expect(first?.outer).not.toBe(second?.outer);
    }
  });

  test.each([
    '\u1d2eob', // B of the phonetic alphabet, younger than the servers' Unicode
    '\u{1f130}dmin',
    '\uff42ob', // full width
    '\u212aelvin', // the Kelvin sign
    '\ufb01nn',
    'bo\u00adb',
    'bo\u200bb',
    'bob\ufe0f',
    'bob\u2060',
    'b\u{e0fff}',
    'b\u00a0b',
    'b\u3000b',
    'b\u0085b',
    'b\ue000b',
    'b\ufdd0b',
    'b\ud800b',
  ])('%j is no name that RFC 7622 allows, and is taken for nobody', (local) => {
    for (const domain of ['example.org', 'receipts.example.org']) {
      expect(() => addresses.parse(`${local}@${domain}`)).toThrow(MalformedAddressError);
    }
  });

  test.each(['\u2665', 'i\u2665xmpp', '\u{1f600}', '\u4f60\u597d', '\u05d0\u05d1'])(
    '%s may be a name of a server with Nodeprep, and is nobody else’s',
    (local) => {
      expect(addresses.parse(`${local}@example.org`).bare).toBe(`${local}@example.org`);
    },
  );

  test('a resource stays as it is, and is of text', () => {
    for (const resource of ['Ärger', '\u1d2e', '\uff42', ' ', 'a/b@c', '\u{1f4f1}']) {
      expect(addresses.parse(`bob@example.org/${resource}`).resource).toBe(resource);
    }
    for (const resource of ['a\tb', 'a\u0085', '\ufffe', '\ud800']) {
      expect(() => addresses.parse(`bob@example.org/${resource}`)).toThrow(MalformedAddressError);
    }
  });

  test.each(['ex\uff41mple.org', 'e\u{1f130}mple.org', 'example\uff0eorg', 'example\u3002org', 'exam\u00adple.org'])(
    '%s is not our domain, written otherwise',
    (domain) => {
      expect(() => addresses.parse(`bob@${domain}`)).toThrow(MalformedAddressError);
    },
  );

  test.each([
    ['\u00c4rger@example.org/X', 'ärger@example.org', 'X'],
    ['A\u0308rger@Receipts.Example.org', 'ärger@receipts.example.org', ''],
    ['\u0416@example.org', 'ж@example.org', ''],
    ['\u03a3\u0391\u03a3@example.org', 'σασ@example.org', ''],
    ['BOB@example.org', 'bob@example.org', ''],
    ['\u212aelvin@example.org', 'kelvin@example.org', ''],
    ['example.org', 'example.org', ''],
    // Whose small form Nodeprep does not know: it may be another's name.
    ['\u1c90@example.org', '\u1c90@example.org', ''],
    ['\u04c0@example.org', '\u04c0@example.org', ''],
    ['STRA\u1e9eE@example.org', 'stra\u1e9ee@example.org', ''],
  ])('%s, as a person writes it, is %s', (written, bare, resource) => {
    expect(addresses.parseWritten(written)).toMatchObject({ bare, resource });
  });
});

describe('users of other domains that are allowed', () => {
  const open = new SubdomainPolicy({
    componentDomain: 'receipts.example.org',
    servedDomain: 'example.org',
    allowedDomains: ['other.org', 'bücher.example'],
  });

  test.each([
    ['carol@other.org/x', 'carol\\40other.org@receipts.example.org'],
    ['Carol@OTHER.org', 'carol\\40other.org@receipts.example.org'],
    ['anna@xn--bcher-kva.example', 'anna\\40bücher.example@receipts.example.org'],
    // XEP-0106 section 4.2: what is escaped already is escaped once more, so that it is known again.
    ['d\\27artagnan@other.org', 'd\\5c27artagnan\\40other.org@receipts.example.org'],
    ['a\\40b@other.org', 'a\\5c40b\\40other.org@receipts.example.org'],
    ['back\\slash@other.org', 'back\\slash\\40other.org@receipts.example.org'],
  ])('%s is served, as %s', (foreign, standIn) => {
    const served = open.parse(foreign);
    expect(served).toMatchObject({ kind: 'user', inner: served.bare, outer: standIn });
    expect(open.parse(standIn)).toMatchObject({ kind: 'user', bare: standIn, inner: served.bare, outer: standIn });
  });

  test('a domain that is not allowed is not served, and its users’ names are names', () => {
    expect(open.parse('eve@evil.org')).toMatchObject({ kind: 'foreign', inner: '', outer: '' });
    expect(open.parse('eve@sub.other.org')).toMatchObject({ kind: 'foreign', inner: '', outer: '' });
    expect(open.parse('eve\\40evil.org@receipts.example.org').inner).toBe('eve\\40evil.org@example.org');
    expect(open.parse('other.org').kind).toBe('server');
  });

  test('a served user who is named like somebody’s stand-in does not become it', () => {
    expect(open.parse('carol\\40other.org@example.org')).toMatchObject({ kind: 'foreign', inner: '', outer: '' });
    expect(addresses.parse('carol\\40other.org@example.org').inner).toBe('carol\\40other.org@example.org');
  });

  test.each(['\\40other.org', 'x\\27y\\40other.org', 'a\\20b\\40other.org', 'carol\\40OTHER\\2eorg\\40other.org\\2f'])(
    '%s stands for nobody, or for somebody with another name, and is malformed or a name',
    (local) => {
      let parsed: ReturnType<SubdomainPolicy['parse']> | undefined;
      try {
        parsed = open.parse(`${local}@receipts.example.org`);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedAddressError);
      }
      // Whatever it is, it is not a user of the other domain.
      expect(parsed?.inner ?? '').not.toMatch(/@other\.org$/);
    },
  );

  test('a stand-in whose name would be too long is none', () => {
    expect(() => open.parse(`${'a'.repeat(1020)}@other.org`)).toThrow(MalformedAddressError);
  });

  test('property: one user, one stand-in, for any localpart', () => {
    const part = fc.constantFrom('a', '\\', '\\5c', '\\40', '\\27', '5c', '40', 'Ä', '.');
    const local = fc.array(part, { minLength: 1, maxLength: 8 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(local, (l) => {
        const served = open.parse(`${l}@other.org`);
        expect(open.parse(served.outer).inner).toBe(served.bare);
      }),
      { numRuns: 2000 },
    );
  });
});
