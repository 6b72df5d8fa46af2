import { SeededRandom } from '../store/seeded-random.ts';

const NAMES = ['body', 'x', 'y', 'p:x', 'stream:x', 'é', 'origin-id', '__proto__', 'constructor'];
const NAMESPACES = ['urn:x', '', 'urn:é', 'urn:xmpp:sid:0', 'urn:xmpp:receipts', 'jabber:client'];
const ATTRIBUTES = ['id', 'to', 'from', 'type', 'xml:lang', 'xmlns:p', 'p:a', 'é', 'constructor', 'toString', '1'];
const CHARACTERS =
  'a|b|ab cd| |\n|\t|\r\n|\r|é|漢|，|😀|\u00a0|\ufeff|\ufffd|\ufffe|\u0085|\x7f|\x01|]]>|>|\'|"|/|=|!|?|-'.split('|');
const REFERENCES = ['&amp;', '&lt;', '&gt;', '&quot;', '&apos;', '&#38;', '&#xE9;', '&#x1F600;', '&#13;', '&#10;'];
const SECTIONS = ['<![CDATA[<b>&amp;é]]>', '<![CDATA[]]]]><![CDATA[>]]>', '<!-- <b> > &x; -->', '<?p > ?>'];
const SPACES = ['', '', '', ' ', '\n', '\t '];
const COMMON = [
  '<request xmlns="urn:xmpp:receipts"/>',
  "<origin-id xmlns='urn:xmpp:sid:0' id='é&amp;'/>",
  '<active xmlns="http://jabber.org/protocol/chatstates"/>',
  '<body>hello</body>',
  '<x a=">"/>',
];
/** What does harm in a wrong place. */
const HARM = [
  ...'< > " \' / & ; = <!-- --> ]]> <![CDATA[ <? ?> </ /> <a> </a> <message> </message> <! <!DOCTYPE\tx> </stream:stream>'.split(
    ' ',
  ),
  ...'&#0; &#xD800; &foo; &; \x00 \x0b \ufffe \ufeff \u00a0 <a/\t> <a\tb/> <a\tb=c/> <a\t=""/> </\ta> <a\tb="1"c="2"/>'.split(
    ' ',
  ),
  ...[' xmlns=""', ' constructor="y"', ' a="1" a="2"', '<x a="/>"/>', "<x a='/>'>y</x>"],
].map((text) => Buffer.from(text));
const NOT_UTF8 = [[0xff], [0xe6], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0x80], [0xf5, 0x80]].map((bytes) =>
  Buffer.from(bytes),
);

/** Stanzas in every way of writing, damaged ones, and places to cut them at. */
export class WildXml {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** One or two stanzas and the white space around. Well-formed, but for characters that XML does not have. */
  stanzas(): Buffer {
    const { chance } = this.#bound;
    return Buffer.from(this.#space() + this.#stanza() + this.#space() + (chance(0.5) ? this.#stanza() : ''));
  }

  /** The same with something left out, put in or doubled. */
  damaged(bytes: Buffer): Buffer {
    const { below, pick, chance } = this.#bound;
    const from = below(bytes.length + 1);
    const to = Math.min(bytes.length, from + below(8));
    if (chance(0.3)) return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
    if (chance(0.2)) return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
    return Buffer.concat([bytes.subarray(0, from), pick(chance(0.1) ? NOT_UTF8 : HARM), bytes.subarray(from)]);
  }

  cut(bytes: Buffer): Buffer[] {
    const { below, pick } = this.#bound;
    const places = Array.from({ length: pick([0, 1, 1, 3, 10, bytes.length]) }, () => below(bytes.length + 1));
    const all = [0, ...places.sort((one, other) => one - other), bytes.length];
    return all.slice(1).map((end, number) => bytes.subarray(all[number], end));
  }

  chance(part: number): boolean {
    return this.#random.chance(part);
  }

  get #bound() {
    const random = this.#random;
    return {
      below: (below: number) => random.below(below),
      pick: <T>(from: readonly T[]) => random.pick(from),
      chance: (part: number) => random.chance(part),
    };
  }

  #space = () => this.#random.pick(SPACES);

  #several(most: number, one: () => string): string {
    return Array.from({ length: this.#random.below(most + 1) }, one).join('');
  }

  #text = () => this.#several(5, () => this.#random.pick(this.#random.chance(0.8) ? CHARACTERS : REFERENCES));

  #attributes(most: number): string {
    const names = new Set(Array.from({ length: this.#random.below(most + 1) }, () => this.#random.pick(ATTRIBUTES)));
    return [...names].map((name) => this.#attribute(name, this.#text())).join('');
  }

  #attribute(name: string, value: string): string {
    const quote = this.#random.chance(0.7) ? '"' : "'";
    const said = value.replaceAll(quote, quote === '"' ? '&quot;' : '&apos;');
    return `${this.#random.pick([' ', '  ', '\n'])}${name}${this.#space()}=${this.#space()}${quote}${said}${quote}`;
  }

  #element(depth: number): string {
    const { chance, pick, below } = this.#bound;
    const name = pick(NAMES);
    const namespace = chance(0.6) ? this.#attribute('xmlns', pick(NAMESPACES)) : '';
    const head = `<${name}${namespace}${this.#attributes(2)}${this.#space()}`;
    if (chance(0.3)) return `${head}/>`;
    const inside = Array.from({ length: below(4) }, () => {
      if (chance(0.2)) return pick(SECTIONS);
      return chance(0.6) || depth === 0 ? this.#text() : this.#element(depth - 1);
    });
    return `${head}>${inside.join('')}</${name}${this.#space()}>`;
  }

  #stanza(): string {
    const { chance, pick } = this.#bound;
    const name = pick(['message', 'message', 'iq', 'presence']);
    const head = `<${name}${this.#attributes(4)}${this.#space()}`;
    if (chance(0.05)) return `${head}/>`;
    const inside = this.#several(5, () =>
      chance(0.4) ? pick(COMMON) : chance(0.1) ? pick(SECTIONS) : this.#element(pick([0, 1, 3])),
    );
    return `${head}>${inside}</${name}>`;
  }
}
