import type { Element } from '@xmpp/xml';
import type { Address, AddressPolicy, Route } from '../addressing/address-policy.ts';
import { type Clock, recordPresence } from '../store/contract.ts';
import { withResource } from '../xmpp/stanza/address.ts';
import type { Between } from '../xmpp/stanza/embedded-addresses.ts';
import { type IdSource, isOwnId } from '../xmpp/stanza/ids.ts';
import {
  capsKey,
  type Presence,
  presenceStanza,
  presenceType,
  readPresence,
  readPresenceHead,
} from '../xmpp/stanza/presence.ts';
import type { Refuser } from '../xmpp/stanza/request-error.ts';
import { readError } from '../xmpp/stanza/stanza-error.ts';
import { isSubscriptionType } from '../xmpp/stanza/subscription.ts';
import { TooDeepError } from '../xmpp/stanza/xml.ts';
import type { ComponentContact } from './component-contact.ts';
import type { DirectedUnavailable } from './directed-unavailable.ts';
import type { OperationQueue, PresenceCounts, StanzaSink } from './ports.ts';
import type { SessionTracker } from './session-tracker.ts';
import type { SubscriptionRelay } from './subscription-relay.ts';

export interface PresenceRelayOptions {
  readonly link: StanzaSink;
  readonly pipeline: OperationQueue;
  readonly addresses: AddressPolicy;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly refuser: Refuser;
  readonly own: ComponentContact;
  readonly sessions: SessionTracker;
  readonly directed: DirectedUnavailable;
  readonly subscriptions: SubscriptionRelay;
  readonly maxStanzaBytes: number;
  readonly counts: PresenceCounts;
  /** Presence was relayed without being noted, since Redis failed. */
  readonly onMissed: () => void;
}

/** What asks for something, so that its sender can be told that it is too large. All else must not be lost. */
const CAN_BE_REFUSED: ReadonlySet<string> = new Set(['available', 'subscribe', 'probe']);

/** Presence between users: it goes on with its addresses mapped, and what it says is noted on its way. */
export class PresenceRelay {
  readonly #options: PresenceRelayOptions;
  /** The domain is about to be left: nobody is shown as available any more. */
  closing = false;

  constructor(options: PresenceRelayOptions) {
    this.#options = options;
  }

  /** Takes presence from a user to another, or to the component. */
  take({ from, to }: Route, element: Element): void {
    const { addresses, own } = this.#options;
    const presence = this.#read(element, addresses.embedded({ from, to }));
    if (presence === undefined) return;
    const { type } = presence;
    if (type === 'available' || type === 'unavailable') this.#presence(from, to, presence);
    else if (type === 'error') this.#error(from, to, presence, element);
    else if (addresses.isComponent(to)) own.take(type, from);
    else if (isSubscriptionType(type)) this.#options.subscriptions.take(type, from, to, presence);
  }

  /** Who removed a contact has ended both subscriptions; the other is told unless he was already. */
  contactRemoved(from: Address, to: Address): void {
    for (const type of ['unsubscribe', 'unsubscribed'] as const) {
      if (this.#options.addresses.isComponent(to)) this.#options.own.take(type, from);
      else this.#options.subscriptions.take(type, from, to, { id: undefined, inner: '', otherAttributes: '' });
    }
  }

  /** Undefined when it was refused. */
  #read(element: Element, between: Between): Presence | undefined {
    const { maxStanzaBytes, refuser } = this.#options;
    const type = presenceType(element);
    let text = `Nested too deeply`;
    try {
      const presence = readPresence(element, between);
      if (bytesOf(presence) <= maxStanzaBytes) return presence;
      text = `A stanza may have ${maxStanzaBytes} bytes`;
    } catch (error) {
      if (!(error instanceof TooDeepError)) throw error;
      text = error.message;
    }
    const idBytes = Buffer.byteLength(element.attrs.id ?? '');
    if (!CAN_BE_REFUSED.has(type)) return { ...readPresenceHead(element), ...(idBytes > 1000 && { id: undefined }) };
    // An answer has the id too, and must not be larger than what it refuses.
    if (idBytes > 1000) refuser.drop();
    else refuser.refuse(element, { condition: 'policy-violation', text });
    return undefined;
  }

  /** Broadcast or directed (RFC 6121 sections 4.2 to 4.6). */
  #presence(from: Address, to: Address, presence: Presence): void {
    const { pipeline, addresses, ids, sessions, directed, counts, link, onMissed } = this.#options;
    const own = addresses.isComponent(to) ? addresses.componentDomain : '';
    const available = presence.type === 'available';
    const now = this.#options.clock.now();
    if (available) sessions.heard(from, to, now);
    const caps = capsKey(presence.caps);
    const request = recordPresence(
      from.inner,
      addresses.partyOf(to),
      from.resource,
      available,
      now,
      caps,
      own,
      ids.next(),
      { priority: presence.priority, direct: to.resource !== '' },
    );
    // An answer to a probe of our own is nobody's.
    const passes = own === '' && !isOwnId(to.resource);
    pipeline.push({
      owner: from.bare,
      request,
      bytes: presence.inner.length,
      done: (seen) => {
        if (passes) this.#relay(from, to, presence);
        sessions.seen(from.bare, from.resource, presence.caps, seen);
        if (seen.what === 'left') directed.left(from.bare, from.resource);
        if (seen.probe || seen.verify) {
          counts.presenceProbes += 1;
          if (seen.probe) sessions.asked(from.bare, own, now);
          const prober = seen.probe ? own : withResource(to.bare, ids.next());
          link.send(presenceStanza({ type: 'probe', from: prober, to: from.bare, id: ids.next() }));
        }
      },
      refuse: () => {
        onMissed();
        if (passes) this.#relay(from, to, presence);
      },
    });
    if (!available) sessions.left(from, to, now);
  }

  #relay(from: Address, to: Address, { type, id, inner, otherAttributes }: Presence): void {
    const { link, counts, addresses } = this.#options;
    if (this.closing && type === 'available') return;
    counts.presencesRelayed += 1;
    link.send(
      presenceStanza({
        from: withResource(addresses.seenAs(from, to), from.resource),
        to: withResource(to.inner, to.resource),
        type,
        id,
        inner,
        otherAttributes,
      }),
      undefined,
      'normal',
      undefined,
      from.bare,
    );
  }

  /** Never answered (RFC 6120 section 8.3.1). Openfire 4.2 refuses a probe of whom nobody has let in with `forbidden`. */
  #error(from: Address, to: Address, presence: Presence, element: Element): void {
    const { pipeline, addresses, subscriptions, refuser } = this.#options;
    const { condition } = readError(element);
    const ours =
      addresses.isComponent(to) || isOwnId(to.resource) || (presence.id !== undefined && isOwnId(presence.id));
    const pass = () => {
      if (ours) refuser.drop();
      else this.#relay(from, to, presence);
    };
    if (condition === 'forbidden' || condition === 'not-authorized') subscriptions.refused(from, to, pass);
    else pipeline.push({ owner: from.bare, done: pass });
  }
}

function bytesOf({ inner, otherAttributes, id = '' }: Presence): number {
  return inner.length + otherAttributes.length + Buffer.byteLength(id);
}
