import { appendFileSync } from 'node:fs';
import type { Element } from '@xmpp/xml';
import { textOf } from '../../../src/util/octets.ts';
import type { Link } from '../../../src/xmpp/connection/link.ts';
import { escapeAttribute } from '../../../src/xmpp/stanza/xml.ts';
import { parseStanza } from '../stanzas/xml.ts';

const OURS = 'urn:openfire-receipts:';

/** The outermost elements of our namespaces in one that may be anything. */
export function ours(element: Element): Element[] {
  return element.getNS()?.startsWith(OURS) ? [element] : element.getChildElements().flatMap(ours);
}

/** Is given each outermost element of our namespaces that the link carries, either way. */
export function recordWire<T>(link: Link<T>, seen: (element: Element) => void): void {
  link.on('stanza', (stanza) => ours(stanza).forEach(seen));
  const send = link.send.bind(link);
  link.send = (xml, ...rest) => {
    if (xml.includes(OURS)) ours(parseStanza(xml)).forEach(seen);
    return send(xml, ...rest);
  };
}

const INHERITED = /^xmlns(:|$)/;

/** An element with its namespace on it, fit to stand alone, with some of its children alone if they are given. */
export function standAlone(element: Element, children = element.children): string {
  let attributes = ` xmlns="${escapeAttribute(element.getNS() ?? '')}"`;
  for (const [name, value] of Object.entries(element.attrs))
    if (!INHERITED.test(name)) attributes += ` ${name}="${escapeAttribute(String(value))}"`;
  return `<${element.name}${textOf(attributes)}>${children.map(String).join('')}</${element.name}>`;
}

/** What makes two elements alike: names, names of attributes, and values that are words of the protocol. */
export function shape(element: Element, children = element.getChildElements()): string {
  const ours = element.getNS()?.startsWith(OURS);
  if (!ours) return element.name;
  const words = /^(state|by|why|command|reason|durability|condition)$/;
  const attributes = Object.entries(element.attrs)
    .filter(([name]) => !INHERITED.test(name))
    .map(([name, value]) => (words.test(name) ? `${name}=${String(value).replace(/\d+/g, '0')}` : name))
    .sort();
  const inner = new Set(children.map((child) => shape(child)));
  return `${element.name}[${attributes}](${[...inner].sort()})`;
}

/**
 * Appends what is of our namespaces in a stanza to a file, each shape once: for `WIRE_RECORD=<file> npm run test:e2e`, see
 * tools/wire-samples.ts.
 */
export function recorder(file: string | undefined): ((stanza: Element) => void) | undefined {
  if (file === undefined) return undefined;
  const known = new Set<string>();
  return (stanza) => {
    for (const element of ours(stanza)) {
      const alike = shape(element);
      if (known.has(alike)) continue;
      known.add(alike);
      appendFileSync(file, `${JSON.stringify([alike, standAlone(element)])}\n`);
    }
  };
}
