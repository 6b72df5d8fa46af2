/** The one list of XML namespaces that the proxy knows. */
export const NS = {
  /** RFC 6120 section 8.3.3: stanza error conditions. */
  stanzas: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  /** XEP-0184: Message Delivery Receipts. */
  receipts: 'urn:xmpp:receipts',
  /** XEP-0085: Chat State Notifications. */
  chatStates: 'http://jabber.org/protocol/chatstates',
  /** XEP-0333: Displayed Markers. */
  markers: 'urn:xmpp:chat-markers:0',
  /** XEP-0461: Message Replies. */
  reply: 'urn:xmpp:reply:0',
  /** XEP-0444: Message Reactions. */
  reactions: 'urn:xmpp:reactions:0',
  /** XEP-0334: Message Processing Hints. */
  hints: 'urn:xmpp:hints',
  /** XEP-0359: Unique and Stable Stanza IDs. */
  sid: 'urn:xmpp:sid:0',
  /** XEP-0203: Delayed Delivery. */
  delay: 'urn:xmpp:delay',
  /** XEP-0091: Legacy Delayed Delivery. */
  legacyDelay: 'jabber:x:delay',
  /** XEP-0022: Message Events, obsolete but still sent by old clients. */
  events: 'jabber:x:event',
  /** XEP-0172: User Nickname. */
  nick: 'http://jabber.org/protocol/nick',
  /** XEP-0060 section 12.19: PEP notifications. */
  pubsubEvent: 'http://jabber.org/protocol/pubsub#event',
  /** XEP-0115: Entity Capabilities. */
  caps: 'http://jabber.org/protocol/caps',
  /** XEP-0153: vCard-Based Avatars. */
  avatarUpdate: 'vcard-temp:x:update',
  /** XEP-0380: Explicit Message Encryption; it stands beside a payload, it is none. */
  eme: 'urn:xmpp:eme:0',
  /** XEP-0280: Message Carbons. */
  carbons: 'urn:xmpp:carbons:2',
  /** XEP-0353: Jingle Message Initiation: a call that rings; a late copy would ring for nobody. */
  jingleMessage: 'urn:xmpp:jingle-message:0',
  /** RFC 6121 section 2. */
  roster: 'jabber:iq:roster',
  discoInfo: 'http://jabber.org/protocol/disco#info',
  discoItems: 'http://jabber.org/protocol/disco#items',
  /** XEP-0092: Software Version. */
  version: 'jabber:iq:version',
  /** XEP-0199: XMPP Ping. */
  ping: 'urn:xmpp:ping',
  /** Ours: stored, unconfirmed, expired, status. */
  own: 'urn:openfire-receipts:0',
} as const;
