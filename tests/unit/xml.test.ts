import fc from 'fast-check';
import { encoded, textOf } from '../../src/util/octets.ts';
import {
  attribute,
  cleanXml,
  escapeAttribute,
  escapeText,
  fitToWrite,
  isSingleElement,
  serialize,
} from '../../src/xmpp/stanza/xml.ts';
import { parseStanza } from '../support/stanzas/xml.ts';

const FORBIDDEN = ['\0', '\x01', '\x0b', '\x1f', '\ufffe', '\uffff', '\ud800', '\udc00'];

test.each(FORBIDDEN)('%j is removed, alone and among others', (character) => {
  expect(cleanXml(character)).toBe('');
  expect(cleanXml(`a${character}\u{1f600}b${character}`)).toBe('a\u{1f600}b');
});

test('what is written has nothing that ends the stream, be it octets or, by mistake, text', () => {
  const octets = '<a b="c">\t\r\n~\xc3\xa9</a>';
  expect(fitToWrite(octets)).toBe(octets);
  for (const character of FORBIDDEN) expect(fitToWrite(`a${character}b`)).toBe('ab');
  expect(textOf(fitToWrite('a\ufffféb你'))).toBe('aéb你');
  expect(fitToWrite(encoded('<a\ufffe b="\uffff￥\ufffd你">\x01</a>'))).toBe(encoded('<a b="￥\ufffd你"></a>'));
});

test('what XML allows stays', () => {
  const text = 'a\t\n\r \u0085\ud7ff\ue000\ufffd\u{10000}\u{10ffff}';
  expect(cleanXml(text)).toBe(text);
});

test('property: any string, escaped, is well-formed and comes back as it was cleaned', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 50 }),
      fc.string({ unit: 'binary', maxLength: 50 }),
      (text, value) => {
        const stanza = parseStanza(
          textOf(`<message${attribute('id', value)}><body>${escapeText(text)}</body></message>`),
        );
        expect(stanza.attrs.id).toBe(cleanXml(value));
        expect(stanza.getChildText('body')).toBe(cleanXml(text));
      },
    ),
    { numRuns: 2000 },
  );
});

test('property: lone surrogates and control characters never get through', () => {
  const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 30 });
  fc.assert(
    fc.property(units, (codes) => {
      const cleaned = cleanXml(String.fromCharCode(...codes));
      expect(cleaned.isWellFormed()).toBe(true);
      expect(cleaned).not.toMatch(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/);
    }),
    { numRuns: 5000 },
  );
});

test('quotes and white space in attributes survive a parser', () => {
  expect(escapeAttribute('a"b\'c<d>&\t\n\r')).toBe('a&quot;b&apos;c&lt;d&gt;&amp;&#9;&#10;&#13;');
});

test('an element is written as it was parsed', () => {
  const text = '<message a="1"><x xmlns="urn:x"><y/>text<z>&amp;</z></x></message>';
  expect(serialize(parseStanza(text))).toBe(text);
});

describe('one whole element', () => {
  const WHOLE =
    '<message to="bob@example.org" id="a&amp;b"><body>é 你好 &lt;b&gt; &#128512;</body><x xmlns="y"/></message>';

  test('is what we write', () => {
    expect(isSingleElement(WHOLE)).toBe(true);
  });

  test('is nothing that was cut, wherever, when what follows it is put behind it', () => {
    const children = WHOLE.slice(WHOLE.indexOf('>') + 1, -'</message>'.length);
    const start = WHOLE.slice(0, WHOLE.indexOf('>') + 1);
    const whole = new Set([0, '<body>é 你好 &lt;b&gt; &#128512;</body>'.length]);
    for (let end = 0; end < children.length; end += 1) {
      expect([end, isSingleElement(`${start}${children.slice(0, end)}</message>`)]).toEqual([end, whole.has(end)]);
    }
  });

  test.each([
    '',
    'text',
    '<a/><b/>',
    '<a>',
    '</a>',
    '<a></b>',
    '<a>&nbsp;</a>',
    '<a b="&"/>',
    '<a><!----></a>',
    '<a><?b?></a>',
  ])('is not %j', (text) => {
    expect(isSingleElement(text)).toBe(false);
  });
});
