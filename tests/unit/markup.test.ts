import type { Element } from '@xmpp/xml';
import fc from 'fast-check';
import { textOf as inText } from '../../src/util/octets.ts';
import { GuardedParser } from '../../src/xmpp/connection/guarded-parser.ts';
import { UnreadableError } from '../../src/xmpp/connection/link-problem.ts';
import { MarkupFilter } from '../../src/xmpp/connection/markup-filter.ts';
import { OctetDecoder } from '../../src/xmpp/connection/octet-decoder.ts';
import { serialize, xmlOf } from '../../src/xmpp/stanza/xml.ts';

const HEADER =
  '<?xml version="1.0"?><stream:stream xmlns="jabber:component:accept" xmlns:stream="http://etherx.jabber.org/streams">';

/** Reads what comes in these pieces. */
function read(pieces: readonly Buffer[]): Element[] {
  const parser = new GuardedParser({ maxBytes: 1 << 20, maxDepth: 64 }, () => {});
  const stanzas: Element[] = [];
  parser.on('element', (element: Element) => stanzas.push(element));
  const decoder = new OctetDecoder();
  parser.write(HEADER);
  for (const piece of pieces) parser.write(decoder.write(piece));
  return stanzas;
}

/** The stanzas as they are written on. */
const passed = (pieces: readonly Buffer[]) => read(pieces).map((stanza) => inText(serialize(stanza)));

const textOf = (node: Element | string): string =>
  typeof node === 'string' ? node : node.children.map((child) => textOf(child as Element | string)).join('');

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...[...places].sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

/** In one piece, in every two, and byte by byte. */
function everySplit(xml: string): Buffer[][] {
  const bytes = Buffer.from(xml);
  const inTwo = Array.from({ length: bytes.length + 1 }, (_, place) => cut(bytes, [place]));
  return [[bytes], ...inTwo, cut(bytes, [...bytes.keys()])];
}

test.each([
  ['a CDATA section', 'a<![CDATA[b]]>c', 'abc'],
  ['one of markup', '<![CDATA[<b>&amp;</b>]]>', '&lt;b&gt;&amp;amp;&lt;/b&gt;'],
  ['brackets in it', 'x<![CDATA[]]]]>y<![CDATA[]>]]>z', 'x]]y]&gt;z'],
  ['what would end it, as it is written in two', '<![CDATA[]]]]><![CDATA[>]]>', ']]&gt;'],
  ['an empty one', 'a<![CDATA[]]>c', 'ac'],
  ['a comment', 'a<!-- b > ]]> - -- <c> &d; -->e', 'ae'],
  ['a comment that begins with >', 'a<!--> b -->c', 'ac'],
  ['an empty comment', 'a<!---->c', 'ac'],
  ['a processing instruction', 'a<?b c > ? ?>d', 'ad'],
  ['one beside another', 'a<?b?><!--c--><![CDATA[d]]><!--e-->f', 'adf'],
  ['entities and references', '&lt;&amp;&gt;&quot;&apos;&#38;&#x1F600;&#128512;', '&lt;&amp;&gt;"\'&amp;😀😀'],
  ['an entity’s text in CDATA', '<![CDATA[&#38;&bad;]]>&amp;', '&amp;#38;&amp;bad;&amp;'],
  ['characters of many bytes', 'é<![CDATA[你]]>😀<!-- ß -->ü', 'é你😀ü'],
])('%s is whole in every split of the bytes', (_, inside, whole) => {
  const came = `<message a="&lt;b>'" b='"'><body>${inside}</body><x xmlns="u">${inside}<y/>${inside}</x></message><iq/>`;
  const went = `<message a="&lt;b&gt;&apos;" b="&quot;"><body>${whole}</body><x xmlns="u">${whole}<y/>${whole}</x></message>`;
  for (const pieces of everySplit(came)) expect(passed(pieces)).toEqual([went, '<iq/>']);
});

test('property: text in any writing is the same text, cut anywhere, and is so again when it is written on', () => {
  const character = fc.constantFrom('a', '<', '>', '&', ']', '-', '?', '!', '[', '"', ';', '#', ' ', 'é', '😀', '\n');
  const text = fc.array(character, { maxLength: 8 }).map((characters) => characters.join(''));
  const escaped = (it: string) => it.replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`);
  const written = fc.oneof(
    text.map((it) => ({ it, xml: escaped(it) })),
    text.map((it) => ({ it, xml: [...it].map((char) => `&#x${char.codePointAt(0)?.toString(16)};`).join('') })),
    text.map((it) => ({ it, xml: `<![CDATA[${it.replaceAll(']]>', ']]]]><![CDATA[>')}]]>` })),
    text.map((it) => ({ it: '', xml: `<!--${it.replace(/-(?=-)|-$/g, '- ')}-->` })),
    text.map((it) => ({ it: '', xml: `<?p ${it.replaceAll('?>', '? >')}?>` })),
    text.map((it) => ({ it, xml: `<s>${escaped(it)}</s>` })),
  );
  const cuts = fc.array(fc.nat({ max: 2000 }), { maxLength: 20 });
  fc.assert(
    fc.property(fc.array(written, { maxLength: 8 }), cuts, (parts, places) => {
      const came = Buffer.from(`<message><body>${parts.map(({ xml }) => xml).join('')}</body></message>`);
      const pieces = cut(
        came,
        places.filter((place) => place < came.length),
      );
      const [stanza] = read(pieces) as [Element];
      expect(textOf(stanza)).toBe(parts.map(({ it }) => it).join(''));
      const went = inText(serialize(stanza));
      expect(passed([came])).toEqual([went]);
      expect(passed([Buffer.from(went)])).toEqual([went]);
    }),
    { numRuns: 3000 },
  );
});

test.each(['<!DOCTYPE x [<!ENTITY a "b">]>', '<!ENTITY a "b">', '<![INCLUDE[x]]>', '<!x'])(
  '%s is not read, wherever it is cut',
  (declaration) => {
    for (const pieces of everySplit(declaration)) {
      const filter = new MarkupFilter();
      expect(() => pieces.map((piece) => filter.filter(piece.toString()))).toThrow(UnreadableError);
    }
  },
);

test('a chunk without any of these is given as it came', () => {
  const filter = new MarkupFilter();
  const chunk = '<message><body>a</body></message>';
  expect(filter.filter(chunk)).toBe(chunk);
});

test('a child is written as it was read where that is known, and the same as from what was made of it', () => {
  const child = fc.constantFrom(
    '<body>a é 你 > 😀</body>',
    "<body xml:lang='de'>a</body>",
    "<x xmlns='urn:x' a='\"' b=\"'\"/>",
    '<x  xmlns="urn:x"\n a = "1" ></x >',
    '<x xmlns="urn:x"><y/>b</x>',
    '<x xmlns="urn:x" a="&amp;&#233;é"/>',
    '<body>\r\n\t&#x9;</body>',
    '<body>\uffff\ufffe</body>',
    '<é é="é">é</é>',
    '<x a="1" a="2"/>',
    '<x a=">"/>',
    '<p:x xmlns:p="urn:p" p:id="1"/>',
  );
  fc.assert(
    fc.property(
      fc.array(child, { maxLength: 6 }),
      fc.array(fc.nat({ max: 300 }), { maxLength: 5 }),
      (children, places) => {
        const bytes = Buffer.from(`<message>${children.join(' ')}</message>`);
        const pieces = cut(
          bytes,
          places.filter((place) => place < bytes.length),
        );
        const [one, other] = [read(pieces), read([bytes])];
        const written = one[0]?.getChildElements().map((it) => inText(xmlOf(it)));
        expect(written).toEqual(other[0]?.getChildElements().map((it) => inText(serialize(it))));
      },
    ),
    { numRuns: 1000 },
  );
});

test.each([
  ['a tag without a name', '<message>< /></message>'],
  ['an attribute without a value', '<message a/>'],
  ['an attribute without quotation marks', '<message a=b/>'],
  ['a slash in a tag', '<message /a=""/>'],
  ['an unknown reference where nobody looks', '<message><x><y>&nbsp;</y></x></message>'],
  ['an unknown reference in what is skipped', `<message>${'<a>'.repeat(99)}&nbsp;${'</a>'.repeat(99)}</message>`],
  ['a mismatched tag where nobody looks', '<message><x><y></z></x></message>'],
])('%s is refused', (_, xml) => {
  for (const pieces of everySplit(xml)) expect(() => read(pieces)).toThrow();
});

test('what is not UTF-8 becomes replacement characters, wherever it is cut', () => {
  const bytes = Buffer.concat([
    Buffer.from('a你'),
    Buffer.from([0xff, 0xed, 0xa0, 0x80, 0xc0, 0x80, 0xe4, 0xbd]),
    Buffer.from('b😀'),
  ]);
  for (let place = 0; place <= bytes.length; place += 1) {
    const decoder = new OctetDecoder();
    const text = inText(
      cut(bytes, [place])
        .map((piece) => decoder.write(piece))
        .join(''),
    );
    expect(text.replace(/\ufffd+/g, '?')).toBe('a你?b😀');
  }
});
