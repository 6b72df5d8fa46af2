import type { AddressPolicy } from '../addressing/address-policy.ts';
import { type Clock, recordPresence, type Seen, subscriptionStep } from '../store/contract.ts';
import type { IdSource } from '../xmpp/stanza/ids.ts';
import type { OperationQueue, PresenceLog, PresenceStore, SessionObserver } from './ports.ts';
import type { SessionTracker } from './session-tracker.ts';

export interface ReportedSessionsOptions {
  readonly pipeline: OperationQueue;
  readonly stored: PresenceStore;
  readonly addresses: AddressPolicy;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly sessions: SessionTracker;
  readonly observer?: SessionObserver | undefined;
  readonly log: PresenceLog;
}

/**
 * Sessions that the users' server reports by itself: nobody is subscribed to, and nobody is asked. In the store the server's
 * domain stands for the subscriber that it reports to.
 */
export class ReportedSessions {
  readonly #options: ReportedSessionsOptions;
  /** Users (bare JIDs) whose presence is known to be reported. */
  readonly #subscribed = new Set<string>();

  constructor(options: ReportedSessionsOptions) {
    this.#options = options;
  }

  /**
   * A session is there, or its priority has changed.
   *
   * @param stream names it, beside its resource
   * @param mayHaveChanged whether nobody reported for a while: it may be another than was known
   */
  available(user: string, resource: string, stream: string, priority: number, mayHaveChanged: boolean): void {
    this.#subscribe(user);
    this.#record(user, resource, true, stream, priority, (seen) => {
      // The stream is another than the one that was recorded, in the place of a client's capabilities.
      if (!mayHaveChanged || !seen.asks || seen.what === 'began') return;
      this.unavailable(user, resource);
      this.#record(user, resource, true, stream, priority);
    });
  }

  unavailable(user: string, resource: string): void {
    this.#record(user, resource, false, '', 0);
  }

  /** All sessions have been reported: others that the store knows of have ended. Rejects when it does not answer. */
  async reconcile(isThere: (user: string, resource: string) => boolean): Promise<void> {
    const { stored, addresses } = this.#options;
    let cursor = '0';
    do {
      const { next, users } = await stored.contacts(cursor);
      for (const user of users) {
        if (user === addresses.componentDomain) continue;
        for (const resource of await stored.sessionsOf(user)) {
          if (!isThere(user, resource)) this.unavailable(user, resource);
        }
      }
      cursor = next;
    } while (cursor !== '0');
  }

  /** Redis has lost its data. */
  forget(): void {
    this.#subscribed.clear();
  }

  #subscribe(user: string): void {
    if (this.#subscribed.has(user)) return;
    this.#subscribed.add(user);
    const { pipeline, clock, ids } = this.#options;
    pipeline.push({
      request: subscriptionStep('subscribed', user, this.#reporter, clock.now(), ids.next()),
      done: () => {},
    });
  }

  #record(
    user: string,
    resource: string,
    available: boolean,
    stream: string,
    priority: number,
    then?: (seen: Seen) => void,
  ): void {
    const { pipeline, clock, ids, sessions, observer } = this.#options;
    const now = clock.now();
    const isHeardOf = available ? observer : undefined;
    isHeardOf?.reported?.(user);
    const request = recordPresence(user, this.#reporter, resource, available, now, stream, '', ids.next(), {
      priority,
    });
    pipeline.push({
      request,
      done: (seen) => {
        sessions.seen(user, resource, undefined, { ...seen, asks: false });
        then?.(seen);
        isHeardOf?.recorded?.(user);
      },
      failed: () => isHeardOf?.recorded?.(user),
    });
  }

  get #reporter(): string {
    return this.#options.addresses.servedDomain;
  }
}
