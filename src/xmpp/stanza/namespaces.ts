import * as shared from '../../../packages/protocol/namespaces.ts';

/** The one list of XML namespaces that the component knows: those of the wire that its client library knows too, and more. */
export const NS = {
  ...shared,
  /** docs/gate-protocol.md. */
  gate: 'urn:openfire-receipts:gate:1',
  /** XEP-0461: Message Replies. */
  reply: 'urn:xmpp:reply:0',
  /** XEP-0444: Message Reactions. */
  reactions: 'urn:xmpp:reactions:0',
  /** XEP-0308: Last Message Correction; XEP-0424: Message Retraction. */
  correction: 'urn:xmpp:message-correct:0',
  retraction: 'urn:xmpp:message-retract:1',
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
  /** XEP-0380: Explicit Message Encryption. */
  eme: 'urn:xmpp:eme:0',
  /** XEP-0280: Message Carbons, as they were called up to version 0.8. */
  carbonsBefore: 'urn:xmpp:carbons:1',
  /** XEP-0353: Jingle Message Initiation: calls. */
  jingleMessage: 'urn:xmpp:jingle-message:0',
  /** XEP-0004: Data Forms. */
  forms: 'jabber:x:data',
  /** XEP-0050: Ad-Hoc Commands. */
  commands: 'http://jabber.org/protocol/commands',
  /** XEP-0054: vcard-temp. */
  vcard: 'vcard-temp',
  /** XEP-0092: Software Version. */
  version: 'jabber:iq:version',
  /** XEP-0199: XMPP Ping. */
  ping: 'urn:xmpp:ping',
  /** XEP-0297: Stanza Forwarding. */
  forward: 'urn:xmpp:forward:0',
  /** RFC 6120 section 4.8.3: the content namespace of a client's stream, which forwarded stanzas are in. */
  client: 'jabber:client',
  /** XEP-0114: that of our own stream. */
  component: 'jabber:component:accept',
  /** XEP-0249: Direct MUC Invitations. */
  conference: 'jabber:x:conference',
  /** XEP-0144: Roster Item Exchange, and XEP-0093, which came before it. */
  rosterExchange: 'http://jabber.org/protocol/rosterx',
  legacyRosterExchange: 'jabber:x:roster',
  /** XEP-0166: Jingle; XEP-0251: session transfer; XEP-0260: SOCKS5 transport; XEP-0358: publishing sessions. */
  jingle: 'urn:xmpp:jingle:1',
  jingleTransfer: 'urn:xmpp:jingle:transfer:0',
  jingleSocks: 'urn:xmpp:jingle:transports:s5b:1',
  jinglePub: 'urn:xmpp:jinglepub:1',
  /** XEP-0482: Call Invites. */
  callInvites: 'urn:xmpp:call-invites:0',
  /** XEP-0065: SOCKS5 Bytestreams. */
  bytestreams: 'http://jabber.org/protocol/bytestreams',
  /** XEP-0033: Extended Stanza Addressing. */
  address: 'http://jabber.org/protocol/address',
  /** XEP-0372: References. */
  reference: 'urn:xmpp:reference:0',
  /** XEP-0447: Stateless File Sharing; XEP-0385: Stateless Inline Media Sharing. */
  fileSharing: 'urn:xmpp:sfs:0',
  inlineMedia: 'urn:xmpp:sims:1',
  /** XEP-0060: Publish-Subscribe, and what a node's owner does. */
  pubsub: 'http://jabber.org/protocol/pubsub',
  pubsubOwner: 'http://jabber.org/protocol/pubsub#owner',
  /** XEP-0428: Fallback Indication. */
  fallback: 'urn:xmpp:fallback:0',
  /** XEP-0421: Occupant identifiers. */
  occupantId: 'urn:xmpp:occupant-id:0',
  /** XEP-0131: Stanza Headers. */
  headers: 'http://jabber.org/protocol/shim',
  /** XEP-0079: Advanced Message Processing. */
  amp: 'http://jabber.org/protocol/amp',
  /** XEP-0384: OMEMO, as clients speak it most, and its newer form. */
  omemo: 'eu.siacs.conversations.axolotl',
  omemo2: 'urn:xmpp:omemo:2',
  /** XEP-0004: Data Forms. */
  data: 'jabber:x:data',
} as const;
