import { textOf } from '../../src/util/octets.ts';
import { readMessage } from '../../src/xmpp/stanza/message.ts';
import { MAX_DEPTH, TooDeepError } from '../../src/xmpp/stanza/xml.ts';
import { parseStanza } from '../support/stanzas/xml.ts';

const read = (children: string, attributes = 'type="chat" id="m-1"') =>
  readMessage(parseStanza(`<message from="a@x" to="b@y" ${attributes}>${children}</message>`));

describe('what a client says to the proxy', () => {
  const batch = '<batch xmlns="urn:openfire-receipts:0"/>';

  test('is read, and is no part of the message', () => {
    const [with_, without] = [read(`<body>hello</body>${batch}`), read('<body>hello</body>')];
    expect(with_).toEqual({ ...without, acceptsBatches: true });
    expect(without.acceptsBatches).toBe(false);
    expect(without.payload).toBe('<body>hello</body>');
  });

  test('is its own namespace’s, and no content by itself', () => {
    expect(read('<batch xmlns="urn:example:thing"/>')).toMatchObject({ acceptsBatches: false, tracked: true });
    expect(read(batch)).toMatchObject({ acceptsBatches: true, tracked: false, inner: '', isInformative: false });
  });
});

describe('what is tracked', () => {
  test.each([
    ['a body', '<body>hello</body>'],
    ['a body with a chat state', '<active xmlns="http://jabber.org/protocol/chatstates"/><body>hello</body>'],
    [
      'an encrypted payload (XEP-0384)',
      '<encrypted xmlns="eu.siacs.conversations.axolotl"><header sid="1"/><payload>AA==</payload></encrypted>' +
        '<encryption xmlns="urn:xmpp:eme:0" namespace="eu.siacs.conversations.axolotl"/><store xmlns="urn:xmpp:hints"/>',
    ],
    [
      'the same, of OMEMO 2',
      '<encrypted xmlns="urn:xmpp:omemo:2"><header sid="1"/><payload>AA==</payload></encrypted>',
    ],
    ['an OpenPGP payload (XEP-0373)', '<openpgp xmlns="urn:xmpp:openpgp:0">AA==</openpgp>'],
    ['a legacy OpenPGP payload (XEP-0027)', '<x xmlns="jabber:x:encrypted">AA==</x>'],
    ['a correction (XEP-0308)', '<body>hallo</body><replace xmlns="urn:xmpp:message-correct:0" id="m-0"/>'],
    [
      'a reply (XEP-0461)',
      '<body>> hi\nyes</body><reply xmlns="urn:xmpp:reply:0" to="b@y" id="m-0"/><fallback xmlns="urn:xmpp:fallback:0"/>',
    ],
    ['a reaction (XEP-0444)', '<reactions xmlns="urn:xmpp:reactions:0" id="m-0"><reaction>+</reaction></reactions>'],
    ['a reaction taken back', '<reactions xmlns="urn:xmpp:reactions:0" id="m-0"/>'],
    ['a retraction (XEP-0424)', '<retract xmlns="urn:xmpp:message-retract:1" id="m-0"/>'],
    ['attention (XEP-0224)', '<attention xmlns="urn:xmpp:attention:0"/>'],
    ['a link (XEP-0066, XEP-0363)', '<x xmlns="jabber:x:oob"><url>https://example.org/f</url></x>'],
    ['a shared file (XEP-0447)', '<file-sharing xmlns="urn:xmpp:sfs:0"><sources/></file-sharing>'],
    [
      'a shared picture (XEP-0385)',
      '<reference xmlns="urn:xmpp:reference:0" type="data"><media-sharing xmlns="urn:xmpp:sims:1"/></reference>',
    ],
    ['an invitation (XEP-0249)', '<x xmlns="jabber:x:conference" jid="room@rooms.example.org"/>'],
    ['suggested contacts (XEP-0144)', '<x xmlns="http://jabber.org/protocol/rosterx"><item jid="c@x"/></x>'],
    ['a subject', '<subject>hello</subject>'],
    ['what nobody knows', '<thing xmlns="urn:example:thing"/>'],
    ['a payload under a prefix', '<e:thing xmlns:e="urn:example:thing"/>'],
  ])('%s', (_, children) => {
    expect(read(children).tracked).toBe(true);
  });

  test.each([
    ['a chat state', '<composing xmlns="http://jabber.org/protocol/chatstates"/>'],
    ['a receipt', '<received xmlns="urn:xmpp:receipts" id="m-0"/>'],
    ['a marker', '<displayed xmlns="urn:xmpp:chat-markers:0" id="m-0"/>'],
    ['a marker under a prefix', '<m:displayed xmlns:m="urn:xmpp:chat-markers:0" id="m-0"/>'],
    ['a chat state with a thread', '<thread>t</thread><paused xmlns="http://jabber.org/protocol/chatstates"/>'],
    ['a PEP event', '<event xmlns="http://jabber.org/protocol/pubsub#event"/>'],
    [
      'a PEP event with what servers add to it',
      '<event xmlns="http://jabber.org/protocol/pubsub#event"/><headers xmlns="http://jabber.org/protocol/shim"/>' +
        '<addresses xmlns="http://jabber.org/protocol/address"/><delay xmlns="urn:xmpp:delay" stamp="x"/>',
    ],
    [
      'keys for OMEMO, which nobody sees',
      '<encrypted xmlns="eu.siacs.conversations.axolotl"><header sid="1"/></encrypted>',
    ],
    ['a call', '<propose xmlns="urn:xmpp:jingle-message:0" id="c"/>'],
    ['a call invitation', '<invite xmlns="urn:xmpp:call-invites:0"><jingle sid="s" jid="a@x/r"/></invite>'],
    ['a request for a receipt', '<request xmlns="urn:xmpp:receipts"/>'],
    ['what is replied to, without a reply,', '<reply xmlns="urn:xmpp:reply:0" to="b@y" id="m-0"/>'],
    ['nothing', ''],
  ])('not %s alone', (_, children) => {
    expect(read(children).tracked).toBe(false);
  });

  test.each(['headline', 'groupchat', 'error'])('not of type %s', (type) => {
    expect(read('<body>hello</body>', `type="${type}"`).tracked).toBe(false);
  });

  test('a missing or unknown type is normal, and stays as it was written', () => {
    expect(read('<body/>', '')).toMatchObject({ type: 'normal', writtenType: undefined, tracked: true });
    expect(read('<body/>', 'type="odd"')).toMatchObject({ type: 'normal', writtenType: 'odd', tracked: true });
  });
});

test('what is carried, tracked or not, is carried unharmed', () => {
  const children = [
    '<body>hi</body>',
    '<encrypted xmlns="eu.siacs.conversations.axolotl"><header sid="1"><key rid="2" prekey="true">AA==</key></header></encrypted>',
    '<reactions xmlns="urn:xmpp:reactions:0" id="m-0"><reaction>\u{1f44d}</reaction></reactions>',
    '<retract xmlns="urn:xmpp:message-retract:1" id="m-0"/>',
    '<displayed xmlns="urn:xmpp:chat-markers:0" id="m-0"/>',
    '<html xmlns="http://jabber.org/protocol/xhtml-im"><body xmlns="http://www.w3.org/1999/xhtml"><p>hi</p></body></html>',
  ];
  expect(textOf(read(children.join('')).inner)).toBe(children.join(''));
});

test('receipts are told apart from the rest, and an empty id is none', () => {
  const message = read('<received xmlns="urn:xmpp:receipts" id="m-0"/><received xmlns="urn:xmpp:receipts" id=""/>');
  expect(message.receipts).toEqual(['m-0']);
  expect(message.inner).toBe('<received xmlns="urn:xmpp:receipts" id=""/>');
  // In another namespace it is no receipt.
  expect(read('<received xmlns="urn:example" id="m-0"/>').receipts).toEqual([]);
  expect(read('<body/>', 'id=""').id).toBeUndefined();
});

test('a resend has the same payload, whatever its hints, delay, ids and receipt request', () => {
  const first = read(
    '<body>hello</body><request xmlns="urn:xmpp:receipts"/><origin-id xmlns="urn:xmpp:sid:0" id="o"/>',
  );
  const again = read('<delay xmlns="urn:xmpp:delay" stamp="2026-01-01T00:00:00Z"/><body>hello</body>');
  expect(again.payload).toBe(first.payload);
  expect(first).toMatchObject({ asksReceipt: true, originId: 'o' });
  expect(read('<body>hallo</body>').payload).not.toBe(first.payload);
});

test('children and further attributes are carried unharmed', () => {
  const children =
    '<body xml:lang="de">Gr&#252;&#223;e &amp; &lt;K&#252;sse&gt; \u{1f600}</body><x:y xmlns:x="urn:x" x:a="1&#10;2"/>';
  const message = read(children, 'type="chat" id="m" xml:lang="en" xmlns:z="urn:z"');
  expect(textOf(message.inner)).toBe(
    '<body xml:lang="de">Grüße &amp; &lt;Küsse&gt; \u{1f600}</body><x:y xmlns:x="urn:x" x:a="1&#10;2"/>',
  );
  expect(message.otherAttributes).toBe(' xml:lang="en" xmlns:z="urn:z"');
});

test('what is nested too deeply is refused before the stack is', () => {
  const nested = (levels: number) => `${'<a xmlns="urn:a">'.repeat(levels)}${'</a>'.repeat(levels)}`;
  expect(read(nested(MAX_DEPTH)).tracked).toBe(true);
  expect(() => read(nested(MAX_DEPTH + 1))).toThrow(TooDeepError);
  expect(() => read(nested(20_000))).toThrow(TooDeepError);
});
