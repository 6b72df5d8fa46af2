import xml, { type Element } from '@xmpp/xml';
import { textOf } from '../../util/octets.ts';
import { NS } from './namespaces.ts';
import { attribute, escapeText, namespaceOf } from './xml.ts';

/** UTF-16 units of the body in an error, at most. */
export const MAX_ERROR_BODY = 4000;
/** RFC 5646 section 4.4.1 advises room for 35 characters. */
const LONGEST_LANGUAGE = 35;

/** The namespaces that a stanza of ours, or what was read back from a store, has its own children in. */
const OF_STANZA: ReadonlySet<string> = new Set(['', NS.client, NS.component]);

/** The beginning of a text. Escaping removes half of a surrogate pair at the cut. */
function beginning(text: string): string {
  return text.length > MAX_ERROR_BODY ? `${text.slice(0, MAX_ERROR_BODY)}…` : text;
}

/**
 * A message's `<body/>`, as an error about it bears it (RFC 6120 section 8.3.1): some clients show no error without. Its
 * text alone, and no more than the beginning of a long one. With OMEMO that is the text for clients without it, if there
 * is one.
 *
 * @returns XML; empty when there is no body
 */
export function errorBody(children: Element['children']): string {
  for (const child of children) {
    if (typeof child !== 'object' || child.getName() !== 'body' || !OF_STANZA.has(namespaceOf(child))) continue;
    const text = escapeText(beginning(child.getText()));
    if (text === '') continue;
    const language = child.attrs['xml:lang'];
    const isLanguage = language !== undefined && language.length <= LONGEST_LANGUAGE;
    return `<body${attribute('xml:lang', isLanguage ? language : undefined)}>${text}</body>`;
  }
  return '';
}

/** The same for children as XML; of damaged XML, the readable part. */
export function errorBodyFrom(inner: string): string {
  // A cheap check first: a payload may be large and have no body.
  if (!inner.includes('body')) return '';
  const children: Element[] = [];
  let sound = true;
  const parser = new xml.Parser();
  parser.on('error', () => {
    sound = false;
  });
  parser.on('element', (child) => {
    if (sound) children.push(child);
  });
  try {
    parser.write(`<x>${textOf(inner)}</x>`);
  } catch {
    // What came before it counts.
  }
  return errorBody(children);
}
