import xml, { type Element } from '@xmpp/xml';
import { resultFor } from './stanza.ts';

const NS_DISCO_INFO = 'http://jabber.org/protocol/disco#info';
const NS_DISCO_ITEMS = 'http://jabber.org/protocol/disco#items';
const NS_VERSION = 'jabber:iq:version';

/** What the server says when it is asked itself; undefined for what it does not know. */
export function serverAnswer(request: Element, version: string, items: readonly string[]): Element | undefined {
  if (request.getChild('ping', 'urn:xmpp:ping')) return resultFor(request);
  if (request.getChild('query', NS_DISCO_INFO)) {
    const identity = xml('identity', { category: 'server', type: 'im', name: 'Openfire Server' });
    return resultFor(request, xml('query', { xmlns: NS_DISCO_INFO }, identity));
  }
  if (request.getChild('query', NS_DISCO_ITEMS)) {
    const children = items.map((jid) => xml('item', { jid }));
    return resultFor(request, xml('query', { xmlns: NS_DISCO_ITEMS }, children));
  }
  if (request.getChild('query', NS_VERSION)) {
    const parts = [xml('name', {}, 'Openfire'), xml('version', {}, version)];
    return resultFor(request, xml('query', { xmlns: NS_VERSION }, parts));
  }
  return undefined;
}
