import xml, { type Element } from '@xmpp/xml';
import fc from 'fast-check';
import { SubdomainPolicy } from '../../src/addressing/subdomain-policy.ts';
import { withResource } from '../../src/xmpp/stanza/address.ts';
import { message as messageXml } from '../../src/xmpp/stanza/build.ts';
import { CONTAINERS, EMBEDDED_ADDRESS_RULES } from '../../src/xmpp/stanza/embedded-address-rules.ts';
import { rewriteChild, rewriteChildren, swapJid, swapUri } from '../../src/xmpp/stanza/embedded-addresses.ts';
import { readMessage } from '../../src/xmpp/stanza/message.ts';
import { NS } from '../../src/xmpp/stanza/namespaces.ts';
import { serialize } from '../../src/xmpp/stanza/xml.ts';
import { parseStanza, parseWritten } from '../support/stanzas/xml.ts';

const addresses = new SubdomainPolicy({
  componentDomain: 'receipts.example.org',
  servedDomain: 'example.org',
  allowedDomains: ['other.org'],
});
const between = { from: addresses.parse('alice@example.org/phone'), to: addresses.parse('bob@receipts.example.org') };
const back = { from: addresses.parse('bob@example.org/desk'), to: addresses.parse('alice@receipts.example.org/phone') };

const across = (payload: string, principals = between) =>
  rewriteChildren(parseStanza(`<message from="a@x" to="b@y">${payload}</message>`), principals);

const SWAPPED = [
  ['alice@example.org/phone', 'alice@receipts.example.org/phone'],
  ['bob@receipts.example.org/desk', 'bob@example.org/desk'],
  ['bob@receipts.example.org', 'bob@example.org'],
] as const;

describe('an address inside a payload', () => {
  test.each(SWAPPED)('%s is swapped with %s, both ways', (one, other) => {
    expect(swapJid(one, between)).toBe(other);
    expect(swapJid(other, between)).toBe(one);
    expect(swapJid(other, back)).toBe(one);
  });

  test.each(['carol@example.org', 'example.org', 'receipts.example.org', '', '/x', 'Bob@receipts.example.org', 'bob'])(
    '%j stays',
    (jid) => expect(swapJid(jid, between)).toBe(jid),
  );

  test.each([
    ['xmpp:bob@receipts.example.org', 'xmpp:bob@example.org'],
    ['XMPP:bob@receipts.example.org/desk%20top', 'XMPP:bob@example.org/desk%20top'],
    [
      'xmpp:alice@example.org?message;body=bob@receipts.example.org',
      'xmpp:alice@receipts.example.org?message;body=bob@receipts.example.org',
    ],
    [
      'xmpp://alice@example.org/bob@receipts.example.org?message',
      'xmpp://alice@receipts.example.org/bob@example.org?message',
    ],
  ])('the URI %s becomes %s, and back', (one, other) => {
    expect(swapUri(one, between)).toBe(other);
    expect(swapUri(other, back)).toBe(one);
  });

  test.each([
    'https://alice@example.org/',
    'xmpp:carol@example.org',
    'xmpp:%61lice@example.org',
    'xmpp:%ff',
    'xmpp:',
    '',
  ])('the URI %j stays', (uri) => expect(swapUri(uri, between)).toBe(uri));

  test('an escaped or non-ASCII address is percent-encoded in a URI as RFC 5122 wants it', () => {
    const carol = {
      from: addresses.parse('jürgen+x@example.org'),
      to: addresses.parse('carol\\40other.org@receipts.example.org'),
    };
    expect(swapUri('xmpp:carol%5C40other.org@receipts.example.org', carol)).toBe('xmpp:carol@other.org');
    expect(swapUri('xmpp:carol@other.org', carol)).toBe('xmpp:carol%5C40other.org@receipts.example.org');
    expect(swapUri('xmpp:j%C3%BCrgen+x@example.org', carol)).toBe('xmpp:j%C3%BCrgen+x@receipts.example.org');
    expect(swapUri('xmpp:jürgen+x@example.org', carol)).toBe('xmpp:jürgen+x@receipts.example.org');
  });
});

describe('the table', () => {
  const places = EMBEDDED_ADDRESS_RULES.flatMap(({ namespace, element, jids = [], uris = [] }) => [
    ...jids.map((attribute) => [namespace, element, attribute, ''] as const),
    ...uris.map((attribute) => [namespace, element, attribute, 'xmpp:'] as const),
  ]);

  test.each(places)('%s %s/@%s is mapped, and back', (namespace, element, attribute, scheme) => {
    const of = (jid: string) => {
      const inner = `<${element} xmlns="${namespace}" ${attribute}="${scheme}${jid}"/>`;
      return namespace === NS.client ? `<forwarded xmlns="${NS.forward}">${inner}</forwarded>` : inner;
    };
    for (const [one, other] of SWAPPED) {
      expect(across(of(one))).toBe(of(other));
      expect(across(of(other), back)).toBe(of(one));
    }
    expect(across(of('carol@example.org/x'))).toBe(of('carol@example.org/x'));
  });

  test('knows a namespace by its prefix, and by what is inherited', () => {
    expect(across(`<d:delay xmlns:d="${NS.delay}" from="bob@receipts.example.org"/>`)).toBe(
      `<d:delay xmlns:d="${NS.delay}" from="bob@example.org"/>`,
    );
    expect(across(`<x xmlns="${NS.rosterExchange}"><item jid="bob@receipts.example.org"/></x>`)).toContain(
      '<item jid="bob@example.org"/>',
    );
    // The prefix is of another namespace than the element around it, and the child is not of the prefix's.
    expect(
      across(
        `<f:forwarded xmlns:f="${NS.forward}" xmlns="${NS.client}"><message from="bob@receipts.example.org"/></f:forwarded>`,
      ),
    ).toContain('<message from="bob@example.org"/>');
  });

  test('a quoted stanza is mapped with its payload, however often it was quoted', () => {
    const quoted = (from: string, to: string, reply: string) =>
      `<forwarded xmlns="${NS.forward}"><delay xmlns="${NS.delay}" from="${reply}" stamp="x"/><message xmlns="jabber:client" from="${from}" to="${to}"><body>${from}</body>` +
      `<forwarded xmlns="${NS.forward}"><message xmlns="jabber:client" from="${to}" to="carol@example.org"><reply xmlns="${NS.reply}" to="${reply}" id="1"/></message></forwarded></message></forwarded>`;
    const there = across(quoted('bob@receipts.example.org/desk', 'alice@example.org', 'alice@example.org/phone'));
    expect(there).toBe(
      quoted('bob@example.org/desk', 'alice@receipts.example.org', 'alice@receipts.example.org/phone').replace(
        '<body>bob@example.org/desk</body>',
        // Words are nobody's to change.
        '<body>bob@receipts.example.org/desk</body>',
      ),
    );
  });

  test.each([
    [
      'a stanza-id, which only its server may give (XEP-0359 section 4)',
      '<stanza-id xmlns="urn:xmpp:sid:0" by="bob@receipts.example.org" id="1"/>',
    ],
    ['a body', '<body>xmpp:bob@receipts.example.org</body>'],
    ['an unknown payload', '<thing xmlns="urn:example" jid="bob@receipts.example.org" from="alice@example.org"/>'],
  ])('%s passes as it is', (_, payload) => expect(across(payload)).toBe(payload));

  test('the element itself stays as it is', () => {
    const element = parseStanza(`<message><reply xmlns="${NS.reply}" to="bob@receipts.example.org"/></message>`);
    const before = element.toString();
    rewriteChildren(element, between);
    expect(element.toString()).toBe(before);
  });

  test('a message’s payload stays that of the sender’s words', () => {
    const element = parseStanza(`<message><reply xmlns="${NS.reply}" to="bob@receipts.example.org"/></message>`);
    expect(readMessage(element, between)).toMatchObject({
      inner: `<reply xmlns="${NS.reply}" to="bob@example.org"/>`,
      payload: `<reply xmlns="${NS.reply}" to="bob@receipts.example.org"/>`,
    });
  });
});

// Any element, with namespaces, names, attributes and addresses of the table in it more often than chance would put them.
const text = fc.string({ maxLength: 12 }).filter((it) => !/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(it));
const someJid = fc.constantFrom(
  ...SWAPPED.flat(),
  'carol@example.org/x',
  'receipts.example.org',
  'Alice@example.org',
  '',
);
const value = fc.oneof(
  someJid,
  someJid.map((jid) => `xmpp:${jid}?x`),
  text,
);
const namespace = fc.constantFrom(
  ...CONTAINERS,
  ...EMBEDDED_ADDRESS_RULES.map((rule) => rule.namespace),
  'urn:example',
  undefined,
);
const name = fc.constantFrom('forwarded', 'x', 'p:item', ...EMBEDDED_ADDRESS_RULES.map((rule) => rule.element));
const attributes = fc.dictionary(
  fc.constantFrom('jid', 'from', 'to', 'uri', 'anchor', 'publisher', 'initiator', 'a'),
  value,
);
const places = fc.constantFrom(
  ...EMBEDDED_ADDRESS_RULES.flatMap(({ namespace: xmlns, element: of, jids = [], uris = [] }) =>
    [...jids, ...uris].map((attribute) => ({ xmlns, of, attribute })),
  ),
);
const { element } = fc.letrec<{ element: Element; children: (Element | string)[] }>((tie) => ({
  children: fc.array(fc.oneof({ maxDepth: 5 }, text, tie('element')), { maxLength: 3 }),
  element: fc.oneof(
    fc.tuple(name, namespace, attributes, tie('children')).map(([of, xmlns, attrs, children]) => {
      const declared = xmlns === undefined ? {} : of.startsWith('p:') ? { 'xmlns:p': xmlns } : { xmlns };
      return xml(of, { ...declared, ...attrs }, ...children);
    }),
    fc
      .tuple(places, value, tie('children'))
      .map(([{ xmlns, of, attribute }, at, children]) => xml(of, { xmlns, [attribute]: at }, ...children)),
  ),
}));

test('property: a stanza that goes there and back is the one that was sent', () => {
  const cross = (stanza: Element) => {
    const route = {
      from: addresses.parse(stanza.attrs.from as string),
      to: addresses.parse(stanza.attrs.to as string),
    };
    const { writtenType: type, id, otherAttributes, inner } = readMessage(stanza, route);
    const from = withResource(route.from.outer, route.from.resource);
    const to = withResource(route.to.inner, route.to.resource);
    return {
      from,
      to,
      xml: (back = false) =>
        messageXml({ from: back ? to : from, to: back ? from : to, type, id, otherAttributes, inner }),
    };
  };
  let mapped = 0;
  fc.assert(
    fc.property(fc.array(element, { minLength: 1, maxLength: 4 }), (payload) => {
      const sent = xml(
        'message',
        { from: 'alice@example.org/phone', to: 'bob@receipts.example.org/desk', id: 'm' },
        payload,
      );
      const there = cross(parseWritten(serialize(sent)));
      if (!there.xml().endsWith(serialize(sent).replace(/^<[^>]*>/, ''))) mapped += 1;
      // Bob's client sends what it got to where it got it from: the same words, on the way back.
      const returned = cross(parseWritten(there.xml(true)));
      expect(returned.xml(true)).toBe(serialize(parseWritten(serialize(sent))));
    }),
    { numRuns: 2000 },
  );
  expect(mapped).toBeGreaterThan(500);
});

test('property: no payload makes it throw, and what is outside the table is left alone', () => {
  fc.assert(
    fc.property(element, (child) => {
      const outside = xml('thing', { xmlns: 'urn:example' }, child);
      expect(rewriteChild(outside, between)).toBe(serialize(outside));
    }),
    { numRuns: 300 },
  );
});
