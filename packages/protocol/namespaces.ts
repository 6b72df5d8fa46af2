// The namespaces that the component and the client library both know. Single constants and not an object: a bundler keeps
// those of them alone that a page uses.

/** XEP-0184: Message Delivery Receipts. */
export const receipts = 'urn:xmpp:receipts';
/** XEP-0085: Chat State Notifications. */
export const chatStates = 'http://jabber.org/protocol/chatstates';
/** XEP-0333: Displayed Markers. */
export const markers = 'urn:xmpp:chat-markers:0';
/** XEP-0334: Message Processing Hints. */
export const hints = 'urn:xmpp:hints';
/** XEP-0091: Legacy Delayed Delivery. */
export const legacyDelay = 'jabber:x:delay';
/** XEP-0280: Message Carbons. */
export const carbons = 'urn:xmpp:carbons:2';
/** XEP-0359: Unique and Stable Stanza IDs. */
export const sid = 'urn:xmpp:sid:0';
/** XEP-0203: Delayed Delivery. */
export const delay = 'urn:xmpp:delay';
/** RFC 6120 section 8.3.3: stanza error conditions. */
export const stanzas = 'urn:ietf:params:xml:ns:xmpp-stanzas';
/** XEP-0030: Service Discovery. */
export const discoInfo = 'http://jabber.org/protocol/disco#info';
export const discoItems = 'http://jabber.org/protocol/disco#items';
/** RFC 6121 section 2. */
export const roster = 'jabber:iq:roster';
/** Ours: batch, stored, unconfirmed, expired, status. */
export const own = 'urn:openfire-receipts:0';
/** The component's feature (XEP-0030): takes messages with many receipts, and tells of many messages at once. */
export const batch = 'urn:openfire-receipts:0#batch';
/** The component's feature (XEP-0030) while a gate in the server shows it what users write to each other's own addresses. */
export const transparent = 'urn:openfire-receipts:0#transparent';
