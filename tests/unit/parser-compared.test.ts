import { StringDecoder } from 'node:string_decoder';
import type xml from '@xmpp/xml';
import type { Element } from '@xmpp/xml';
import { textOf } from '../../src/util/octets.ts';
import { GuardedParser } from '../../src/xmpp/connection/guarded-parser.ts';
import { OctetDecoder } from '../../src/xmpp/connection/octet-decoder.ts';
import { withoutForbidden } from '../../src/xmpp/connection/start-tag.ts';
import { serialize, xmlOf } from '../../src/xmpp/stanza/xml.ts';
import { LibraryParser } from '../support/stanzas/library-parser.ts';
import { WildXml } from '../support/stanzas/wild-xml.ts';

const HEADER = '<stream:stream xmlns="jabber:component:accept" xmlns:stream="http://etherx.jabber.org/streams">';
const CASES = Number(process.env.PARSER_CASES ?? 1000);
const SEED = Number(process.env.PARSER_SEED ?? 1);

type Parser = InstanceType<typeof xml.Parser>;

/** All that anybody may find in an element. How many characters replace what is not UTF-8, no standard says. */
const found = (node: Element | string): unknown =>
  typeof node === 'string'
    ? node.replace(/\ufffd+/g, '?')
    : [node.name, node.attrs, node.getNS(), node.parent?.name, node.children.map((child) => found(child as Element))];

/** What is in a child is written as it came, too, where its parser knows how. */
function expectWritten(element: Element): void {
  const [came, anew] = [xmlOf(element), serialize(element)];
  if (came !== anew) expect(came).toEqual(anew);
  for (const child of element.children) if (typeof child === 'object') expectWritten(child);
}

/** What a parser gives until it refuses what came, and whether it did. */
function read(parser: Parser, decoder: { write(bytes: Buffer): string }, pieces: readonly Buffer[]) {
  const stanzas: string[] = [];
  parser.on('element', (stanza: Element) => {
    // As it came, before anybody looks into it; then what is in it, and that written anew.
    const came = stanza.children.map((child) => (typeof child === 'object' ? xmlOf(child) : child));
    const written = textOf(serialize(stanza)).replace(/\ufffd+/g, '?');
    const anew = stanza.children.map((child) => (typeof child === 'object' ? serialize(child as Element) : child));
    if (came.some((one, place) => one !== anew[place])) expect(came).toEqual(anew);
    stanzas.push(JSON.stringify([found(stanza), written]));
    for (const child of stanza.children) if (typeof child === 'object') expectWritten(child);
  });
  parser.write(HEADER);
  try {
    for (const piece of pieces) parser.write(decoder.write(piece));
  } catch (error) {
    // What the expectation above has found is no refusal.
    if ((error as Error).name === 'JestAssertionError') throw error;
    return { stanzas, isRefused: true };
  }
  return { stanzas, isRefused: false };
}

test.each([
  ['children when they are looked into', undefined],
  ['all of them at once', { has: () => true }],
])(
  `it gives what the parser of @xmpp/xml gives, ${CASES} streams in every way of writing, damaged and cut anywhere: %s`,
  (_, whole) => {
    const wild = new WildXml(SEED);
    let refused = 0;
    for (let number = 0; number < CASES; number += 1) {
      const sound = wild.stanzas();
      const isDamaged = wild.chance(0.5);
      const bytes = isDamaged ? wild.damaged(sound) : sound;
      const pieces = wild.cut(bytes);
      const text = bytes.toString('latin1');
      // It refuses references to what no XML may have, which are left out here: parser.test.ts.
      if (withoutForbidden(text) !== text) continue;
      const ours = read(
        new GuardedParser({ maxBytes: 1 << 20, maxDepth: 64 }, () => {}, whole),
        new OctetDecoder(),
        pieces,
      );
      const theirs = read(new LibraryParser(), new StringDecoder(), pieces);
      // It takes some things for markup that are none, as an attribute without quotation marks, and then goes on.
      const expected = ours.isRefused && isDamaged ? theirs.stanzas.slice(0, ours.stanzas.length) : theirs.stanzas;
      const isSame = ours.stanzas.join('\n') === expected.join('\n') && (ours.isRefused || !theirs.isRefused);
      if (!isSame) expect({ pieces: pieces.map(String), ...ours }).toEqual({ ...theirs, stanzas: expected });
      if (ours.isRefused) refused += 1;
    }
    expect(refused).toBeGreaterThan(CASES / 10);
  },
);
