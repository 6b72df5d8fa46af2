import {
  DURABILITY,
  type Durability,
  EXPIRED,
  STATUS,
  STATUS_MESSAGE,
  STORED,
  type StatusAttributes,
  UNCONFIRMED,
} from '../../../packages/protocol/elements.ts';
import { CONDITIONS, type Condition } from './error-conditions.ts';
import { NS } from './namespaces.ts';
import { attribute, escapeAttribute, escapeText } from './xml.ts';

/** The format of an acknowledgement: see {@link acknowledgement}. */
export type AckFormat = 'receipt' | 'stored' | 'none';

const NO_STORE = `<no-store xmlns="${NS.hints}"/>`;
/**
 * XEP-0280 section 9: no carbon copies for the user's other devices. In two versions, since Openfire from 4.8 on removes the
 * current one before it checks.
 */
const PRIVATE = `<private xmlns="${NS.carbons}"/><private xmlns="${NS.carbonsBefore}"/>`;
/** For the sending device only: no carbon copies, no offline storage. */
const FOR_DEVICE = NO_STORE + PRIVATE;
const STORED_OPEN = `<${STORED} xmlns="${NS.own}" id="`;
const REQUEST = `<request xmlns="${NS.receipts}"/>`;

/** What a stanza's start tag says. */
interface Head {
  readonly from: string;
  readonly to: string;
  readonly type?: string | undefined;
  readonly id: string | undefined;
}

/** As {@link attribute}, with a name of ours, which needs no encoding: each message has a dozen. */
function own(name: string, value: string | undefined): string {
  return value === undefined ? '' : ` ${name}="${escapeAttribute(value)}"`;
}

/**
 * A stanza's start tag.
 *
 * @param begin its name, and the type of what is ours
 */
function open(begin: string, { from, to, type, id }: Head, other = ''): string {
  return `<${begin}${own('from', from)}${own('to', to)}${own('type', type)}${own('id', id)}${other}>`;
}

/** A receipt's one element (XEP-0184 section 5.2). */
export function received(id: string): string {
  return `<received xmlns="${NS.receipts}" id="${escapeAttribute(id)}"/>`;
}

/** The parts of a stanza as it is written to its recipient, at the first and at each later attempt. */
export interface Outgoing {
  readonly from: string;
  readonly to: string;
  readonly type: string | undefined;
  readonly id: string | undefined;
  /** Further attributes, as XML. */
  readonly otherAttributes: string;
  /** Children, as XML. */
  readonly inner: string;
}

/** A message with its addresses mapped, and otherwise as it came. */
export function message(out: Outgoing, added = ''): string {
  return `${open('message', out, out.otherAttributes)}${out.inner}${added}</message>`;
}

/** A message's children with the request for a receipt that each tracked one must bear (XEP-0184 section 5.1). */
export function withReceiptRequest(inner: string, asks: boolean): string {
  return asks ? inner : inner + REQUEST;
}

/** Whether children say that a message is not for offline storage (XEP-0334 section 4.4). */
export function hasNoStoreHint(inner: string): boolean {
  return inner.includes(NO_STORE);
}

const FORWARDED = /<forwarded [\s\S]*<\/forwarded>/;
const OWN_DELAY = /<delay [^<>]*urn:xmpp:delay/;

/** Whether the message itself has a delay (XEP-0203); one inside a forwarded message (XEP-0297) does not count. */
function isDelayed(inner: string): boolean {
  return inner.includes('<delay ') && OWN_DELAY.test(inner.replace(FORWARDED, ''));
}

/**
 * A later copy of a message, with the time of the first (XEP-0203), and with `no-store` where `noStore` is set. If the
 * sender has added a delay, no second one is added: clients differ in which of several they use.
 */
export function redelivery(out: Outgoing, by: string, storedAt: number, noStore: boolean): string {
  const own = isDelayed(out.inner);
  const delay = own
    ? ''
    : `<delay xmlns="${NS.delay}" from="${escapeAttribute(by)}" stamp="${new Date(storedAt).toISOString()}"/>`;
  // XEP-0334: one hint is enough.
  return message(out, noStore && !hasNoStoreHint(out.inner) ? delay + NO_STORE : delay);
}

/** Whom a notice goes to, from whom, and about which message. */
export interface Notice {
  readonly from: string;
  readonly to: string;
  /** The notice's own id. */
  readonly id: string;
  /** The message's id, as its sender gave it. */
  readonly about: string;
}

/**
 * "The component has stored it": our own element and, in format `receipt`, a receipt (XEP-0184). The type is `normal` (no
 * attribute), since servers deliver a `chat` message for a device that is gone to another one.
 *
 * @param recipient the recipient's proxied bare JID
 */
export function acknowledgement(
  notice: Notice,
  recipient: string,
  format: Exclude<AckFormat, 'none'>,
  durability: Durability,
): string {
  const { from, to, id, about } = notice;
  const stored = `${STORED_OPEN}${escapeAttribute(about)}" to="${escapeAttribute(recipient)}" ${DURABILITY}="${durability}"/>`;
  const words = format === 'receipt' ? stored + received(about) : stored;
  return `${open('message', { from, to, id })}${words}${FOR_DEVICE}</message>`;
}

/**
 * What is known of many messages: the child of an IQ stanza.
 *
 * @param durability of those that are acknowledged by it
 */
export function statusElement(messages: readonly StatusAttributes[], durability?: Durability): string {
  let words = '';
  for (const { id, to, state, stored, settled, attempts } of messages) {
    words += `<${STATUS_MESSAGE}${attribute('id', id)}${attribute('to', to)}${attribute('state', state)}`;
    words += `${attribute('stored', stored)}${attribute('settled', settled)}${attribute('attempts', attempts)}/>`;
  }
  return `<${STATUS} xmlns="${NS.own}"${attribute(DURABILITY, durability)}>${words}</${STATUS}>`;
}

/** Notice that a message ended `unconfirmed`; otherwise like an acknowledgement. */
export function unconfirmedNotice(notice: Notice, recipient: string): string {
  const { from, to, id, about } = notice;
  const word = `<${UNCONFIRMED} xmlns="${NS.own}" id="${escapeAttribute(about)}" to="${escapeAttribute(recipient)}"/>`;
  return `${open('message', { from, to, id })}${word}${FOR_DEVICE}</message>`;
}

/** The recipient's receipt on its way to the sender (XEP-0184 section 5.2); all his devices may have it. */
export function deliveryReceipt(notice: Notice): string {
  const { from, to, id, about } = notice;
  return `${open('message type="chat"', { from, to, id })}${received(about)}</message>`;
}

/** A stanza error (RFC 6120 section 8.3). */
export interface StanzaError {
  readonly condition: Condition;
  /** Text for people. */
  readonly text?: string;
  /** The entity that says so (RFC 6120 section 8.3.2). */
  readonly by?: string;
  /** An application-specific condition, as XML (RFC 6120 section 8.3.4). */
  readonly extra?: string;
  /** The error's type when it is not the condition's usual one. */
  readonly type?: string;
}

/** `<error/>` alone. */
function errorElement({ condition, text, by, extra = '', type = CONDITIONS[condition] }: StanzaError): string {
  const words = text === undefined ? '' : `<text xmlns="${NS.stanzas}" xml:lang="en">${escapeText(text)}</text>`;
  return `<error type="${type}"${attribute('by', by)}><${condition} xmlns="${NS.stanzas}"/>${words}${extra}</error>`;
}

/**
 * A stanza of type `error` (RFC 6120 section 8.3.1); `from` is whom the refused stanza was addressed to.
 *
 * @param body of a message, its body as XML (errorBody); empty where it has none or it is not known any more
 */
export function errorStanza(
  name: 'message' | 'iq' | 'presence',
  to: string,
  from: string,
  id: string | undefined,
  error: StanzaError,
  body = '',
): string {
  return `${open(`${name} type="error"`, { from, to, id })}${body}${errorElement(error)}</${name}>`;
}

/** The application-specific condition of a message that was not confirmed in time. */
export const EXPIRED_CONDITION = `<${EXPIRED} xmlns="${NS.own}"/>`;

/** An IQ stanza with its addresses and id mapped, and otherwise as it came. */
export function iq(out: Outgoing): string {
  return `${open('iq', out, out.otherAttributes)}${out.inner}</iq>`;
}

/** An IQ result (RFC 6120 section 8.2.3). */
export function iqResult(to: string, from: string, id: string | undefined, inner = ''): string {
  return `${open('iq type="result"', { from, to, id })}${inner}</iq>`;
}
