import { setTimeout as sleep } from 'node:timers/promises';
import type { AddressPolicy } from '../addressing/address-policy.ts';
import {
  beginProbe,
  type Clock,
  claimProbing,
  endUnheardSessions,
  forgetPresence,
  releaseProbing,
  renewProbing,
  subscribersOf,
} from '../store/contract.ts';
import type { IdSource } from '../xmpp/stanza/ids.ts';
import { presenceStanza } from '../xmpp/stanza/presence.ts';
import type { PacedWriter } from './paced-writer.ts';
import type { OperationQueue, PresenceCounts, PresenceLog, PresenceStore } from './ports.ts';
import type { SessionTracker } from './session-tracker.ts';

export interface ResyncOptions {
  readonly pipeline: OperationQueue;
  readonly stored: PresenceStore;
  readonly addresses: AddressPolicy;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly sessions: SessionTracker;
  readonly counts: PresenceCounts;
  /** Names this process. */
  readonly process: string;
  /** How many other processes serve the domain. */
  readonly others: () => number;
  readonly writer: PacedWriter;
  /** How long a probe's answer may take, ms. */
  readonly probeTimeout: number;
  readonly log: PresenceLog;
}

/** Somebody whose server was probed. */
interface Probed {
  readonly user: string;
  readonly at: number;
  /** For the second time. */
  readonly again: boolean;
}

const RETRY_AFTER = 1000;

/**
 * After the link was down: nothing of what happened meanwhile is told by the server, so it is asked after everybody whose
 * presence somebody wants, at a pace, and what it does not tell of any more has ended.
 */
export class Resync {
  readonly #options: ResyncOptions;
  #abort: AbortController | undefined;

  constructor(options: ResyncOptions) {
    this.#options = options;
  }

  /**
   * Begins, or begins anew.
   *
   * @param missed presence came that no process has noted: then nothing that was known is
   */
  begin(missed = false): void {
    this.cancel();
    const abort = new AbortController();
    this.#abort = abort;
    this.#keepTrying(abort.signal, missed).catch(() => {});
  }

  cancel(): void {
    this.#abort?.abort();
    this.#abort = undefined;
  }

  /** Asks after one user alone. */
  async probeUser(user: string, signal: AbortSignal): Promise<void> {
    const { pipeline } = this.#options;
    const [subscriber] = await pipeline.perform(beginProbe(user));
    if (subscriber === undefined) return;
    await this.#options.writer.write(this.#probes(user, [subscriber]), signal);
    await this.#judge([{ user, at: this.#options.clock.now(), again: false }], signal, true);
  }

  async #keepTrying(signal: AbortSignal, missed: boolean): Promise<void> {
    for (;;) {
      try {
        await this.#run(signal, missed);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#options.log.warn({ err: error }, 'Could not ask after those whose presence is wanted; trying again');
        await sleep(RETRY_AFTER, undefined, { signal, ref: false });
      }
    }
  }

  async #run(signal: AbortSignal, missed: boolean): Promise<void> {
    const { pipeline, process, others, log } = this.#options;
    for (;;) {
      const claim = await pipeline.perform(claimProbing(process, this.#options.clock.now()));
      signal.throwIfAborted();
      if (claim === 'joined' && !missed) return;
      if (claim === 'go') break;
      await sleep(RETRY_AFTER, undefined, { signal, ref: false });
    }
    // While others hear what the server tells, what is known stays so.
    if (missed || others() === 0) {
      for await (const users of this.#pages()) {
        signal.throwIfAborted();
        await pipeline.perform(forgetPresence(users));
      }
    }
    const seen = new Set<string>();
    const probed: Probed[] = [];
    for await (const users of this.#pages()) {
      signal.throwIfAborted();
      await pipeline.perform(renewProbing(process));
      for (const user of users) {
        // A scan may give one twice.
        if (seen.has(user) || user === this.#options.addresses.componentDomain) continue;
        seen.add(user);
        signal.throwIfAborted();
        const subscribers = await pipeline.perform(beginProbe(user));
        signal.throwIfAborted();
        await this.#options.writer.write(this.#probes(user, subscribers), signal);
        if (subscribers.length > 0) probed.push({ user, at: this.#options.clock.now(), again: false });
        await this.#judge(probed, signal, false);
      }
    }
    await this.#judge(probed, signal, true);
    await pipeline.perform(releaseProbing(process));
    if (seen.size > 0) log.info({ users: seen.size }, 'Has asked after all whose presence is wanted');
  }

  async *#pages(): AsyncGenerator<string[]> {
    let cursor = '0';
    do {
      const { next, users } = await this.#options.stored.contacts(cursor);
      if (users.length > 0) yield users;
      cursor = next;
    } while (cursor !== '0');
  }

  *#probes(user: string, subscribers: readonly string[]): Generator<string> {
    const { ids, counts, sessions, clock } = this.#options;
    for (const subscriber of subscribers) {
      const from = this.#outerOf(subscriber);
      counts.presenceProbes += 1;
      sessions.asked(user, from, clock.now());
      yield presenceStanza({ type: 'probe', from, to: user, id: ids.next() });
    }
  }

  /** Judges those whose time is over, or waits for the time of all. */
  async #judge(probed: Probed[], signal: AbortSignal, all: boolean): Promise<void> {
    const { pipeline, sessions, probeTimeout, process, others } = this.#options;
    for (let first = probed[0]; first !== undefined; first = probed[0]) {
      const left = first.at + probeTimeout - this.#options.clock.now();
      if (left > 0 && !all) return;
      if (left > 0) {
        await pipeline.perform(renewProbing(process));
        await sleep(left, undefined, { signal, ref: false });
      }
      probed.shift();
      const { user, again } = first;
      // With several links the answer may have gone to one that is about to be found broken.
      const final = again || others() === 0;
      const unheard = await pipeline.perform(endUnheardSessions(user, this.#options.clock.now(), final));
      signal.throwIfAborted();
      if (final) sessions.endedUnannounced(user, unheard);
      else if (unheard.length > 0) {
        const [subscriber] = await pipeline.perform(subscribersOf(user));
        signal.throwIfAborted();
        if (subscriber === undefined) continue;
        await this.#options.writer.write(this.#probes(user, [subscriber]), signal);
        probed.push({ user, at: this.#options.clock.now(), again: true });
      }
    }
  }

  /** Who asks in a subscriber's name. */
  #outerOf(subscriber: string): string {
    return this.#options.addresses.outerOf(subscriber);
  }
}
