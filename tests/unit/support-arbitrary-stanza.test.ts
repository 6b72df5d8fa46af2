import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { textOf } from '../../src/util/octets.ts';
import { readMessage } from '../../src/xmpp/stanza/message.ts';
import { serialize } from '../../src/xmpp/stanza/xml.ts';
import { StrictStream } from '../support/openfire/strict-stream.ts';
import { jid, principal } from '../support/stanzas/arbitrary-jid.ts';
import { messages, presences, requests, stanzas } from '../support/stanzas/arbitrary-stanza.ts';
import { parseWritten } from '../support/stanzas/xml.ts';

const HEADER = '<stream:stream xmlns="jabber:component:accept" xmlns:stream="http://etherx.jabber.org/streams" to="x">';

test('every stanza that is built is one that Openfire would let through', () => {
  fc.assert(
    fc.property(stanzas(), (stanza) => {
      const [header, ...came] = [...new StrictStream().feed(Buffer.from(HEADER + serialize(stanza), 'latin1'))];
      expect(header?.kind).toBe('header');
      expect(came).toEqual([{ kind: 'stanza', stanza: expect.anything() }]);
    }),
    { numRuns: 500 },
  );
});

test('what is written and read again is the same', () => {
  fc.assert(
    fc.property(stanzas({ from: principal, to: jid }), (stanza) => {
      const written = serialize(stanza);
      expect(serialize(parseWritten(written))).toBe(written);
    }),
    { numRuns: 1000 },
  );
});

test('a message’s children survive being read, receipts apart', () => {
  fc.assert(
    fc.property(messages(), (stanza) => {
      const { inner, receipts } = readMessage(stanza);
      const children = stanza.getChildElements().filter((child) => !child.is('received', 'urn:xmpp:receipts'));
      expect(inner).toBe(children.map((child) => serialize(child)).join(''));
      expect(receipts).toHaveLength(stanza.getChildElements().length - children.length);
    }),
    { numRuns: 1000 },
  );
});

test('a request has one payload and an id; what is special comes up within a few hundred', () => {
  const built = [
    ...fc.sample(messages(), { numRuns: 1000, seed: 1 }),
    ...fc.sample(requests(), { numRuns: 1000, seed: 1 }),
    ...fc.sample(presences(), { numRuns: 500, seed: 1 }),
  ];
  for (const iq of built.filter(({ name }) => name === 'iq')) {
    expect(iq.getChildElements()).toHaveLength(1);
    expect(iq.attrs.id).toMatch(/^i/);
  }
  const all = textOf(built.map((stanza) => serialize(stanza)).join(''));
  for (const wanted of [
    'urn:xmpp:forward:0',
    'jabber:x:conference',
    'urn:xmpp:jingle:1',
    'http://jabber.org/protocol/pubsub#event',
    'urn:xmpp:reply:0',
    'urn:xmpp:reference:0',
    'http://jabber.org/protocol/address',
    'vcard-temp:x:update',
    'type="subscribe"',
    'initiator="bob@receipts.example.org',
    'uri="xmpp:alice@example.org',
    '\u202e',
    ']]&gt;',
  ]) {
    expect([wanted, all.includes(wanted)]).toEqual([wanted, true]);
  }
});
