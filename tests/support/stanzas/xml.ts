import xml, { type Element } from '@xmpp/xml';
import { textOf } from '../../../src/util/octets.ts';

/** Parses one stanza as a component's link would, with the stream's namespace above it. */
export function parseStanza(text: string): Element {
  const parser = new xml.Parser();
  let stanza: Element | undefined;
  let failure: Error | undefined;
  parser.on('element', (element) => {
    stanza = element;
  });
  parser.on('error', (error) => {
    failure = error;
  });
  parser.write(
    `<stream:stream xmlns="jabber:component:accept" xmlns:stream="http://etherx.jabber.org/streams">${text}`,
  );
  if (failure) throw failure;
  if (!stanza) throw new Error(`Not a stanza: ${text}`);
  return stanza;
}

/** The same for XML that this component has written: octets. */
export const parseWritten = (octets: string): Element => parseStanza(textOf(octets));
