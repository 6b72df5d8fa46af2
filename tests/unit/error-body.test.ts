import { textOf } from '../../src/util/octets.ts';
import { errorBody, errorBodyFrom, MAX_ERROR_BODY } from '../../src/xmpp/stanza/error-body.ts';
import { escapeText } from '../../src/xmpp/stanza/xml.ts';
import { parseStanza } from '../support/stanzas/xml.ts';

const ofStanza = (inner: string) => errorBody(parseStanza(textOf(`<message>${inner}</message>`)).children);
const OTHERS = '<request xmlns="urn:xmpp:receipts"/><active xmlns="http://jabber.org/protocol/chatstates"/>';

describe.each([
  ['of a stanza', ofStanza],
  ['of stored XML', errorBodyFrom],
])('what is quoted %s', (_, quoted) => {
  test.each([
    ['the body alone', `<subject>s</subject><body>hello</body>${OTHERS}`, '<body>hello</body>'],
    ['escaped', '<body>a &lt;b&gt; &amp; c&#13;</body>', '<body>a &lt;b&gt; &amp; c&#13;</body>'],
    ['its language', '<body xml:lang="de">Guten Tag</body>', '<body xml:lang="de">Guten Tag</body>'],
    ['no language that is none', `<body xml:lang="${'x'.repeat(36)}">hello</body>`, '<body>hello</body>'],
    ['no other attribute', '<body id="x">hello</body>', '<body>hello</body>'],
    [
      'of two, the first that says anything',
      '<body xml:lang="de"/><body>one</body><body>two</body>',
      '<body>one</body>',
    ],
    ['one in the stream’s own namespace', '<body xmlns="jabber:client">hello</body>', '<body>hello</body>'],
    ['not that of something inside', '<x xmlns="urn:x"><body xmlns="jabber:client">no</body></x>', ''],
    ['not one of another kind', '<body xmlns="http://www.w3.org/1999/xhtml">no</body>', ''],
    ['nothing where there is none', OTHERS, ''],
    ['nothing of an empty one', '<body/>', ''],
    [
      'with OMEMO, the text for clients without it, and not what is encrypted',
      '<encrypted xmlns="eu.siacs.conversations.axolotl"><payload>c2VjcmV0</payload></encrypted><body>I sent you an OMEMO encrypted message</body>',
      '<body>I sent you an OMEMO encrypted message</body>',
    ],
    [
      'nothing with OMEMO alone',
      '<encrypted xmlns="eu.siacs.conversations.axolotl"><payload>c2VjcmV0</payload></encrypted>',
      '',
    ],
  ])('%s', (_, inner, expected) => {
    expect(quoted(inner)).toBe(expected);
  });

  test('is cut between two characters, and stays XML', () => {
    const body = (text: string) => textOf(quoted(`<body>${escapeText(text)}</body>`));
    const whole = 'x'.repeat(MAX_ERROR_BODY);
    expect(body(whole)).toBe(`<body>${whole}</body>`);
    expect(body(`${whole}y`)).toBe(`<body>${whole}…</body>`);
    const before = 'x'.repeat(MAX_ERROR_BODY - 1);
    // A character outside the BMP has two units, of which only the first would have room.
    expect(body(`${before}👋👋`)).toBe(`<body>${before}…</body>`);
    expect(body(`${before}&&`)).toBe(`<body>${before}&amp;…</body>`);
    expect(body(`${before.slice(1)}👋👋`)).toBe(`<body>${before.slice(1)}👋…</body>`);
  });
});

test.each([
  ['cut short in its body', '<body>hel', ''],
  ['cut short behind it', '<body>hello</body><x xmlns="urn:x"><y', '<body>hello</body>'],
  ['broken before it', '<x></y><body>hello</body>', ''],
  ['no XML', 'body body <<< &&&', ''],
  ['with what no stanza may bear', '<body>a\u0001b</body>', '<body>ab</body>'],
])('of stored XML that is %s, only what can be read', (_, inner, expected) => {
  expect(errorBodyFrom(inner)).toBe(expected);
});
