import type { Element } from '@xmpp/xml';
import { NOT_PAYLOAD } from '../../../packages/protocol/copies.ts';
import { BATCH } from '../../../packages/protocol/elements.ts';
import { type Between, mayEmbedAddresses, rewriteChild } from './embedded-addresses.ts';
import { senderIdOf } from './message-key.ts';
import { NS } from './namespaces.ts';
import { attribute, namespaceOf, serialize } from './xml.ts';

/** RFC 6121 section 5.2.2; a missing or unknown type counts as `normal`. */
type MessageType = 'normal' | 'chat' | 'headline' | 'groupchat' | 'error';

/** An element other than a receipt that proves that a message arrived: a marker, a reply, a reaction. */
export interface ImpliedReceipt {
  readonly by: 'marker' | 'reply' | 'reaction';
  /** Id of the message that it refers to, as that went out. */
  readonly id: string;
  /** Whether the id may also be that of a message of the same sender: the element does not say whose it is. */
  readonly maybeOwn: boolean;
}

/** The parts of a message that the component uses. */
export interface Message {
  readonly type: MessageType;
  /** The `type` as it was written, if it was. */
  readonly writtenType: string | undefined;
  readonly id: string | undefined;
  /** XEP-0359 section 3. */
  readonly originId: string | undefined;
  /** Whether its sender asks for a receipt (XEP-0184 section 5.1). */
  readonly asksReceipt: boolean;
  /** Whether the sending session accepts notices about many messages in one request. The element is not forwarded. */
  readonly acceptsBatches: boolean;
  /** Whether it bears content, so that it is stored and redelivered until it is confirmed. */
  readonly tracked: boolean;
  /** The ids that it is a receipt for. */
  readonly receipts: readonly string[];
  /** Which earlier messages of the other side it proves to have arrived. */
  readonly impliedReceipts: readonly ImpliedReceipt[];
  /** The id of the earlier message of its sender that it corrects (XEP-0308) or retracts (XEP-0424). */
  readonly target: string | undefined;
  /** Its children as XML for the other side, without receipts and without elements that address the proxy. */
  readonly inner: string;
  /** Whether the message still carries information without its receipts; if not, it is not forwarded. */
  readonly isInformative: boolean;
  /** The children that identify the message, as XML and unmapped: a resend has the same. */
  readonly payload: string;
  /** The attributes that are carried over as they are (`xml:lang`, declared prefixes ...), as XML. */
  readonly otherAttributes: string;
}

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

function informs(name: string, namespace: string): boolean {
  if (!NOT_CONTENT.has(namespace)) return name !== 'thread';
  return INFORMATIVE.has(namespace) && !UNINFORMATIVE.has(name);
}

/**
 * An OMEMO element without a payload (XEP-0384: an "empty OMEMO message") carries keys from client to client. Nobody
 * sees it or confirms it, and a second copy of it is an error to the ratchet.
 */
function isKeyTransport(child: Element, namespace: string): boolean {
  return (namespace === NS.omemo || namespace === NS.omemo2) && child.getChild('payload') === undefined;
}

const TYPES: ReadonlySet<string> = new Set(['normal', 'chat', 'headline', 'groupchat', 'error']);
const REWRITTEN: ReadonlySet<string> = new Set(['from', 'to', 'type', 'id', 'xmlns']);

/** Elements that may refer to a message of the other side. */
const REFERRING: ReadonlySet<string> = new Set<string>([NS.markers, NS.reply, NS.reactions]);

// Shared, since most messages have none.
const NO_IMPLIED_RECEIPTS: ImpliedReceipt[] = [];

/** Whether an address as it was written is one of the recipient's. */
function isOf(jid: string, { inner, outer }: Between['to']): boolean {
  const written = (jid.split('/', 1)[0] as string).toLowerCase();
  return written === inner || written === outer;
}

/** A marker (XEP-0333 section 4), a reply (XEP-0461) or reactions (XEP-0444) that name a message of the other side. */
function impliedReceiptOf(child: Element, namespace: string, between: Between | undefined): ImpliedReceipt | undefined {
  const { id, to } = child.attrs;
  if (!id) return undefined;
  const name = child.getName();
  if (namespace === NS.markers) return name === 'markable' ? undefined : { by: 'marker', id, maybeOwn: false };
  if (namespace === NS.reactions && name === 'reactions') return { by: 'reaction', id, maybeOwn: true };
  if (namespace !== NS.reply || name !== 'reply') return undefined;
  // Section 3: it should say who wrote what is replied to.
  if (!to) return { by: 'reply', id, maybeOwn: true };
  return between !== undefined && isOf(to, between.to) ? { by: 'reply', id, maybeOwn: false } : undefined;
}

/** What the receipt `<received/>` is for. Without an id, as in XEP-0184 1.0, the whole message is the receipt, and its id. */
function receiptFor(child: Element, message: Element): string | undefined {
  if (child.attrs.id) return child.attrs.id;
  return message.getChildElements().length === 1 ? message.attrs.id || undefined : undefined;
}

function typeOf(element: Element): MessageType {
  const type = element.attrs.type;
  return type !== undefined && TYPES.has(type) ? (type as MessageType) : 'normal';
}

/** A stanza's attributes that are carried over as they are, as XML. */
export function otherAttributes(element: Element): string {
  let xml = '';
  for (const name in element.attrs) {
    if (!REWRITTEN.has(name)) xml += attribute(name, element.attrs[name]);
  }
  return xml;
}

/**
 * Reads a message in one pass over its children.
 *
 * @param between whose addresses inside of it are rewritten; without it, none
 * @throws {TooDeepError} when it is nested too deeply to be carried
 */
export function readMessage(element: Element, between?: Between): Message {
  let originId: string | undefined;
  let asksReceipt = false;
  let acceptsBatches = false;
  let content = false;
  let isInformative = false;
  let inner = '';
  let payload = '';
  const receipts: string[] = [];
  let impliedReceipts: ImpliedReceipt[] = NO_IMPLIED_RECEIPTS;
  let target: string | undefined;
  for (const child of element.children) {
    // RFC 6120 section 11.7: text between a stanza's children is white space without a meaning.
    if (typeof child !== 'object') continue;
    const namespace = namespaceOf(child);
    if (namespace === NS.receipts) {
      const receipt = child.getName() === 'received' ? receiptFor(child, element) : undefined;
      if (receipt !== undefined) {
        receipts.push(receipt);
        continue;
      }
      if (child.getName() === 'request') asksReceipt = true;
    } else if (namespace === NS.sid && child.getName() === 'origin-id') {
      originId ??= child.attrs.id || undefined;
    } else if (namespace === NS.own && child.getName() === BATCH) {
      acceptsBatches = true;
      continue;
    } else if (namespace === NS.correction || namespace === NS.retraction) {
      target ??= child.attrs.id || undefined;
    } else if (REFERRING.has(namespace)) {
      const proof = impliedReceiptOf(child, namespace, between);
      if (proof !== undefined) {
        if (impliedReceipts === NO_IMPLIED_RECEIPTS) impliedReceipts = [];
        impliedReceipts.push(proof);
      }
      // The reader knows the message by the sender's own id.
      if (child.attrs.id) child.attrs.id = senderIdOf(child.attrs.id);
    }
    const xml = serialize(child);
    // The payload stays unmapped, so that a resend is recognised whatever the mapping is.
    inner += between !== undefined && mayEmbedAddresses(namespace) ? rewriteChild(child, between) : xml;
    if (!NOT_PAYLOAD.has(namespace)) payload += xml;
    isInformative ||= informs(child.getName(), namespace);
    // A thread groups messages and is none (RFC 6121 section 5.2.5).
    if (content || NOT_CONTENT.has(namespace) || child.name === 'thread') continue;
    content = !isKeyTransport(child, namespace);
  }
  const type = typeOf(element);
  return {
    type,
    writtenType: element.attrs.type || undefined,
    id: element.attrs.id || undefined,
    originId,
    asksReceipt,
    acceptsBatches,
    tracked: content && (type === 'chat' || type === 'normal'),
    receipts,
    impliedReceipts,
    target,
    inner,
    isInformative,
    payload,
    otherAttributes: otherAttributes(element),
  };
}
