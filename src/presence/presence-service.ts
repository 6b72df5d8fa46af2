import { setTimeout as sleep } from 'node:timers/promises';
import type { Element } from '@xmpp/xml';
import type { Address, AddressPolicy, Route } from '../addressing/address-policy.ts';
import type { Clock } from '../store/contract.ts';
import type { IdSource } from '../xmpp/stanza/ids.ts';
import type { Refuser } from '../xmpp/stanza/request-error.ts';
import { ComponentContact } from './component-contact.ts';
import { announceDeparture } from './departure.ts';
import { DirectedUnavailable } from './directed-unavailable.ts';
import { KeptRequests } from './kept-requests.ts';
import { PacedWriter } from './paced-writer.ts';
import type {
  OperationQueue,
  PresenceCounts,
  PresenceLog,
  PresenceStore,
  ReceiptsOf,
  SessionObserver,
  StanzaSink,
} from './ports.ts';
import { PresenceRelay } from './presence-relay.ts';
import { ProcessHeartbeat } from './process-heartbeat.ts';
import { ReportedSessions } from './reported-sessions.ts';
import { Resync } from './resync.ts';
import { SessionTracker } from './session-tracker.ts';
import { SubscriptionRelay } from './subscription-relay.ts';
import { DEFAULT_TIMING, type PresenceTiming } from './timing.ts';

const RETRY_AFTER = 1000;

export interface PresenceServiceOptions {
  readonly link: StanzaSink;
  readonly pipeline: OperationQueue;
  readonly stored: PresenceStore;
  readonly addresses: AddressPolicy;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly refuser: Refuser;
  readonly maxStanzaBytes: number;
  readonly counts: PresenceCounts;
  readonly observer?: SessionObserver | undefined;
  readonly receiptsOf?: ReceiptsOf | undefined;
  /** Whether users' servers are asked for their presence; not where a gate reports all sessions. */
  readonly probes?: boolean | undefined;
  readonly timing?: Partial<PresenceTiming> | undefined;
  readonly log: PresenceLog;
}

/** Presence, put together: stanzas in and out, and what follows from the link's and Redis' going and coming back. */
export class PresenceService {
  /** Sessions of which a gate tells. */
  readonly reported: ReportedSessions;
  readonly #options: PresenceServiceOptions;
  readonly #timing: PresenceTiming;
  readonly #heartbeat: ProcessHeartbeat;
  readonly #own: ComponentContact;
  readonly #relay: PresenceRelay;
  /** Requests for subscriptions that Redis did not take. */
  readonly #kept = new KeptRequests();
  readonly #directed: DirectedUnavailable;
  readonly #sessions: SessionTracker;
  readonly #resync: Resync;
  readonly #writer: PacedWriter;
  /** Undefined while the link is down. */
  #online: AbortController | undefined;
  #unusable: NodeJS.Timeout | undefined;
  /** Presence was relayed that Redis does not know of. */
  #missed = false;

  constructor(options: PresenceServiceOptions) {
    this.#options = options;
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    const { perSecond, probeTimeout, broadcast } = this.#timing;
    this.#heartbeat = new ProcessHeartbeat({ ...options, onBeat: (beat) => this.#afterBeat(beat.subscribers) });
    const sessions = new SessionTracker({ ...options, others: () => this.others });
    this.#sessions = sessions;
    this.reported = new ReportedSessions({ ...options, sessions });
    const shared = { sessions, kept: this.#kept };
    this.#own = new ComponentContact({ ...options, ...shared, domain: options.addresses.componentDomain });
    const onMissed = () => {
      this.#missed = true;
    };
    this.#directed = new DirectedUnavailable({ ...options, sessions, broadcast, probeTimeout });
    const subscriptions = new SubscriptionRelay({ ...options, ...shared });
    const parts = { sessions, subscriptions, own: this.#own, directed: this.#directed };
    this.#relay = new PresenceRelay({ ...options, ...parts, onMissed });
    this.#writer = new PacedWriter(options.link, perSecond);
    this.#resync = new Resync({
      ...options,
      sessions,
      process: this.#heartbeat.process,
      others: () => this.others,
      writer: this.#writer,
      probeTimeout,
    });
  }

  /** Takes presence from a user to another, or to the component. */
  take(route: Route, element: Element): void {
    this.#relay.take(route, element);
  }

  /** A served user's server says that he removed this contact, a proxied address or the component's domain. */
  contactRemoved(from: Address, to: Address): void {
    this.#relay.contactRemoved(from, to);
  }

  /** Asks a user's server which of his sessions are there; those that it does not name have ended. */
  probeUser(user: string): void {
    const signal = this.#online?.signal;
    if (signal === undefined || this.#options.probes === false) return;
    this.#resync.probeUser(user, signal).catch(() => {});
  }

  /** How many other processes serve the domain, as far as is known. */
  get others(): number {
    return this.#heartbeat.others;
  }

  /** The link is up. */
  online(): void {
    this.#online?.abort();
    const online = new AbortController();
    this.#online = online;
    this.#begin(online.signal).catch((error) => {
      if (!online.signal.aborted) this.#options.log.warn({ err: error }, 'Presence could not be taken up again');
    });
  }

  /** The link is down. */
  offline(): void {
    this.#leave();
    this.#heartbeat.leave();
  }

  /** Redis begins to fail, or works again. */
  redis(failing: boolean): void {
    clearTimeout(this.#unusable);
    if (this.#online === undefined) return;
    const { signal } = this.#online;
    this.#heartbeat.start(failing ? Math.min(1000, this.#timing.heartbeat) : this.#timing.heartbeat);
    if (failing) {
      this.#unusable = setTimeout(() => this.#show(false, signal), this.#timing.unusableAfter).unref();
      return;
    }
    if (!this.#own.usable) this.#show(true, signal);
    this.#makeUpForMissed();
  }

  /** Redis has lost its data, or holds others: our subscribers are asked again, and who of them is there. */
  ledgerLost(): void {
    const signal = this.#online?.signal;
    if (signal === undefined) return;
    this.#own.load().catch(() => {});
    this.reported.forget();
    this.#askAll(true);
  }

  /**
   * The process is about to end, its link still up: unless another serves the domain, everybody who saw somebody through
   * it is shown him as unavailable. Rejects when Redis does not answer.
   */
  async stop(): Promise<void> {
    const wasOnline = this.#online !== undefined;
    this.#leave();
    if (!wasOnline) return;
    this.#kept.giveUp();
    if ((await this.#heartbeat.leaveAndCountOthers()) > 0) return;
    this.#relay.closing = true;
    for (const stanza of this.#own.become(false)) this.#options.link.send(stanza);
    await announceDeparture({ ...this.#options, sessions: this.#sessions });
  }

  /** Asks nobody any more on its own account. */
  close(): void {
    this.#directed.close();
  }

  async #begin(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.#heartbeat.beat();
        await this.#own.load();
        break;
      } catch {
        // Redis is away.
        await sleep(RETRY_AFTER, undefined, { signal, ref: false });
      }
    }
    signal.throwIfAborted();
    this.#heartbeat.start(this.#timing.heartbeat);
    this.#askAll(this.#missed);
    this.#missed = false;
    // Where others serve the domain it was available all the time.
    const news = [...this.#own.become(true)];
    if (this.others === 0) await this.#writer.write(news, signal);
  }

  async #afterBeat(subscribers: number): Promise<void> {
    this.#makeUpForMissed();
    // Another process has accepted a subscription.
    if (subscribers !== this.#own.size) await this.#own.load();
  }

  #askAll(missed: boolean): void {
    if (this.#options.probes !== false) this.#resync.begin(missed);
  }

  #makeUpForMissed(): void {
    if (this.#missed) this.#askAll(true);
    this.#missed = false;
    this.#kept.makeAgain();
  }

  #leave(): void {
    this.#online?.abort();
    this.#online = undefined;
    this.#resync.cancel();
    this.#heartbeat.stop();
    clearTimeout(this.#unusable);
  }

  #show(usable: boolean, signal: AbortSignal): void {
    this.#writer.write(this.#own.become(usable), signal).catch(() => {});
  }
}
