import { EXPIRED, type MessageState, STORED, UNCONFIRMED } from '../../protocol/elements.ts';
import * as NS from '../../protocol/namespaces.ts';
import type { Element, Failure } from './types.ts';

/** What somebody says of a message of ours. */
export interface Word {
  readonly id: string;
  /** Whom the message was for; undefined if he who says it need not say. */
  readonly to: string | undefined;
  readonly state: MessageState;
}

/** What a message that came means to the two queues. */
export interface Reading {
  readonly words: readonly Word[];
  /** Whether it is for the application. */
  readonly content: boolean;
  /** Whether it asks for a receipt (XEP-0184 section 5.1). */
  readonly asks: boolean;
}

/** @param component the proxy's domain */
export function readMessage(message: Element, component: string | undefined): Reading {
  const { from = '', type = 'normal' } = message.attrs;
  const speaker = from.toLowerCase();
  const byComponent = speaker === component;
  const notices = [...words(message, STORED, NS.own, 'pending'), ...words(message, UNCONFIRMED, NS.own, 'unconfirmed')];
  const byProxy = byComponent || notices.length > 0;
  const asks = message.getChild('request', NS.receipts) !== undefined;
  // The proxy's XEP-0184 element says that it has the message, and never that the recipient has.
  const receipts = words(message, 'received', NS.receipts, byComponent ? 'pending' : 'delivered');
  return {
    words:
      notices.length > 0
        ? // With ACK_FROM=recipient the proxy speaks from the recipient's bare JID. A user's own messages have a resource.
          notices.filter(({ to }) => byComponent || to?.toLowerCase() === speaker)
        : receipts.map((word) => ({ ...word, to: byComponent ? undefined : from })),
    content: !byProxy && (type === 'chat' || type === 'normal') && (asks || message.getChild('body') !== undefined),
    asks,
  };
}

function words(message: Element, name: string, xmlns: string, state: MessageState): Word[] {
  const found = message.getChildren(name, xmlns);
  return found.flatMap(({ attrs: { id, to } }) => (id ? [{ id, to, state }] : []));
}

/**
 * What a server answers while the proxy is not there, for good as it says (type `cancel`). The proxy never passes these
 * on about a message that it has.
 */
const AWAY = /^(remote-server-not-found|service-unavailable)$/;

/**
 * What an error about a message of ours says; undefined if it says that the message may go through later.
 *
 * @param proxied whether the message was for an address behind the proxy
 */
export function readFailure(message: Element, proxied: boolean): Failure | undefined {
  const error = message.getChild('error');
  const named = error?.getChildElements().find((child) => child.getNS() === NS.stanzas && child.getName() !== 'text');
  const condition = named?.getName() ?? 'undefined-condition';
  const text = error?.getChildText('text', NS.stanzas);
  const details = { condition, ...(text && { text }) };
  if (error?.getChild(EXPIRED, NS.own) !== undefined) return { reason: 'expired', ...details };
  if (proxied && (AWAY.test(condition) || error?.attrs.type === 'wait')) return undefined;
  return { reason: 'rejected', ...details };
}

/** When a message was sent, if it says (XEP-0203). */
export function readDelay(message: Element): Date | undefined {
  const time = Date.parse(message.getChild('delay', NS.delay)?.attrs.stamp ?? '');
  return time ? new Date(time) : undefined;
}
