import type { Element } from '@xmpp/xml';
import { NS } from './namespaces.ts';

/**
 * Namespaces of elements that describe a message or a chat and are no content: a message of nothing else is not tracked.
 * docs/stanzas.md is made from it. Everything else is content.
 */
export const NOT_CONTENT: ReadonlyMap<string, string> = new Map<string, string>([
  [NS.receipts, 'receipts and requests for them (XEP-0184)'],
  [NS.chatStates, 'chat states (XEP-0085)'],
  [NS.markers, 'markers (XEP-0333)'],
  [NS.hints, 'processing hints (XEP-0334)'],
  [NS.sid, 'ids (XEP-0359)'],
  [NS.delay, 'delay (XEP-0203)'],
  [NS.legacyDelay, 'delay, as old clients write it (XEP-0091)'],
  [NS.events, 'message events, as old clients write chat states (XEP-0022)'],
  [NS.nick, 'nickname (XEP-0172)'],
  [NS.pubsubEvent, 'PEP events (XEP-0163)'],
  [NS.headers, "headers, such as a PEP event's (XEP-0131)"],
  [NS.address, "addresses, such as a PEP event's (XEP-0033)"],
  [NS.caps, 'capabilities (XEP-0115)'],
  [NS.avatarUpdate, 'avatar hash (XEP-0153)'],
  [NS.eme, 'the note that something is encrypted (XEP-0380)'],
  [NS.carbons, 'carbons (XEP-0280)'],
  [NS.reply, 'what is replied to (XEP-0461)'],
  [NS.fallback, 'which text is a fallback (XEP-0428)'],
  [NS.occupantId, 'occupant ids (XEP-0421)'],
  [NS.amp, 'delivery rules (XEP-0079)'],
  // A call: a late copy is useless.
  [NS.jingleMessage, 'calls (XEP-0353)'],
  [NS.callInvites, 'calls (XEP-0482)'],
]);

/** Of {@link NOT_CONTENT}, elements that carry information by themselves. The rest only qualifies other elements. */
const INFORMATIVE: ReadonlySet<string> = new Set<string>([
  NS.chatStates,
  NS.markers,
  NS.events,
  NS.pubsubEvent,
  NS.headers,
  NS.address,
  NS.avatarUpdate,
  NS.jingleMessage,
  NS.callInvites,
]);

/** Elements that clients add to a receipt and that carry no information, unlike others of their namespace. */
const UNINFORMATIVE: ReadonlySet<string> = new Set(['active', 'markable']);

/** Whether an element carries information by itself. */
export function informs(name: string, namespace: string): boolean {
  if (!NOT_CONTENT.has(namespace)) return name !== 'thread';
  return INFORMATIVE.has(namespace) && !UNINFORMATIVE.has(name);
}

/**
 * An OMEMO element without a payload (XEP-0384: an "empty OMEMO message") carries keys from client to client. Nobody
 * sees it or confirms it, and a second copy of it is an error to the ratchet.
 */
export function isKeyTransport(child: Element, namespace: string): boolean {
  return (namespace === NS.omemo || namespace === NS.omemo2) && child.getChild('payload') === undefined;
}
