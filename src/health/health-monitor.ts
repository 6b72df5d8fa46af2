import type { Element } from '@xmpp/xml';
import type { StoreConnection, StoreFault, StoreProbe, StoreSetup } from '../store/contract.ts';
import { DomainMonitor, type DomainTiming } from './domain-monitor.ts';
import type { Loss } from './ledger-identity.ts';
import { assessReadiness, type LinkState, type PipelineHealth, type Readiness } from './readiness.ts';
import { REDIS_TIMING, RedisMonitor, type RedisTiming } from './redis-monitor.ts';

/** Times that tests shorten, ms. */
export interface HealthTiming {
  readonly storage?: Partial<RedisTiming>;
  readonly domain?: Partial<DomainTiming>;
}

export interface HealthOptions {
  readonly probe: StoreProbe;
  readonly connection: StoreConnection;
  /** How Redis is set up. */
  readonly inspect: () => Promise<StoreSetup>;
  readonly pausedQueues: () => Promise<string[]>;
  readonly memory?: () => Promise<number | undefined>;
  /** The part of Redis' memory that is kept free, 0 to 1. */
  readonly reserve?: number;
  readonly link: {
    send(xml: string, tag: undefined, priority: 'high'): { done: boolean };
    readonly online: boolean;
    readonly stats: Omit<LinkState, 'online'>;
  };
  readonly pipeline: () => PipelineHealth;
  readonly names: { readonly component: string; readonly served: string };
  /** What is cached of the ledger counts no more. */
  readonly onLoss: (loss: Loss) => void;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  readonly timing?: HealthTiming;
}

interface Figures {
  readonly ready: boolean;
  /** Whether Redis accepts writes. */
  readonly ledgerUp: boolean;
  /** How often the ledger was found to be lost. */
  readonly losses: number;
  /** Whether somebody else holds the domain too. */
  readonly shared: boolean;
  /** How many queues somebody has paused with the queue library's means. */
  readonly pausedQueues: number;
}

/** Watches the link, the domain and Redis, and says whether the proxy can do its work. */
export class HealthMonitor {
  readonly #options: HealthOptions;
  readonly #storage: RedisMonitor;
  readonly #domain: DomainMonitor;
  #losses = 0;

  constructor(options: HealthOptions) {
    this.#options = options;
    const { probe, connection, names, link, timing = {} } = options;
    this.#storage = new RedisMonitor({
      ...options,
      write: () => probe.write(),
      explain: (error) => connection.explain(error),
      onLoss: (loss) => {
        this.#losses += 1;
        options.onLoss(loss);
      },
      timing: timing.storage ?? {},
    });
    this.#domain = new DomainMonitor({
      ...names,
      // Before others' stanzas: while it waits it tells nothing.
      send: (xml) => link.send(xml, undefined, 'high'),
      tokens: probe,
      log: options.log,
      timing: timing.domain ?? {},
    });
  }

  /** For the metrics. */
  get figures(): Figures {
    const { ready, parts } = this.readiness;
    return {
      ready,
      ledgerUp: parts.redis.ok,
      losses: this.#losses,
      shared: this.#domain.state.conflict !== undefined,
      pausedQueues: this.#storage.state.pausedQueues.length,
    };
  }

  /** How much of Redis' `maxmemory` is used, 0 to 1, as it was last seen. */
  get memoryUsed(): number | undefined {
    return this.#storage.state.memoryUsed;
  }

  get readiness(): Readiness {
    const { link, pipeline, names, timing, reserve = 0 } = this.#options;
    return assessReadiness({
      link: { online: link.online, ...link.stats },
      domain: this.#domain.state,
      storage: this.#storage.state,
      pipeline: pipeline(),
      reserve,
      names,
      staleAfter: timing?.storage?.staleAfter ?? REDIS_TIMING.staleAfter,
      now: Date.now(),
      monotonic: performance.now(),
    });
  }

  /**
   * Looks at Redis for the first time, for up to `ms`; from then on by itself.
   *
   * @returns what must be changed before the proxy can work; what is wrong with Redis when that may pass
   */
  async begin(ms: number): Promise<{ refusals: readonly string[]; fault?: StoreFault }> {
    const { connection } = this.#options;
    await connection.usable(ms, ({ lasting }) => lasting);
    await this.#storage.check();
    this.#storage.start();
    const { fault } = this.#storage.state;
    if (fault !== undefined) return { fault, refusals: fault.lasting ? [fault.text] : [] };
    return { refusals: this.#storage.state.refusals };
  }

  /** There is a connection to Redis again, maybe to another one. */
  reconnected(): void {
    void this.#storage.check();
  }

  online(): void {
    this.#domain.online();
  }

  proved(): void {
    this.#domain.proved();
  }

  offline(): void {
    this.#domain.offline();
  }

  /** Takes an IQ stanza if it is part of the watch; gives whether it was. */
  handle(element: Element): boolean {
    return this.#domain.handle(element);
  }

  stop(): void {
    this.#storage.stop();
    this.#domain.offline();
  }
}
