// The namespaces that a page needs. The proxy's list has many more, and a bundler takes an object whole; the types see to
// it that both say the same.
import type { NS } from '../xmpp/stanza/namespaces.ts';

type All = typeof NS;

export const receipts: All['receipts'] = 'urn:xmpp:receipts';
export const own: All['own'] = 'urn:openfire-receipts:0';
export const batch: All['batch'] = 'urn:openfire-receipts:0#batch';
export const sid: All['sid'] = 'urn:xmpp:sid:0';
export const delay: All['delay'] = 'urn:xmpp:delay';
export const stanzas: All['stanzas'] = 'urn:ietf:params:xml:ns:xmpp-stanzas';
export const discoInfo: All['discoInfo'] = 'http://jabber.org/protocol/disco#info';
export const discoItems: All['discoItems'] = 'http://jabber.org/protocol/disco#items';
