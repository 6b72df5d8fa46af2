import { toStanza } from '../../packages/client/src/build.ts';
import { readFailure, readMessage } from '../../packages/client/src/read.ts';
import { deduplicationKey } from '../../packages/client/src/seen-messages.ts';
import { countAll } from '../../packages/client/src/stream-management.ts';
import { clean } from '../../packages/client/src/tree.ts';
import { FakeXmpp } from '../support/client-library/fake-xmpp.ts';
import { parseStanza } from '../support/stanzas/xml.ts';

const COMPONENT = 'receipts.example.org';
const BOB = `bob@${COMPONENT}`;
const OWN = 'urn:openfire-receipts:0';
const STORED = `<stored xmlns='${OWN}' id='m' to='${BOB}'/>`;
const RECEIVED = "<received xmlns='urn:xmpp:receipts' id='m'/>";
const UNCONFIRMED = `<unconfirmed xmlns='${OWN}' id='m' to='${BOB}'/>`;

const words = (from: string, inner: string, component: string | undefined = COMPONENT) =>
  readMessage(parseStanza(`<message type='chat' from='${from}'>${inner}</message>`), component).updates.map(
    ({ state, to }) => [state, to],
  );

test.each([
  ['the proxy has it', COMPONENT, STORED + RECEIVED, [['pending', BOB]]],
  ['the same without the first', COMPONENT, RECEIVED, [['pending', undefined]]],
  ['the same as from the recipient (ACK_FROM=recipient)', BOB, STORED + RECEIVED, [['pending', BOB]]],
  ['nobody knows', COMPONENT, UNCONFIRMED, [['unconfirmed', BOB]]],
  ['a receipt, to a full JID', `${BOB}/desk`, RECEIVED, [['delivered', `${BOB}/desk`]]],
  [
    'receipts in one stanza',
    BOB,
    RECEIVED + RECEIVED,
    [
      ['delivered', BOB],
      ['delivered', BOB],
    ],
  ],
  ['bob speaks as the proxy', `${BOB}/desk`, STORED + RECEIVED, []],
  ['somebody speaks of bob’s', 'mallory.example', STORED, []],
  ['an id that is none', COMPONENT, `<stored xmlns='${OWN}' to='${BOB}'/>`, []],
])('%s', (_, from, inner, expected) => {
  expect(words(from, inner)).toEqual(expected);
});

test.each([
  ['a body', '<body>Hi</body>', true],
  ['what asks for a receipt', "<request xmlns='urn:xmpp:receipts'/>", true],
  ['typing', "<composing xmlns='http://jabber.org/protocol/chatstates'/>", false],
  ['a receipt', RECEIVED, false],
])('for the application: %s', (_, inner, content) => {
  expect(readMessage(parseStanza(`<message from='${BOB}/r'>${inner}</message>`), COMPONENT).content).toBe(content);
  expect(
    readMessage(parseStanza(`<message type='groupchat' from='${BOB}/r'>${inner}</message>`), COMPONENT).content,
  ).toBe(false);
});

const failure = (condition: string, type: string, proxied: boolean, extra = '') =>
  readFailure(
    parseStanza(
      `<message type='error'><error type='${type}'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>` +
        `<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>Why</text>${extra}</error></message>`,
    ),
    proxied,
  );

test('an error ends a message, unless it says that the proxy is away', () => {
  const rejected = (condition: string) => ({ reason: 'rejected', condition, text: 'Why' });
  expect(failure('item-not-found', 'cancel', true)).toEqual(rejected('item-not-found'));
  expect(failure('policy-violation', 'modify', true)).toEqual(rejected('policy-violation'));
  expect(failure('recipient-unavailable', 'wait', true, `<expired xmlns='${OWN}'/>`)).toMatchObject({
    reason: 'expired',
  });
  for (const [condition, type] of [
    ['remote-server-not-found', 'cancel'],
    ['service-unavailable', 'cancel'],
    ['resource-constraint', 'wait'],
  ] as const) {
    expect(failure(condition, type, true)).toBeUndefined();
    expect(failure(condition, type, false)).toEqual(rejected(condition));
  }
  expect(readFailure(parseStanza("<message type='error'/>"), true)).toEqual({
    reason: 'rejected',
    condition: 'undefined-condition',
  });
});

const UUID = '0f7d2a1e-9c3b-4c1d-8e2f-5a6b7c8d9e0f';
const FROM = "from='Bob@receipts.example.org/a'";
const keyKnowing = (known: readonly (string | undefined)[], inner: string, attrs: string) =>
  deduplicationKey(parseStanza(`<message ${attrs}>${inner}</message>`), (one) => known.includes(one));
const key = (inner: string, attrs = `${FROM} id='${UUID}'`) => keyKnowing([], inner, attrs);

test('a copy is known by sender, id and content, whatever was added to it on its way', () => {
  const first = key("<body>Hi</body><x xmlns='urn:x' a='1' b='2'/>");
  const added =
    "<delay xmlns='urn:xmpp:delay' stamp='x'/><no-store xmlns='urn:xmpp:hints'/><stanza-id xmlns='urn:xmpp:sid:0'/>";
  expect(key(`<body>Hi</body><x b='2' a='1' xmlns='urn:x'/>${added}`, `from='${BOB}/b' id='${UUID}'`)).toBe(first);
  expect(key("<body>Ho</body><x xmlns='urn:x' a='1' b='2'/>")).not.toBe(first);
  expect(key("<body>Hi</body><x xmlns='urn:x' a='1' b='3'/>")).not.toBe(first);
  expect(key("<body>Hi</body><x xmlns='urn:x' a='1' b='2'/>", `from='carol@x/a' id='${UUID}'`)).not.toBe(first);
  expect(key("<body>Hi</body><origin-id xmlns='urn:xmpp:sid:0' id='o'/>", `from='${BOB}' id='other'`)).toBe(
    key("<body>Hi</body><origin-id xmlns='urn:xmpp:sid:0' id='o'/>", `from='${BOB}'`),
  );
  expect(key('<body>Hi</body>', `from='${BOB}'`)).toBeUndefined();
});

test('under an id that is counted, a copy is one that says when it was first sent, or comes within minutes', () => {
  const at = Date.parse('2026-11-26T12:00:00Z');
  const sent = (ms: number) =>
    `<body>Hi</body><delay xmlns='urn:xmpp:delay' stamp='${new Date(at + ms).toISOString()}'/>`;
  const minutes = 60_000;
  const first = keyKnowing([], sent(0), `${FROM} id='2'`);
  for (const later of [0, 1, 5 * minutes, -5 * minutes]) {
    expect([later, keyKnowing([first], sent(later), `${FROM} id='2'`)]).toEqual([later, first]);
  }
  for (const later of [16 * minutes, -16 * minutes, 24 * 60 * minutes]) {
    expect([later, keyKnowing([first], sent(later), `${FROM} id='2'`)]).not.toEqual([later, first]);
  }
  // Another window of the same user counts for itself; an id that nobody counts is the same for ever.
  expect(keyKnowing([first], sent(0), `from='${BOB}/b' id='2'`)).not.toBe(first);
  expect(key(sent(24 * 60 * minutes))).toBe(key(sent(0)));
  const now = keyKnowing([], '<body>Hi</body>', `${FROM} id='2'`);
  expect(keyKnowing([now], '<body>Hi</body>', `${FROM} id='2'`)).toBe(now);
});

test('what is sent has an id, an origin-id and a request, once each, and nothing that ends a stream', () => {
  const own = [
    ['request', { xmlns: 'urn:xmpp:receipts' }],
    ['origin-id', { xmlns: 'urn:xmpp:sid:0', id: UUID }],
  ];
  expect(toStanza({ to: BOB, body: 'a\u0001b\uFFFFc\uD800d😀' }, UUID)).toEqual([
    'message',
    { to: BOB, type: 'chat', id: UUID },
    ['body', {}, 'abcd😀'],
    ...own,
  ]);
  const given = parseStanza(
    `<message to='${BOB}' type='normal'><request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='x'/></message>`,
  );
  expect(toStanza(given, UUID)).toEqual(['message', { to: BOB, type: 'normal', id: UUID }, ...own]);
  expect(clean('\t\n\r ')).toBe('\t\n\r ');
});

test('a message whose id the application counts has an origin-id that nobody does', () => {
  const origins = [1, 2].map(() => JSON.stringify(toStanza({ to: BOB, body: 'hi' }, '1')));
  const found = origins.map((one) => /"urn:xmpp:sid:0","id":"([\da-f-]{36})"/.exec(one)?.[1]);
  expect(new Set(found).size).toBe(2);
  expect(origins[0]).toContain(`"id":"1"`);
});

test('every stanza is counted, answers to requests too, whatever the library says', () => {
  const xmpp = new FakeXmpp('alice@example.org');
  countAll(xmpp, (event, listener) => xmpp.on(event, listener));
  const counts = () => xmpp.streamManagement.inbound;
  xmpp.receives(parseStanza('<message/>'));
  expect(counts()).toBe(0);
  xmpp.emit('nonza', parseStanza("<enabled xmlns='urn:xmpp:sm:3'/>"));
  xmpp.receives(parseStanza("<iq type='result'/>"));
  xmpp.receives(parseStanza('<presence/>'));
  // The library begins anew when it has taken <enabled/>, late.
  xmpp.streamManagement.inbound = 0;
  xmpp.receives(parseStanza('<message/>'));
  expect(counts()).toBe(3);
  xmpp.emit('nonza', parseStanza("<failed xmlns='urn:xmpp:sm:3'/>"));
  xmpp.receives(parseStanza('<message/>'));
  expect(counts()).toBe(3);
});
