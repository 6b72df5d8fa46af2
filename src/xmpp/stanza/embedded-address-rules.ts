import { NS } from './namespaces.ts';

/** Where in a payload an address stands. Namespaces, elements and attributes as the specification has them. */
export interface EmbeddedAddressRule {
  readonly namespace: string;
  readonly element: string;
  /** Attributes that hold a JID. */
  readonly jids?: readonly string[];
  /** Attributes that hold an `xmpp:` URI (RFC 5122). */
  readonly uris?: readonly string[];
  readonly spec: string;
  /** What breaks when it is not mapped. */
  readonly why: string;
}

const STANZA =
  'a quoted message would be from and to people whom its reader does not know, and would not fold into the chat';
const SUBSCRIBER =
  'a server refuses a subscription for another address than the one that asks (XEP-0060 section 6.1.3.1)';

/** Every place in a payload that is mapped; docs/stanzas.md is made from it. What is not here passes as it is. */
export const EMBEDDED_ADDRESS_RULES: readonly EmbeddedAddressRule[] = [
  ...['message', 'presence', 'iq'].map((element) => ({
    namespace: NS.client,
    element,
    jids: ['from', 'to'],
    spec: 'XEP-0297',
    why: STANZA,
  })),
  {
    namespace: NS.conference,
    element: 'x',
    jids: ['jid'],
    spec: 'XEP-0249 section 2',
    why: 'an invitation to an address of one of the two (a room of another service stays what it is)',
  },
  {
    namespace: NS.delay,
    element: 'delay',
    jids: ['from'],
    spec: 'XEP-0203 section 2',
    why: 'clients believe a delay only from the sender or their own server',
  },
  {
    namespace: NS.legacyDelay,
    element: 'x',
    jids: ['from'],
    spec: 'XEP-0091',
    why: 'the same, by old clients',
  },
  {
    namespace: NS.rosterExchange,
    element: 'item',
    jids: ['jid'],
    spec: 'XEP-0144',
    why: 'who adds the suggested contact would write past the proxy',
  },
  {
    namespace: NS.legacyRosterExchange,
    element: 'item',
    jids: ['jid'],
    spec: 'XEP-0093',
    why: 'the same, by old clients',
  },
  {
    namespace: NS.jingle,
    element: 'jingle',
    jids: ['initiator', 'responder'],
    spec: 'XEP-0166 section 7.1',
    why: 'a session whose initiator is not the sender is refused',
  },
  {
    namespace: NS.jingleTransfer,
    element: 'transfer',
    jids: ['from', 'to'],
    spec: 'XEP-0251 section 2',
    why: 'the transferred session would be looked for with a stranger',
  },
  {
    namespace: NS.jingleSocks,
    element: 'candidate',
    jids: ['jid'],
    spec: 'XEP-0260',
    why: "a candidate of the sender's own must bear the address that the session is with",
  },
  {
    namespace: NS.jinglePub,
    element: 'jinglepub',
    jids: ['from'],
    spec: 'XEP-0358 section 2.1',
    why: 'the session is asked of that address',
  },
  {
    namespace: NS.callInvites,
    element: 'jingle',
    jids: ['jid'],
    spec: 'XEP-0482 section 2.1',
    why: 'the call is begun with that address',
  },
  {
    namespace: NS.bytestreams,
    element: 'streamhost',
    jids: ['jid'],
    spec: 'XEP-0065',
    why: 'the one that was used is named by it in the answer, and looked for among those offered',
  },
  {
    namespace: NS.bytestreams,
    element: 'streamhost-used',
    jids: ['jid'],
    spec: 'XEP-0065',
    why: 'as above',
  },
  {
    namespace: NS.address,
    element: 'address',
    jids: ['jid'],
    uris: ['uri'],
    spec: 'XEP-0033',
    why: 'an answer to it would go past the proxy',
  },
  {
    namespace: NS.reference,
    element: 'reference',
    uris: ['uri', 'anchor'],
    spec: 'XEP-0372',
    why: 'a mention of the reader would not be known as one',
  },
  {
    namespace: NS.reply,
    element: 'reply',
    jids: ['to'],
    spec: 'XEP-0461 section 3',
    why: 'the message that is answered is looked for by its sender',
  },
  {
    namespace: NS.discoItems,
    element: 'item',
    jids: ['jid'],
    spec: 'XEP-0030 section 4.1',
    why: 'the nodes of an account would be asked for past the proxy',
  },
  {
    namespace: NS.pubsub,
    element: 'item',
    jids: ['publisher'],
    spec: 'XEP-0060 section 7.1.2.3',
    why: 'clients take what its owner has not published for forged',
  },
  {
    namespace: NS.pubsubEvent,
    element: 'item',
    jids: ['publisher'],
    spec: 'XEP-0060 section 7.1.2.3',
    why: 'the same, in an event',
  },
  ...['subscribe', 'unsubscribe', 'options', 'subscription', 'affiliation'].map((element) => ({
    namespace: NS.pubsub,
    element,
    jids: ['jid'],
    spec: 'XEP-0060 section 6',
    why: SUBSCRIBER,
  })),
  {
    namespace: NS.pubsubEvent,
    element: 'subscription',
    jids: ['jid'],
    spec: 'XEP-0060 section 8.8.4',
    why: 'the subscriber would not know it as his',
  },
  ...['subscription', 'affiliation'].map((element) => ({
    namespace: NS.pubsubOwner,
    element,
    jids: ['jid'],
    spec: 'XEP-0060 section 8.8',
    why: 'rights would be given to an address that the server never sees',
  })),
];

/** Namespaces whose elements bear no address themselves and may have such elements inside. */
export const CONTAINERS: readonly string[] = [NS.forward, NS.fileSharing, NS.inlineMedia];
