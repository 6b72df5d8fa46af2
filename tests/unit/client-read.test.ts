import { toStanza } from '../../src/client/build.ts';
import { readFailure, readMessage } from '../../src/client/read.ts';
import { copyKey } from '../../src/client/seen.ts';
import { countAll } from '../../src/client/stream-management.ts';
import { clean } from '../../src/client/tree.ts';
import { FakeXmpp } from '../support/fake-xmpp.ts';
import { parseStanza } from '../support/xml.ts';

const COMPONENT = 'receipts.example.org';
const BOB = `bob@${COMPONENT}`;
const OWN = 'urn:openfire-receipts:0';
const STORED = `<stored xmlns='${OWN}' id='m' to='${BOB}'/>`;
const RECEIVED = "<received xmlns='urn:xmpp:receipts' id='m'/>";
const UNCONFIRMED = `<unconfirmed xmlns='${OWN}' id='m' to='${BOB}'/>`;

const words = (from: string, inner: string, component: string | undefined = COMPONENT) =>
  readMessage(parseStanza(`<message type='chat' from='${from}'>${inner}</message>`), component).words.map(
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

const key = (inner: string, attrs = "from='Bob@receipts.example.org/a' id='m'") =>
  copyKey(parseStanza(`<message ${attrs}>${inner}</message>`));

test('a copy is known by sender, id and content, whatever was added to it on its way', () => {
  const first = key("<body>Hi</body><x xmlns='urn:x' a='1' b='2'/>");
  const added =
    "<delay xmlns='urn:xmpp:delay' stamp='x'/><no-store xmlns='urn:xmpp:hints'/><stanza-id xmlns='urn:xmpp:sid:0'/>";
  expect(key(`<body>Hi</body><x b='2' a='1' xmlns='urn:x'/>${added}`, `from='${BOB}/b' id='m'`)).toBe(first);
  expect(key("<body>Ho</body><x xmlns='urn:x' a='1' b='2'/>")).not.toBe(first);
  expect(key("<body>Hi</body><x xmlns='urn:x' a='1' b='3'/>")).not.toBe(first);
  expect(key("<body>Hi</body><x xmlns='urn:x' a='1' b='2'/>", "from='carol@x/a' id='m'")).not.toBe(first);
  expect(key("<body>Hi</body><origin-id xmlns='urn:xmpp:sid:0' id='o'/>", `from='${BOB}' id='other'`)).toBe(
    key("<body>Hi</body><origin-id xmlns='urn:xmpp:sid:0' id='o'/>", `from='${BOB}'`),
  );
  expect(key('<body>Hi</body>', `from='${BOB}'`)).toBeUndefined();
});

test('what is sent has an id, an origin-id and a request, once each, and nothing that ends a stream', () => {
  const own = [
    ['request', { xmlns: 'urn:xmpp:receipts' }],
    ['origin-id', { xmlns: 'urn:xmpp:sid:0', id: 'm' }],
  ];
  expect(toStanza({ to: BOB, body: 'a\u0001b\uFFFFc\uD800d😀' }, 'm')).toEqual([
    'message',
    { to: BOB, type: 'chat', id: 'm' },
    ['body', {}, 'abcd😀'],
    ...own,
  ]);
  const given = parseStanza(
    `<message to='${BOB}' type='normal'><request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='x'/></message>`,
  );
  expect(toStanza(given, 'm')).toEqual(['message', { to: BOB, type: 'normal', id: 'm' }, ...own]);
  expect(clean('\t\n\r ')).toBe('\t\n\r ');
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
