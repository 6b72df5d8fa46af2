import type { Element } from '@xmpp/xml';
import fc from 'fast-check';
import { SubdomainPolicy } from '../../src/addressing/subdomain-policy.ts';
import { withResource } from '../../src/xmpp/stanza/address.ts';
import { iq, message } from '../../src/xmpp/stanza/build.ts';
import { rewriteChildren } from '../../src/xmpp/stanza/embedded-addresses.ts';
import { otherAttributes, readMessage } from '../../src/xmpp/stanza/message.ts';
import { presenceStanza, readPresence } from '../../src/xmpp/stanza/presence.ts';
import { serialize } from '../../src/xmpp/stanza/xml.ts';
import { stanzas } from '../support/stanzas/arbitrary-stanza.ts';
import { parseWritten } from '../support/stanzas/xml.ts';

const addresses = new SubdomainPolicy({ componentDomain: 'receipts.example.org', servedDomain: 'example.org' });

/** A stanza as the proxy passes it on, by the same functions; and then sent back by who got it, as it came. */
function across(stanza: Element, back: boolean): string {
  const { from: fromText, to: toText, type, id } = stanza.attrs;
  const between = { from: addresses.parse(fromText as string), to: addresses.parse(toText as string) };
  const from = withResource(between.from.outer, between.from.resource);
  const to = withResource(between.to.inner, between.to.resource);
  const ends = back ? { from: to, to: from } : { from, to };
  if (stanza.name === 'message') {
    const read = readMessage(stanza, between);
    return message({ ...read, ...ends, type: read.writtenType, id: read.id });
  }
  if (stanza.name === 'presence') return presenceStanza({ ...readPresence(stanza, between), ...ends });
  const inner = rewriteChildren(stanza, between);
  return iq({ ...ends, type, id, otherAttributes: otherAttributes(stanza), inner });
}

/** Apart from what the proxy answers or settles instead of passing it on. */
const passes = (stanza: Element) => {
  if (stanza.name === 'presence' && stanza.attrs.type === 'strange') return false;
  return stanza.name !== 'message' || readMessage(stanza).receipts.length === 0;
};
/** As XML, its attributes in one order. */
const canonical = (xml: string) => {
  const stanza = parseWritten(xml);
  stanza.attrs = Object.fromEntries(Object.entries(stanza.attrs).sort(([a], [b]) => (a < b ? -1 : 1)));
  return serialize(stanza);
};

test('property: any stanza that goes there and back is the one that was sent', () => {
  let mapped = 0;
  fc.assert(
    fc.property(stanzas().filter(passes), (stanza) => {
      const sent = canonical(serialize(stanza));
      const there = across(stanza, true);
      if (canonical(there).split('>').slice(1).join() !== sent.split('>').slice(1).join()) mapped += 1;
      expect(canonical(across(parseWritten(there), true))).toBe(sent);
    }),
    { numRuns: 3000 },
  );
  expect(mapped).toBeGreaterThan(100);
});
