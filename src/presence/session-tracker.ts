import type { AddressPolicy } from '../addressing/address-policy.ts';
import { recordReceiptSupport, type Seen, subscribersOf } from '../store/contract.ts';
import { withResource } from '../xmpp/stanza/address.ts';
import type { Caps } from '../xmpp/stanza/entity-capabilities.ts';
import { capsKey, presenceStanza } from '../xmpp/stanza/presence.ts';
import type { OperationQueue, PresenceCounts, PresenceLog, ReceiptsOf, SessionObserver, StanzaSink } from './ports.ts';

export interface SessionTrackerOptions {
  readonly link: StanzaSink;
  readonly pipeline: OperationQueue;
  readonly addresses: AddressPolicy;
  readonly counts: PresenceCounts;
  readonly observer?: SessionObserver | undefined;
  readonly receiptsOf?: ReceiptsOf | undefined;
  readonly log: PresenceLog;
}

/** Tells of sessions that begin and end, and has it found out whether they return receipts. */
export class SessionTracker {
  readonly #options: SessionTrackerOptions;

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

  replaced(user: string, resource: string): void {
    this.#options.observer?.ended(user, resource);
    this.#options.observer?.began(user, resource);
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
