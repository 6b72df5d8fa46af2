import type { Element } from '@xmpp/xml';
import { NOT_PAYLOAD } from '../../../packages/protocol/copies.ts';
import { BATCH } from '../../../packages/protocol/elements.ts';
import { type Between, mayEmbedAddresses, rewriteChild } from './embedded-addresses.ts';
import { type ImpliedReceipt, impliedReceiptOf, REFERRING } from './implied-receipt.ts';
import { informs, isKeyTransport, NOT_CONTENT } from './message-content.ts';
import { senderIdOf } from './message-key.ts';
import { NS } from './namespaces.ts';
import { attribute, namespaceOf, setAttribute, xmlOf } from './xml.ts';

/** RFC 6121 section 5.2.2; a missing or unknown type counts as `normal`. */
type MessageType = 'normal' | 'chat' | 'headline' | 'groupchat' | 'error';

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
  /** Its children as XML, in octets, for the other side, without receipts and without elements that address the proxy. */
  readonly inner: string;
  /** Whether the message still carries information without its receipts; if not, it is not forwarded. */
  readonly isInformative: boolean;
  /** The children that identify the message, as XML and unmapped: a resend has the same. */
  readonly payload: string;
  /** The attributes that are carried over as they are (`xml:lang`, declared prefixes ...), as XML. */
  readonly otherAttributes: string;
}

const TYPES: ReadonlySet<string> = new Set(['normal', 'chat', 'headline', 'groupchat', 'error']);
const REWRITTEN: ReadonlySet<string> = new Set(['from', 'to', 'type', 'id', 'xmlns']);

// Shared, since most messages have none.
const NO_IMPLIED_RECEIPTS: ImpliedReceipt[] = [];

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
      const { id } = child.attrs;
      if (id) {
        const own = senderIdOf(id);
        if (own !== id) setAttribute(child, 'id', own);
      }
    }
    const xml = xmlOf(child);
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
