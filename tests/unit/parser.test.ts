import { encoded } from '../../src/util/octets.ts';
import { GuardedParser, type OversizedStanza } from '../../src/xmpp/connection/guarded-parser.ts';
import { UnreadableError } from '../../src/xmpp/connection/link-problem.ts';

describe('the parser', () => {
  const HEADER =
    '<?xml version="1.0"?><stream:stream xmlns="jabber:component:accept" xmlns:stream="http://etherx.jabber.org/streams">';

  function parse(limits = { maxBytes: 100_000, maxDepth: 10 }, whole?: ReadonlySet<string>) {
    const elements: string[] = [];
    const oversized: OversizedStanza[] = [];
    const parser = new GuardedParser(limits, (one) => oversized.push(one), whole);
    parser.on('element', (element) => elements.push(element.toString()));
    parser.write(HEADER);
    return { parser, elements, oversized };
  }

  /**
   * Runs `work`, and counts what grows with the square of the input in a bad parser: the characters that it searches, and
   * those that it gives to the tokenizer. Throws at the first search beyond `limit` characters.
   */
  function counted(limit: number, work: () => void): { searched: number; tokenized: number } {
    const counts = { searched: 0, tokenized: 0 };
    type Method = (this: unknown, ...args: unknown[]) => unknown;
    const restore: (() => void)[] = [];
    const watch = (prototype: object, name: string, count: (that: unknown, args: unknown[]) => void) => {
      const real = Reflect.get(prototype, name) as Method;
      const counting: Method = function (...args) {
        count(this, args);
        if (counts.searched > limit) throw new Error(`More than ${limit} characters were searched`);
        return real.apply(this, args);
      };
      Reflect.set(prototype, name, counting);
      restore.push(() => Reflect.set(prototype, name, real));
    };
    // All of the string, from wherever the search begins: it is put together first.
    for (const name of ['indexOf', 'lastIndexOf', 'includes', 'search', 'match', 'replace', 'replaceAll', 'split']) {
      watch(String.prototype, name, (text) => {
        counts.searched += (text as string).length;
      });
    }
    watch(GuardedParser.prototype, 'read', (_, [text]) => {
      counts.tokenized += (text as string).length;
    });
    try {
      work();
    } finally {
      for (const undo of restore) undo();
    }
    return counts;
  }

  const nested = (depth: number) => `${'<a>'.repeat(depth)}x${'</a>'.repeat(depth)}`;

  test('gives stanzas, however they are split', () => {
    const { parser, elements } = parse();
    const text = '<message to="a&amp;b"><body>hi &lt;there&gt;</body><x xmlns="u"/></message><iq id="1"/>';
    for (const char of text) parser.write(char);
    expect(elements).toEqual([
      '<message to="a&amp;b"><body>hi &lt;there&gt;</body><x xmlns="u"/></message>',
      '<iq id="1"/>',
    ]);
  });

  test('stanzas inherit the stream’s namespaces, and are not kept by it', () => {
    const { parser } = parse();
    let namespace: string | undefined;
    parser.on('element', (element) => {
      namespace = element.getNS();
    });
    parser.write('\n<message/>\n \n<message/> \n');
    expect(namespace).toBe('jabber:component:accept');
    expect(parser.root?.children).toEqual([]);
  });

  test('white space of any kind between stanzas is for nobody, and a byte order mark too', () => {
    const { parser, elements } = parse();
    for (const char of encoded('\ufeff<message/>\u00a0 \u2028\n<iq/>')) parser.write(char);
    expect(elements).toEqual(['<message/>', '<iq/>']);
  });

  test('leaves out references to what no XML may have: a user whose server passes them on ends no stream', () => {
    const { parser, elements } = parse(undefined, new Set(['urn:w']));
    const forbidden = ['&#1;', '&#x1;', '&#0;', '&#xFFFF;', '&#xd800;', '&#x110000;', '&#99999999999999999999;'].join(
      '',
    );
    const stanza = (more: string) =>
      `<message id="${more}1"><body>a${more}b&#65;&#x1F600;</body><x><y n="${more}"/>c${more}</x><w xmlns="urn:w"><m>d${more}</m></w></message>`;
    parser.write(stanza(forbidden));
    parser.write(stanza(''));
    expect(elements[0]).toBe(elements[1]);
    expect(elements).toHaveLength(2);
  });

  test('skips what is too deep, and goes on', () => {
    const { parser, elements, oversized } = parse();
    parser.write(`<message from="a@b">${nested(9)}</message>`);
    expect(elements).toHaveLength(1);
    parser.write(`<message from="c@d" id="1">${nested(20_000)}</message><iq/>`);
    expect(oversized).toEqual([{ name: 'message', attrs: { from: 'c@d', id: '1' } }]);
    expect(elements.slice(1)).toEqual(['<iq/>']);
  });

  test('of what is looked into in any case, leaves out what is too deep, and nothing that stands beside it', () => {
    const { parser, elements, oversized } = parse(undefined, new Set(['urn:w']));
    const deep = (xml: string) => `<deep n="1">before${xml}<m>&amp;</m>after</deep>`;
    const stanza = (xml: string) => `<message><w xmlns="urn:w"><a><b/>x</a>${xml}<c>y</c></w><body/></message>`;
    for (const char of encoded(stanza(deep(nested(20))))) parser.write(char);
    parser.write(stanza(deep(nested(8))));
    expect(elements).toEqual([stanza('<deep n="1"/>'), stanza('<deep n="1"/>')]);
    expect(() => parser.write(stanza(deep(nested(20)).replace('</deep>', '</other>')))).toThrow(UnreadableError);
    expect(oversized).toEqual([]);
  });

  test('skips what is too large, and goes on', () => {
    const { parser, elements, oversized } = parse();
    parser.write('<message from="c@d"><body>');
    for (let i = 0; i < 3; i += 1) parser.write(encoded('é'.repeat(20_000)));
    parser.write('</body><subject>s</subject></message><iq/>');
    expect(oversized).toEqual([{ name: 'message', attrs: { from: 'c@d' } }]);
    expect(elements).toEqual(['<iq/>']);
  });

  test.each([
    ['a text', '', 'x', ''],
    ['a CDATA section', '<![CDATA[', '<x>&amp;]', ']]>'],
    ['a comment', '<!--', '<x> ', '-->'],
  ])('%s without end takes neither time nor memory', (_, start, part, end) => {
    const { parser, elements, oversized } = parse();
    const chunk = part.repeat(65_536 / part.length);
    const { tokenized } = counted(12 * 200 * chunk.length, () => {
      parser.write(`<message><body>${start}`);
      for (let i = 0; i < 200; i += 1) parser.write(chunk);
      parser.write(`${end}</body></message><iq/>`);
    });
    // What is kept between chunks reaches the tokenizer in the end.
    expect(tokenized).toBeLessThan(4 * 100_000);
    expect(oversized).toHaveLength(1);
    expect(elements).toEqual(['<iq/>']);
  });

  test('a large text is read in work that grows with its length, not with its square', () => {
    const { parser, elements } = parse({ maxBytes: 1 << 24, maxDepth: 10 });
    const chunk = 'x'.repeat(65_536);
    const length = 100 * chunk.length;
    const { tokenized } = counted(12 * length, () => {
      parser.write('<message><body>');
      for (let i = 0; i < 100; i += 1) parser.write(chunk);
      parser.write('</body></message>');
    });
    expect(tokenized).toBe(length + '<message><body></body></message>'.length);
    expect(elements[0]).toHaveLength(length + '<message><body></body></message>'.length);
  });

  test('many small stanzas are not a large one', () => {
    const { parser, elements, oversized } = parse({ maxBytes: 1000, maxDepth: 10 });
    parser.write('<message><body>');
    // Each chunk ends within a stanza.
    for (let i = 0; i < 500; i += 1) parser.write('x</body></message><message><body>');
    expect(oversized).toEqual([]);
    expect(elements).toHaveLength(500);
  });

  test.each([
    ['a tag without end', '<message a="', 'x'.repeat(50_000)],
    ['a tag without end in a stanza', '<message><x a="', 'x'.repeat(50_000)],
    ['a comment without end', '<!-- ', '<message/>'.repeat(5_000)],
    ['CDATA between stanzas', '<![CDATA[ ', ' '.repeat(50_000)],
  ])('gives up at %s', (_, start, more) => {
    const { parser } = parse();
    parser.write(start);
    expect(() => {
      for (let i = 0; i < 20; i += 1) parser.write(more);
    }).toThrow(UnreadableError);
  });

  test.each([
    ['a mismatched tag', '<message><body></message>'],
    ['an unknown entity', '<message><body>&nbsp;</body></message>'],
    ['text between stanzas', '<message/>x<message/>'],
    ['a second stream', '</stream:stream><stream:stream>'],
    ['a document type', '<!DOCTYPE x>'],
    ['an entity’s declaration', '<message><body><!ENTITY a "b"></body></message>'],
  ])('throws at %s', (_, text) => {
    const { parser } = parse();
    parser.on('error', () => {});
    expect(() => parser.write(text)).toThrow();
  });
});
