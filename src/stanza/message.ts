import type { Element } from '@xmpp/xml';
import { NS } from './namespaces.ts';
import { attribute, serialize } from './xml.ts';

/** RFC 6121 section 5.2.2; a missing or unknown type counts as `normal`. */
type MessageType = 'normal' | 'chat' | 'headline' | 'groupchat' | 'error';

/** What shows, beside a receipt, that a message has arrived: somebody read it, or speaks of it. */
export interface Proof {
  readonly by: 'marker' | 'reply' | 'reaction';
  /** Of the message that it is about. */
  readonly id: string;
}

/** What the proxy has to know of a message. */
export interface Message {
  readonly type: MessageType;
  /** The `type` as it was written, if it was. */
  readonly writtenType: string | undefined;
  readonly id: string | undefined;
  /** XEP-0359 section 3. */
  readonly originId: string | undefined;
  /** Whether its sender asks for a receipt (XEP-0184 section 5.1). */
  readonly asksReceipt: boolean;
  /** Whether it bears content, so that it is stored and redelivered until it is confirmed. */
  readonly tracked: boolean;
  /** The ids that it is a receipt for. */
  readonly receipts: readonly string[];
  /** What it shows of earlier messages of the other side. */
  readonly proofs: readonly Proof[];
  /** Its children as XML, the receipts that it bears left out. */
  readonly inner: string;
  /** Whether anything is left of it beside those receipts. */
  readonly empty: boolean;
  /** The children that make it this message and not another, as XML: a resend has the same. */
  readonly payload: string;
  /** The attributes that are carried over as they are (`xml:lang`, declared prefixes ...), as XML. */
  readonly otherAttributes: string;
}

/** Elements that say something about a message or a chat, and bear no content of their own. */
const NOT_CONTENT: ReadonlySet<string> = new Set<string>([
  NS.receipts,
  NS.chatStates,
  NS.markers,
  NS.hints,
  NS.sid,
  NS.delay,
  NS.legacyDelay,
  NS.events,
  NS.nick,
  NS.pubsubEvent,
  NS.caps,
  NS.avatarUpdate,
  NS.eme,
  NS.carbons,
  NS.jingleMessage,
]);

/** Elements that a client, or a server on the way, may add to or leave out of a resend of the same message. */
const NOT_PAYLOAD: ReadonlySet<string> = new Set<string>([
  NS.receipts,
  NS.chatStates,
  NS.markers,
  NS.hints,
  NS.sid,
  NS.delay,
  NS.legacyDelay,
  NS.carbons,
]);

const TYPES: ReadonlySet<string> = new Set(['normal', 'chat', 'headline', 'groupchat', 'error']);
const REWRITTEN: ReadonlySet<string> = new Set(['from', 'to', 'type', 'id', 'xmlns']);

/** The namespace of a stanza's child; the stream's own, which is not written on it, is empty. */
function namespaceOf(child: Element): string {
  // ltx looks upwards through the parents, which a stanza's own prefix declarations need and most children do not.
  const declared = child.attrs.xmlns;
  if (declared !== undefined && !child.name.includes(':')) return declared;
  return child.getNS() ?? '';
}

// Clients put one into nearly every message; most bear none of these.
const NO_PROOFS: readonly Proof[] = [];

/** A marker (XEP-0333 section 4), a reply (XEP-0461) or reactions (XEP-0444) that name a message. */
function proofOf(child: Element, namespace: string): Proof | undefined {
  const { id } = child.attrs;
  if (!id) return undefined;
  const name = child.getName();
  if (namespace === NS.markers) return name === 'markable' ? undefined : { by: 'marker', id };
  if (namespace === NS.reply) return name === 'reply' ? { by: 'reply', id } : undefined;
  return namespace === NS.reactions && name === 'reactions' ? { by: 'reaction', id } : undefined;
}

function typeOf(element: Element): MessageType {
  const type = element.attrs.type;
  return type !== undefined && TYPES.has(type) ? (type as MessageType) : 'normal';
}

/**
 * Reads a message in one pass over its children.
 *
 * @throws {TooDeepError} when it is nested too deeply to be carried
 */
export function readMessage(element: Element): Message {
  let originId: string | undefined;
  let asksReceipt = false;
  let content = false;
  let inner = '';
  let payload = '';
  const receipts: string[] = [];
  let proofs = NO_PROOFS;
  for (const child of element.children) {
    // RFC 6120 section 11.7: text between a stanza's children is white space without a meaning.
    if (typeof child !== 'object') continue;
    const namespace = namespaceOf(child);
    if (namespace === NS.receipts) {
      const id = child.attrs.id;
      if (child.getName() === 'received' && id) {
        receipts.push(id);
        continue;
      }
      if (child.getName() === 'request') asksReceipt = true;
    } else if (namespace === NS.sid && child.getName() === 'origin-id') {
      originId ??= child.attrs.id || undefined;
    } else {
      const proof = proofOf(child, namespace);
      if (proof !== undefined) proofs = [...proofs, proof];
    }
    const xml = serialize(child);
    inner += xml;
    if (!NOT_PAYLOAD.has(namespace)) payload += xml;
    // A thread groups messages and is none (RFC 6121 section 5.2.5).
    if (!content && !NOT_CONTENT.has(namespace) && child.name !== 'thread') content = true;
  }
  let otherAttributes = '';
  for (const name in element.attrs) {
    if (!REWRITTEN.has(name)) otherAttributes += attribute(name, element.attrs[name]);
  }
  const type = typeOf(element);
  return {
    type,
    writtenType: element.attrs.type || undefined,
    id: element.attrs.id || undefined,
    originId,
    asksReceipt,
    tracked: content && (type === 'chat' || type === 'normal'),
    receipts,
    proofs,
    inner,
    empty: inner === '',
    payload,
    otherAttributes,
  };
}
