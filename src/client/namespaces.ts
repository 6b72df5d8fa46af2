import type { NS as All } from '../stanza/namespaces.ts';

/**
 * The namespaces that a page needs. The proxy's list has many more, and a bundler takes an object whole; the types see
 * to it that both say the same.
 */
type Taken = 'receipts' | 'own' | 'batch' | 'sid' | 'delay' | 'stanzas' | 'discoInfo' | 'discoItems';

export const NS: Pick<typeof All, Taken> = {
  receipts: 'urn:xmpp:receipts',
  own: 'urn:openfire-receipts:0',
  batch: 'urn:openfire-receipts:0#batch',
  sid: 'urn:xmpp:sid:0',
  delay: 'urn:xmpp:delay',
  stanzas: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  discoInfo: 'http://jabber.org/protocol/disco#info',
  discoItems: 'http://jabber.org/protocol/disco#items',
};
