import xml, { type Element } from '@xmpp/xml';
import { parseStanza } from '../stanzas/xml.ts';

const NS_STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

export interface Address {
  readonly local: string;
  readonly domain: string;
  readonly resource: string;
}

export function addressOf(jid = ''): Address {
  const [, local = '', domain = '', resource = ''] = /^(?:([^@/]*)@)?([^/]*)(?:\/(.*))?$/s.exec(jid) ?? [];
  return { local, domain, resource };
}

/** As it would come out of another stream: nobody shares an element with anybody. */
export function copyOf(stanza: Element): Element {
  return parseStanza(stanza.toString());
}

/** What a server sends back to a stanza's sender; never for an error. */
export function errorFor(
  stanza: Element,
  type: string,
  condition: string,
  payload: readonly Element[] = [],
): Element | undefined {
  const { id, from, to, type: original } = stanza.attrs;
  if (original === 'error' || original === 'result' || !from) return undefined;
  const code = condition === 'service-unavailable' ? '503' : '404';
  const error = xml('error', { code, type }, xml(condition, { xmlns: NS_STANZAS }));
  return xml(stanza.name, { type: 'error', id, from: to, to: from }, [...payload, error]);
}

export function resultFor(request: Element, ...payload: Element[]): Element {
  const { id, from, to } = request.attrs;
  return xml('iq', { type: 'result', id, from: to, to: from }, payload);
}

/** XEP-0280: a copy for another of the user's resources. */
export function carbonFor(jid: string, direction: 'received' | 'sent', message: Element): Element {
  const forwarded = xml('forwarded', { xmlns: 'urn:xmpp:forward:0' }, copyOf(message));
  const [bare] = jid.split('/');
  const carbon = xml(direction, { xmlns: 'urn:xmpp:carbons:2' }, forwarded);
  return xml('message', { from: bare, to: jid, type: message.attrs.type }, carbon);
}

/** An address without its resource, prepared: of what Unicode 3.2 folds, as much as anybody here is called. */
export function bareOf(jid = ''): string {
  return (jid.split('/', 1)[0] as string).replace(/[A-Z\xc0-\xd6\xd8-\xde]+/g, (letters) => letters.toLowerCase());
}
