import { NS } from './namespaces.ts';
import type { Element, Failure } from './types.ts';

/** One word of the proxy about a message of ours. */
export interface Word {
  readonly id: string;
  /** The recipient's proxied address; not given by XEP-0184's element. */
  readonly to: string | undefined;
}

/** What a message that came means to the two queues. */
export interface Reading {
  readonly stored: readonly Word[];
  readonly unconfirmed: readonly Word[];
  /** Ids whose recipient's client has them (XEP-0184 section 5.2). */
  readonly received: readonly string[];
  /** Whether it is for the application. */
  readonly content: boolean;
  /** Whether it asks for a receipt (XEP-0184 section 5.1). */
  readonly asks: boolean;
}

/** @param component the proxy's domain */
export function readMessage(message: Element, component: string | undefined): Reading {
  const from = (message.attrs.from ?? '').toLowerCase();
  const byComponent = component !== undefined && from === component;
  const [stored, unconfirmed] = ['stored', 'unconfirmed'].map((name) => words(message, name, NS.own)) as [
    Word[],
    Word[],
  ];
  const received = words(message, 'received', NS.receipts);
  const notice = byComponent || stored.length + unconfirmed.length > 0;
  // With ACK_FROM=recipient the proxy speaks from the recipient's bare JID. A user's own messages have a resource.
  const proved = ({ to }: Word) => byComponent || to?.toLowerCase() === from;
  const type = message.attrs.type ?? 'normal';
  const asks = message.getChild('request', NS.receipts) !== undefined;
  return {
    // The proxy's XEP-0184 element says that it has the message, and never that the recipient has.
    stored: [...stored.filter(proved), ...(byComponent && unconfirmed.length === 0 ? received : [])],
    unconfirmed: unconfirmed.filter(proved),
    received: notice ? [] : received.map(({ id }) => id),
    content: !notice && (type === 'chat' || type === 'normal') && (asks || message.getChild('body') !== undefined),
    asks,
  };
}

function words(message: Element, name: string, xmlns: string): Word[] {
  const found = message.getChildren(name, xmlns).filter(({ attrs }) => attrs.id);
  return found.map(({ attrs }) => ({ id: attrs.id as string, to: attrs.to }));
}

/** What is answered while the proxy, or its Redis, is not there; it never passes these on about a message that it has. */
const FOR_NOW: ReadonlySet<string> = new Set([
  'resource-constraint',
  'remote-server-not-found',
  'remote-server-timeout',
  'recipient-unavailable',
  'service-unavailable',
  'unexpected-request',
]);

/**
 * What an error about a message of ours says; undefined if it says that the message may go through later.
 *
 * @param proxied whether the message was for an address behind the proxy
 */
export function readFailure(message: Element, proxied: boolean): Failure | undefined {
  const error = message.getChild('error');
  const children = error?.getChildElements() ?? [];
  const words = children.filter((child) => child.getNS() === NS.stanzas);
  const condition = words.find((child) => child.getName() !== 'text')?.getName() ?? 'undefined-condition';
  const text = words.find((child) => child.getName() === 'text')?.children.join('');
  const details = { condition, ...(text && { text }) };
  if (error?.getChild('expired', NS.own) !== undefined) return { reason: 'expired', ...details };
  if (proxied && (FOR_NOW.has(condition) || error?.attrs.type === 'wait')) return undefined;
  return { reason: 'rejected', ...details };
}

/** When a message was sent, if it says (XEP-0203). */
export function readDelay(message: Element): Date | undefined {
  const stamp = message.getChild('delay', NS.delay)?.attrs.stamp;
  const date = new Date(stamp ?? '');
  return Number.isNaN(date.getTime()) ? undefined : date;
}
