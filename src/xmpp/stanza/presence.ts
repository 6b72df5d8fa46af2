import type { Element } from '@xmpp/xml';
import { type Between, rewriteChildren } from './embedded-addresses.ts';
import { type Caps, capsOf } from './entity-capabilities.ts';
import { attribute } from './xml.ts';

/** RFC 6121 section 4.7.1; `available` stands for no type, `unknown` for one that the RFC does not have. */
export type PresenceType =
  | 'available'
  | 'unavailable'
  | 'subscribe'
  | 'subscribed'
  | 'unsubscribe'
  | 'unsubscribed'
  | 'probe'
  | 'error'
  | 'unknown';

/** The parts of a presence stanza that the component uses. */
export interface Presence {
  readonly type: PresenceType;
  readonly id: string | undefined;
  readonly caps: Caps | undefined;
  /** `away`, `chat`, `dnd` or `xa`; empty when there is none, or another (RFC 6121 section 4.7.2.1). */
  readonly show: string;
  /** -128 to 127 (RFC 6121 section 4.7.2.3). */
  readonly priority: number;
  /** Its children, as XML. */
  readonly inner: string;
  /** The attributes that are carried over as they are, as XML. */
  readonly otherAttributes: string;
}

const TYPES: ReadonlySet<string> = new Set([
  'unavailable',
  'subscribe',
  'subscribed',
  'unsubscribe',
  'unsubscribed',
  'probe',
  'error',
]);
const SHOWS: ReadonlySet<string> = new Set(['away', 'chat', 'dnd', 'xa']);
const REWRITTEN: ReadonlySet<string> = new Set(['from', 'to', 'type', 'id', 'xmlns']);
/** Characters of a capabilities key that are kept, enough to distinguish clients. */
const MAX_CAPS = 200;

export function presenceType(element: Element): PresenceType {
  const type = element.attrs.type;
  if (!type) return 'available';
  return TYPES.has(type) ? (type as PresenceType) : 'unknown';
}

/**
 * Reads a presence stanza.
 *
 * @param between whose addresses inside it are rewritten
 * @throws {TooDeepError} when it is nested too deeply to be carried
 */
export function readPresence(element: Element, between: Between): Presence {
  return { ...bareOf(element), inner: rewriteChildren(element, between) };
}

/** The same without its children: for a stanza that must not be lost although its children cannot be carried. */
export function readPresenceHead(element: Element): Presence {
  return { ...bareOf(element), inner: '', otherAttributes: '' };
}

/** Key by which capabilities are compared; empty when there are none. */
export function capsKey(caps: Caps | undefined): string {
  if (caps === undefined) return '';
  const { node, ver, hash } = caps;
  // Without a hash, a version means something only together with its client.
  return (hash === undefined ? `:${node}#${ver}` : `${hash}:${ver}`).slice(0, MAX_CAPS);
}

/** The parts of a presence stanza that is sent. */
interface OutgoingPresence {
  readonly from: string;
  readonly to: string;
  readonly type?: PresenceType;
  readonly id?: string | undefined;
  readonly otherAttributes?: string;
  readonly inner?: string;
}

/** A presence stanza as XML. */
export function presenceStanza(out: OutgoingPresence): string {
  const { from, to, type = 'available', id, otherAttributes = '', inner = '' } = out;
  const written = type === 'available' ? undefined : type;
  const start = `<presence${attribute('from', from)}${attribute('to', to)}${attribute('type', written)}${attribute('id', id)}${otherAttributes}`;
  return inner === '' ? `${start}/>` : `${start}>${inner}</presence>`;
}

function bareOf(element: Element): Omit<Presence, 'inner'> {
  let otherAttributes = '';
  for (const name in element.attrs) {
    if (!REWRITTEN.has(name)) otherAttributes += attribute(name, element.attrs[name]);
  }
  const show = element.getChildText('show')?.trim() ?? '';
  return {
    type: presenceType(element),
    id: element.attrs.id || undefined,
    caps: capsOf(element),
    show: SHOWS.has(show) ? show : '',
    priority: readPriority(element.getChildText('priority')),
    otherAttributes,
  };
}

function readPriority(text: string | null): number {
  const priority = Number(text ?? 0);
  return Number.isInteger(priority) && priority >= -128 && priority <= 127 ? priority : 0;
}
