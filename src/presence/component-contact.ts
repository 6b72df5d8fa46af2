import type { Address } from '../addressing/address-policy.ts';
import { type Clock, subscribersOf, subscriptionStep } from '../store/contract.ts';
import type { IdSource } from '../xmpp/stanza/ids.ts';
import { presenceStanza } from '../xmpp/stanza/presence.ts';
import type { Refuser } from '../xmpp/stanza/request-error.ts';
import type { KeptRequests } from './kept-requests.ts';
import type { OperationQueue, PresenceCounts, StanzaSink } from './ports.ts';
import type { SessionTracker } from './session-tracker.ts';

export interface ComponentContactOptions {
  readonly domain: string;
  readonly link: StanzaSink;
  readonly pipeline: OperationQueue;
  readonly ids: IdSource;
  readonly refuser: Refuser;
  readonly sessions: SessionTracker;
  readonly kept: KeptRequests;
  readonly clock: Clock;
  readonly counts: PresenceCounts;
}

/**
 * The component's own domain as a contact: available while messages are taken. Whoever wants its presence may have it,
 * and is asked for nothing.
 */
export class ComponentContact {
  readonly #options: ComponentContactOptions;
  /** Its subscribers, as far as this process knows: when Redis fails nobody can be asked. */
  #subscribers = new Set<string>();
  #usable = false;

  constructor(options: ComponentContactOptions) {
    this.#options = options;
  }

  get usable(): boolean {
    return this.#usable;
  }

  /** How many subscribers are known. */
  get size(): number {
    return this.#subscribers.size;
  }

  /** Takes what a served user sends it, but for his own presence and errors. */
  take(type: string, from: Address): void {
    const { domain, link, pipeline, ids, refuser, sessions, counts, kept } = this.#options;
    const pair = `${from.bare} ${domain}`;
    const again = () => this.take(type, from);
    const now = this.#options.clock.now();
    const reply = (to: string, kind: 'subscribed' | 'available' | 'unavailable' | 'probe') => {
      counts.presenceReplies += 1;
      link.send(presenceStanza({ from: domain, to, type: kind, id: ids.next() }));
    };
    switch (type) {
      case 'subscribe':
      case 'probe': {
        if (type === 'probe') sessions.probed(from, now);
        const asked = type === 'subscribe' ? kept.begins(pair) : undefined;
        // A server probes for whom it has down as a subscriber, so that one whom we have forgotten is one again.
        pipeline.push({
          request: subscriptionStep('subscribed', domain, from.bare, now, ids.next()),
          done: () => {
            if (asked !== undefined) kept.done(pair, asked);
            this.#subscribers.add(from.bare);
            if (type === 'subscribe') reply(from.bare, 'subscribed');
            reply(from.full, this.#usable ? 'available' : 'unavailable');
          },
          refuse: () => {
            if (asked === undefined) refuser.drop();
            else kept.keep(pair, asked, { owner: from.bare, bytes: 0, again, giveUp: () => refuser.drop() });
          },
        });
        return;
      }
      case 'unsubscribe': {
        kept.withdrawn(pair);
        pipeline.push({
          request: subscriptionStep('unsubscribe', domain, from.bare, now, ids.next()),
          done: (before) => {
            this.#subscribers.delete(from.bare);
            // RFC 6121 section 3.3.3: who is no subscriber any more is shown it as gone.
            if (before === 'subscribed') reply(from.bare, 'unavailable');
          },
        });
        return;
      }
      case 'subscribed':
      case 'unsubscribed': {
        pipeline.push({
          request: subscriptionStep(type, from.bare, domain, now, ids.next()),
          done: (before) => {
            // Nobody was asked: whether his server thinks so too is seen by its answer.
            if (type !== 'subscribed' || before !== 'none') return;
            sessions.asked(from.bare, domain, now);
            reply(from.bare, 'probe');
          },
        });
        return;
      }
      default:
        refuser.drop();
    }
  }

  /** Learns its subscribers from Redis. */
  async load(): Promise<void> {
    this.#subscribers = new Set(await this.#options.pipeline.perform(subscribersOf(this.#options.domain)));
  }

  /** Shows itself so from now on, to who asks. Gives the stanzas that tell everybody else. */
  *become(usable: boolean): Generator<string> {
    const { domain } = this.#options;
    this.#usable = usable;
    for (const to of [...this.#subscribers]) {
      yield presenceStanza({ from: domain, to, type: usable ? 'available' : 'unavailable' });
    }
  }
}
