import type { Element } from '@xmpp/xml';
import type { StoreConnection, StoreFault, StoreProbe } from '../store/contract.ts';
import { DomainMonitor } from './domain-monitor.ts';
import type { DomainTiming } from './domain-state.ts';
import type { GateState, LinkState, PipelineHealth, Readiness, SweepState } from './observations.ts';
import { assessReadiness } from './readiness.ts';
import { REDIS_TIMING, type RedisMonitor, type RedisTiming } from './redis-monitor.ts';

/** Times that tests shorten, ms. */
export interface HealthTiming {
  readonly storage?: Partial<RedisTiming>;
  readonly domain?: Partial<DomainTiming>;
  readonly sweepWithin?: number;
}

export interface HealthOptions {
  readonly probe: StoreProbe;
  readonly connection: StoreConnection;
  readonly redis: RedisMonitor;
  /** The part of Redis' memory that is kept free, 0 to 1. */
  readonly reserve?: number;
  readonly link: {
    send(xml: string, tag: undefined, priority: 'high'): { done: boolean };
    readonly online: boolean;
    readonly stats: Omit<LinkState, 'online'>;
  };
  readonly pipeline: { readonly health: PipelineHealth };
  /** How it stands with what looks for overdue messages. */
  readonly sweeps?: () => SweepState | undefined;
  /** Where users write to each other's own addresses. */
  readonly gate?: GateState | undefined;
  readonly names: { readonly component: string; readonly served: string };
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
  /** How much of its memory limit Redis uses, 0 to 1, if it has one. */
  readonly memoryUsed: number | undefined;
}

/** Watches the link, the domain and Redis, and says whether the proxy can do its work. */
export class HealthMonitor {
  readonly #options: HealthOptions;
  readonly #redis: RedisMonitor;
  readonly #domain: DomainMonitor;

  constructor(options: HealthOptions) {
    this.#options = options;
    const { probe, names, link, timing = {} } = options;
    this.#redis = options.redis;
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
      losses: this.#redis.losses,
      shared: this.#domain.state.conflict !== undefined,
      pausedQueues: this.#redis.state.pausedQueues.length,
      memoryUsed: this.#redis.state.memoryUsed,
    };
  }

  get readiness(): Readiness {
    const { link, pipeline, gate, names, timing, reserve = 0 } = this.#options;
    return assessReadiness({
      link: { online: link.online, ...link.stats },
      domain: this.#domain.state,
      storage: this.#redis.state,
      pipeline: pipeline.health,
      sweeps: this.#options.sweeps?.(),
      sweepWithin: timing?.sweepWithin,
      gate,
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
    await this.#redis.check();
    this.#redis.start();
    const { fault } = this.#redis.state;
    if (fault !== undefined) return { fault, refusals: fault.lasting ? [fault.text] : [] };
    return { refusals: this.#redis.state.refusals };
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
    this.#redis.stop();
    this.#domain.offline();
  }
}
