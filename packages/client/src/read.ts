import { DURABILITY, EXPIRED, type MessageState, STORED, UNCONFIRMED } from '../../protocol/elements.ts';
import * as NS from '../../protocol/namespaces.ts';
import type { Element, Failure } from './types.ts';

/** What the proxy or a recipient says of a message that was sent. */
export interface StatusUpdate {
  readonly id: string;
  /** Whom the message was for; undefined where the proxy does not say it. */
  readonly to: string | undefined;
  readonly state: MessageState;
  /** How the proxy has stored it, where it says that now. */
  readonly durability?: string | undefined;
}

/** What a message that came says to the two queues. */
export interface ParsedMessage {
  readonly updates: readonly StatusUpdate[];
  /** Whether it is for the application. */
  readonly content: boolean;
  /** Whether it asks for a receipt (XEP-0184 section 5.1). */
  readonly asksReceipt: boolean;
}

/** @param component the proxy's domain */
export function readMessage(message: Element, component: string | undefined): ParsedMessage {
  const { from = '', type = 'normal' } = message.attrs;
  const speaker = from.toLowerCase();
  const byComponent = speaker === component;
  const notices = [
    ...updates(message, STORED, NS.own, 'pending'),
    ...updates(message, UNCONFIRMED, NS.own, 'unconfirmed'),
  ];
  const byProxy = byComponent || notices.length > 0;
  const asksReceipt = message.getChild('request', NS.receipts) !== undefined;
  // The proxy's XEP-0184 element says that it has the message, and never that the recipient has.
  const receipts = updates(message, 'received', NS.receipts, byComponent ? 'pending' : 'delivered');
  return {
    updates:
      notices.length > 0
        ? // With ACK_FROM=recipient the proxy speaks from the recipient's bare JID. A user's own messages have a resource.
          notices.filter(({ to }) => byComponent || to?.toLowerCase() === speaker)
        : receipts.map((word) => ({ ...word, to: byComponent ? undefined : from })),
    content:
      !byProxy && (type === 'chat' || type === 'normal') && (asksReceipt || message.getChild('body') !== undefined),
    asksReceipt,
  };
}

function updates(message: Element, name: string, xmlns: string, state: MessageState): StatusUpdate[] {
  const found = message.getChildren(name, xmlns);
  return found.flatMap(({ attrs: { id, to, [DURABILITY]: durability } }) =>
    id ? [{ id, to, state, durability }] : [],
  );
}

/**
 * The errors of a server while the proxy is not connected. Their type is `cancel`, and they are temporary all the same: the
 * proxy does not pass them on for a message that it has.
 */
const AWAY = /^(remote-server-not-found|service-unavailable)$/;

/**
 * What an error about a message of ours says; undefined if it says that the message may go through later.
 *
 * @param proxied whether the proxy stores messages for its address
 * @param atComponent whether that address is one of the proxy's own domain
 */
export function readFailure(message: Element, proxied: boolean, atComponent = proxied): Failure | undefined {
  const error = message.getChild('error');
  const named = error?.getChildElements().find((child) => child.getNS() === NS.stanzas && child.getName() !== 'text');
  const condition = named?.getName() ?? 'undefined-condition';
  const text = error?.getChildText('text', NS.stanzas);
  const details = { condition, ...(text && { text }) };
  if (error?.getChild(EXPIRED, NS.own) !== undefined) return { reason: 'expired', ...details };
  if ((atComponent && AWAY.test(condition)) || (proxied && error?.attrs.type === 'wait')) return undefined;
  return { reason: 'rejected', ...details };
}

/** When a message was sent, if it says (XEP-0203). */
export function readDelay(message: Element): Date | undefined {
  const time = Date.parse(message.getChild('delay', NS.delay)?.attrs.stamp ?? '');
  return time ? new Date(time) : undefined;
}
