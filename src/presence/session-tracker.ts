import type { Address, AddressPolicy } from '../addressing/address-policy.ts';
import { type Clock, recordReceiptSupport, renewSession, type Seen, subscribersOf } from '../store/contract.ts';
import { withResource } from '../xmpp/stanza/address.ts';
import type { Caps } from '../xmpp/stanza/entity-capabilities.ts';
import type { IdSource } from '../xmpp/stanza/ids.ts';
import { capsKey, presenceStanza } from '../xmpp/stanza/presence.ts';
import { Logins } from './logins.ts';
import type { OperationQueue, PresenceCounts, PresenceLog, ReceiptsOf, SessionObserver, StanzaSink } from './ports.ts';

export interface SessionTrackerOptions {
  readonly link: StanzaSink;
  readonly pipeline: OperationQueue;
  readonly ids: IdSource;
  readonly clock: Clock;
  /** How many other processes serve the domain. */
  readonly others: () => number;
  readonly addresses: AddressPolicy;
  readonly counts: PresenceCounts;
  readonly observer?: SessionObserver | undefined;
  readonly receiptsOf?: ReceiptsOf | undefined;
  readonly log: PresenceLog;
}

/** Tells of sessions that begin and end, and has it found out whether they return receipts. */
export class SessionTracker {
  readonly #options: SessionTrackerOptions;
  readonly #logins = new Logins();

  constructor(options: SessionTrackerOptions) {
    this.#options = options;
  }

  seen(user: string, resource: string, caps: Caps | undefined, { what, asks, ended }: Seen): void {
    const { observer } = this.#options;
    if (what === 'began') observer?.began(user, resource);
    else if (what === 'updated' || what === 'returned') observer?.updated(user, what === 'returned');
    // "He is offline", and nothing of a session (RFC 6121 section 4.3.2): these ended while nobody could say so.
    if (resource === '') this.endedUnannounced(user, ended);
    else for (const one of ended) this.ended(user, one);
    if (asks) void this.#queryReceiptSupport(user, resource, caps);
  }

  /** A server says to one who gets it that a session is available. */
  heard({ full }: Address, to: Address, now: number): void {
    // What is for one resource is directed, or the answer to a probe.
    if (to.resource === '') this.#logins.heard(full, to.bare, now);
  }

  /** A server says to one who gets it that a session is unavailable. */
  left({ full, bare, resource }: Address, to: Address, now: number): void {
    if (resource === '' || to.resource !== '') return;
    if (this.#logins.left(full, to.bare, now)) this.#showAgain(bare, [to.bare]);
  }

  /** A user's server was probed in the name of one who gets his presence (outer bare JID). */
  asked(user: string, to: string, now: number): void {
    this.#logins.asked(user, to, now);
  }

  /** A server probes for a user at his login: a session of that resource which is older was another. */
  probed({ full, bare, resource }: Address, now: number): void {
    if (resource === '') return;
    const { pipeline, ids, observer, others } = this.#options;
    this.#showAgain(bare, this.#logins.overtook(full));
    const before = this.#logins.whenProbed(full, others() === 0, now);
    if (before === undefined) return;
    pipeline.push({
      owner: bare,
      request: renewSession(bare, resource, now, ids.next(), before),
      done: (isReplaced) => {
        if (!isReplaced) return;
        observer?.ended(bare, resource);
        observer?.began(bare, resource);
      },
      refuse: () => {},
    });
  }

  /** It has ended, and all subscribers were told. */
  ended(user: string, resource: string): void {
    this.#options.observer?.ended(user, resource);
  }

  /** These are over although nobody said so: the subscribers are told. */
  endedUnannounced(user: string, resources: readonly string[]): void {
    const { pipeline, counts, observer } = this.#options;
    if (resources.length === 0) return;
    counts.staleSessions += resources.length;
    for (const resource of resources) observer?.ended(user, resource);
    pipeline.push({
      request: subscribersOf(user),
      done: (subscribers) => this.announceUnavailable(user, resources, subscribers),
    });
  }

  /** Shows sessions to the subscribers as unavailable. */
  announceUnavailable(user: string, resources: readonly string[], subscribers: readonly string[]): void {
    const { link, addresses } = this.#options;
    const outer = addresses.outerOf(user);
    for (const to of subscribers) {
      // The server's domain stands for what a gate reports.
      if (to === addresses.componentDomain || to === addresses.servedDomain) continue;
      for (const resource of resources) {
        link.send(presenceStanza({ type: 'unavailable', from: withResource(outer, resource), to }));
      }
    }
  }

  /** Has a user's server tell some of his subscribers (outer bare JIDs) of his sessions. */
  #showAgain(user: string, wanted: readonly string[]): void {
    if (wanted.length === 0) return;
    const { pipeline, link, ids, counts, addresses, clock } = this.#options;
    pipeline.push({
      owner: user,
      request: subscribersOf(user),
      done: (subscribers) => {
        for (const from of subscribers.map((subscriber) => addresses.outerOf(subscriber))) {
          if (!wanted.includes(from)) continue;
          counts.presenceProbes += 1;
          this.asked(user, from, clock.now());
          link.send(presenceStanza({ type: 'probe', from, to: user, id: ids.next() }));
        }
      },
      refuse: () => {},
    });
  }

  async #queryReceiptSupport(user: string, resource: string, caps: Caps | undefined): Promise<void> {
    const { pipeline, receiptsOf, log } = this.#options;
    if (receiptsOf === undefined) return;
    try {
      const answer = await receiptsOf(withResource(user, resource), caps);
      if (answer === 'u') return;
      pipeline.push({ request: recordReceiptSupport(user, resource, capsKey(caps), answer), done: () => {} });
    } catch (error) {
      log.warn({ err: error, user }, 'What a client can do could not be found out');
    }
  }
}
