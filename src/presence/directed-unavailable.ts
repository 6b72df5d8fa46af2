import { setTimeout as sleep } from 'node:timers/promises';
import type { AddressPolicy } from '../addressing/address-policy.ts';
import { type Clock, endUnheardSession, whoStillSees } from '../store/contract.ts';
import { withResource } from '../xmpp/stanza/address.ts';
import type { IdSource } from '../xmpp/stanza/ids.ts';
import { presenceStanza } from '../xmpp/stanza/presence.ts';
import type { OperationQueue, PresenceCounts, StanzaSink } from './ports.ts';
import type { SessionTracker } from './session-tracker.ts';

export interface DirectedUnavailableOptions {
  readonly link: StanzaSink;
  readonly pipeline: OperationQueue;
  readonly addresses: AddressPolicy;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly sessions: SessionTracker;
  readonly counts: PresenceCounts;
  /** How long a broadcast to all subscribers may take, ms. */
  readonly broadcast: number;
  /** How long a probe's answer may take, ms. */
  readonly probeTimeout: number;
}

const RETRY_AFTER = 1000;

/**
 * Tells the end of a session from `unavailable` to a single contact, which leaves it as available as it was to all others,
 * messages included (RFC 6121 sections 4.6 and 8.5.2): when not all subscribers were told, the server is asked in the name of
 * one who was not. The answer comes to a resource that nobody has, and goes no further.
 */
export class DirectedUnavailable {
  readonly #options: DirectedUnavailableOptions;
  /** SessionTracker that are being looked at, and whether they have said so to another since. */
  readonly #asking = new Map<string, boolean>();
  readonly #closed = new AbortController();

  constructor(options: DirectedUnavailableOptions) {
    this.#options = options;
  }

  /** A session has said to one subscriber that it is unavailable, and others have not heard so yet. */
  left(user: string, resource: string): void {
    const session = withResource(user, resource);
    const inProgress = this.#asking.has(session);
    this.#asking.set(session, inProgress);
    if (inProgress) return;
    this.#ask(user, resource)
      .catch(() => {})
      .finally(() => {
        const again = this.#asking.get(session);
        this.#asking.delete(session);
        if (again && !this.#closed.signal.aborted) this.left(user, resource);
      });
  }

  close(): void {
    this.#closed.abort();
  }

  async #ask(user: string, resource: string): Promise<void> {
    const { pipeline, sessions, link, ids, counts, clock, broadcast, probeTimeout } = this.#options;
    await this.#wait(broadcast);
    const subscriber = await this.#perform(() => pipeline.perform(whoStillSees(user, resource)));
    if (subscriber === 'ended') sessions.ended(user, resource);
    if (subscriber === undefined || subscriber === 'ended') return;
    counts.presenceProbes += 1;
    const from = withResource(this.#outerOf(subscriber), ids.next());
    link.send(presenceStanza({ type: 'probe', from, to: user, id: ids.next() }));
    await this.#wait(probeTimeout);
    sessions.endedUnannounced(
      user,
      await this.#perform(() => pipeline.perform(endUnheardSession(user, resource, clock.now()))),
    );
  }

  async #perform<Result>(operation: () => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await operation();
      } catch {
        // Redis fails, which its pipeline tells.
        await this.#wait(RETRY_AFTER);
      }
    }
  }

  #wait(ms: number): Promise<unknown> {
    return sleep(ms, undefined, { signal: this.#closed.signal, ref: false });
  }

  #outerOf(subscriber: string): string {
    return this.#options.addresses.outerOf(subscriber);
  }
}
