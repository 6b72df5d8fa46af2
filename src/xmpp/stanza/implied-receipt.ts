import type { Element } from '@xmpp/xml';
import type { Between } from './embedded-addresses.ts';
import { NS } from './namespaces.ts';

/** An element other than a receipt that proves that a message arrived: a marker, a reply, a reaction. */
export interface ImpliedReceipt {
  readonly by: 'marker' | 'reply' | 'reaction';
  /** Id of the message that it refers to, as that went out. */
  readonly id: string;
  /** Whether the id may also be that of a message of the same sender: the element does not say whose it is. */
  readonly maybeOwn: boolean;
}

/** Elements that may refer to a message of the other side. */
export const REFERRING: ReadonlySet<string> = new Set<string>([NS.markers, NS.reply, NS.reactions]);

/** Whether an address as it was written is one of the recipient's. */
function isOf(jid: string, { inner, outer }: Between['to']): boolean {
  const written = (jid.split('/', 1)[0] as string).toLowerCase();
  return written === inner || written === outer;
}

/** A marker (XEP-0333 section 4), a reply (XEP-0461) or reactions (XEP-0444) that name a message of the other side. */
export function impliedReceiptOf(
  child: Element,
  namespace: string,
  between: Between | undefined,
): ImpliedReceipt | undefined {
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
