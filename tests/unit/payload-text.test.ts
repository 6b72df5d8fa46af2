import { lengthened, shortened } from '../../src/store/redis/payload-text.ts';

const REQUEST = '<request xmlns="urn:xmpp:receipts"/>';
const REAL =
  '<active xmlns="http://jabber.org/protocol/chatstates"/><origin-id xmlns="urn:xmpp:sid:0" id="m &amp; 1"/>' +
  `<markable xmlns="urn:xmpp:chat-markers:0"/>${REQUEST}`;

test('what clients put at the end of a message is a character each, and comes back as it was', () => {
  expect(shortened(`<body>hello</body>${REAL}`, 'm')).toBe('<body>hello</body>\x03\x05m &amp; 1\x06\x02\x01');
  expect(shortened(`<body>hello</body>${REAL}`, 'm &amp; 1')).toBe('<body>hello</body>\x03\x07\x02\x01');
  const foreign = `<origin-id xmlns="urn:xmpp:sid:0" id="é"/>`;
  expect(shortened(foreign, 'é')).toBe('\x05é\x06');
  for (const inner of [
    '',
    'text',
    '<body>hello</body>',
    '<body/>',
    REQUEST,
    `<body>hello</body>${REAL}`,
    `<body>a\tb\n</body>\n${REQUEST}\n`,
    `${REAL}<body>${'é漢😀'.repeat(50)}</body>`,
    '<origin-id xmlns="urn:xmpp:sid:0" id=""/>',
    '<origin-id xmlns="urn:xmpp:sid:0" id="/>',
    '<x><origin-id xmlns="urn:xmpp:sid:0" id="1"/></x>',
    `<body>&lt;${REQUEST}`,
  ])
    for (const id of ['', 'm', '1', 'm &amp; 1', 'é']) expect(lengthened(shortened(inner, id), id)).toBe(inner);
});
