import type { Address, AddressPolicy } from '../addressing/address-policy.ts';
import { type Clock, subscriptionStep, withdrawSubscription } from '../store/contract.ts';
import { withResource } from '../xmpp/stanza/address.ts';
import type { IdSource } from '../xmpp/stanza/ids.ts';
import { type Presence, presenceStanza } from '../xmpp/stanza/presence.ts';
import type { Refuser } from '../xmpp/stanza/request-error.ts';
import { isSentByContact, type SubscriptionType, transitionOf } from '../xmpp/stanza/subscription.ts';
import type { KeptRequests } from './kept-requests.ts';
import type { OperationQueue, PresenceCounts, StanzaSink } from './ports.ts';
import type { SessionTracker } from './session-tracker.ts';

export interface SubscriptionRelayOptions {
  readonly link: StanzaSink;
  readonly pipeline: OperationQueue;
  readonly addresses: AddressPolicy;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly refuser: Refuser;
  readonly sessions: SessionTracker;
  readonly kept: KeptRequests;
  readonly counts: PresenceCounts;
}

/** Subscriptions between users (RFC 6121 section 3), and probes, which need one. */
export class SubscriptionRelay {
  readonly #options: SubscriptionRelayOptions;

  constructor(options: SubscriptionRelayOptions) {
    this.#options = options;
  }

  /** Takes what asks for a subscription, needs one, or changes it. */
  take(
    type: SubscriptionType,
    from: Address,
    to: Address,
    presence: Pick<Presence, 'id' | 'inner' | 'otherAttributes'>,
  ): void {
    const { pipeline, addresses, ids, link, counts, refuser, kept, sessions } = this.#options;
    const now = this.#options.clock.now();
    if (type === 'probe') sessions.probed(from, now);
    // Openfire probes in the user's own name when he is let in.
    if (type === 'probe' && from.resource === '') sessions.asked(to.inner, from.outer, now);
    const [contact, subscriber] = isSentByContact(type) ? [from.inner, to.inner] : [to.inner, from.inner];
    // RFC 6121 section 3.1.2: subscriptions are between bare JIDs. An answer to a probe goes to where it came from.
    const seenAs = addresses.seenAs(from, to);
    const sender = type === 'probe' ? withResource(seenAs, from.resource) : seenAs;
    const pair = `${subscriber} ${contact}`;
    if (type === 'unsubscribe') kept.withdrawn(pair);
    const asked = type === 'subscribe' ? kept.begins(pair) : undefined;
    const again = () => this.take(type, from, to, presence);
    pipeline.push({
      owner: from.bare,
      request: subscriptionStep(type, contact, subscriber, now, ids.next()),
      bytes: presence.inner.length,
      done: (before) => {
        if (asked !== undefined) kept.done(pair, asked);
        const { act } = transitionOf(type, before);
        if (act === 'relay') {
          counts.presencesRelayed += 1;
          link.send(presenceStanza({ ...presence, from: sender, to: to.inner, type }));
        } else if (act === 'ignore') {
          refuser.drop();
        } else {
          counts.presenceReplies += 1;
          link.send(presenceStanza({ from: to.bare, to: from.bare, type: 'subscribed', id: ids.next() }));
        }
      },
      refuse: this.#refusal(type, () => {
        const giveUp = () => this.#refuse(from, to, presence.id);
        const bytes = presence.inner.length + presence.otherAttributes.length;
        if (asked !== undefined) kept.keep(pair, asked, { owner: from.bare, bytes, again, giveUp });
      }),
      withdraw: type === 'subscribe' ? () => withdrawSubscription(contact, subscriber, now) : undefined,
    });
  }

  /** What was decided waits for Redis. */
  #refusal(type: SubscriptionType, keep: () => void): (() => void) | undefined {
    if (type === 'probe') return () => this.#options.refuser.drop();
    return type === 'subscribe' ? keep : undefined;
  }

  /** What was asked for can be asked again. */
  #refuse(from: Address, to: Address, id: string | undefined): void {
    const attrs = { from: from.full, to: to.full, type: 'subscribe', ...(id !== undefined && { id }) };
    const error = { condition: 'resource-constraint', text: 'Cannot store that now' } as const;
    this.#options.refuser.refuse({ name: 'presence', attrs }, error);
  }

  /**
   * A user's server refuses to tell of his presence: the subscription is over.
   *
   * @param pass what happens to the refusal itself, where nobody needs to be told of that end
   */
  refused(from: Address, to: Address, pass: () => void): void {
    const { pipeline, addresses, ids, link, counts } = this.#options;
    const subscriber = addresses.partyOf(to);
    pipeline.push({
      owner: from.bare,
      request: subscriptionStep('unsubscribed', from.inner, subscriber, this.#options.clock.now(), ids.next()),
      done: (before) => {
        if (addresses.isComponent(to) || transitionOf('unsubscribed', before).act === 'ignore') {
          pass();
          return;
        }
        counts.presencesRelayed += 1;
        link.send(presenceStanza({ from: addresses.seenAs(from, to), to: to.inner, type: 'unsubscribed' }));
      },
    });
  }
}
