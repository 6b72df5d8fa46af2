import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client';
import { VERSION } from '../version.ts';
import { COUNTED, type Counted, Counters, type Counts } from './counters.ts';
import { DEFINITIONS, type Definition, type MetricName, PREFIX } from './definitions.ts';

/** What Redis knows. */
export interface Figures {
  readonly pending: number;
  readonly oldestPendingAgeSeconds: number;
  readonly damaged: number;
  readonly undelivered: number;
  /** Whether further copies are kept back. */
  readonly paused: boolean;
}

/** What the process' own watch says; see `Health`. */
interface HealthFigures {
  readonly ready: boolean;
  readonly ledgerUp: boolean;
  readonly losses: number;
  readonly shared: boolean;
  readonly pausedQueues: number;
  /** A part of Redis' maxmemory, 0 to 1; undefined where it has none, or nobody tells. */
  readonly memoryUsed?: number | undefined;
}

export interface MetricsSources {
  readonly health?: () => HealthFigures;
  readonly gate?: () => { readonly up: boolean; readonly waiting: number };
  /** Asked each time that somebody looks; may reject, or take longer than anybody waits. */
  readonly figures?: () => Promise<Figures>;
  readonly link?: () => { readonly up: boolean | undefined; readonly reconnects: number };
  /** How long {@link figures} may take, ms; default 3000. */
  readonly timeout?: number;
}

/** The figures of one process, in Prometheus' text format. Each instance has a registry of its own. */
export class Metrics {
  readonly counters: Counters;
  readonly #registry = new Registry();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #sources: MetricsSources;

  constructor(sources: MetricsSources = {}, counters: Counters = new Counters()) {
    this.#sources = sources;
    this.counters = counters;
    const registers = [this.#registry];
    for (const [short, definition] of Object.entries<Definition>(DEFINITIONS)) {
      const { type, help, labels = [] } = definition;
      const name = PREFIX + short;
      if (type === 'counter')
        this.#counters.set(short, new Counter({ name, help, labelNames: [...labels], registers }));
      if (type === 'gauge') this.#gauges.set(short, new Gauge({ name, help, labelNames: [...labels], registers }));
    }
    this.#gauges.get('build_info')?.set({ version: VERSION, node: process.versions.node }, 1);
    // The registry needs no more of a metric than its name and get().
    for (const timed of [counters.timeToStored, counters.timeToDelivered]) {
      this.#registry.registerMetric(timed as unknown as Metric);
    }
    collectDefaultMetrics({ register: this.#registry });
  }

  get counts(): Counts {
    return this.counters.counts;
  }

  /** Of what {@link render} writes. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Never rejects because of Redis: it says that Redis is down. */
  async render(): Promise<string> {
    const figures = await this.#figures();
    this.#copyCounts();
    this.#copyLink();
    const health = this.#sources.health?.();
    const gate = this.#sources.gate?.();
    this.#set('gate_up', gate && (gate.up ? 1 : 0));
    this.#set('gate_waiting', gate?.waiting);
    this.#set('ledger_up', this.#sources.figures && (figures && health?.ledgerUp !== false ? 1 : 0));
    this.#copyHealth(health);
    this.#set('pending', figures?.pending);
    this.#set('oldest_pending_age_seconds', figures?.oldestPendingAgeSeconds);
    this.#set('damaged', figures?.damaged);
    this.#set('undelivered', figures?.undelivered);
    this.#set('redelivery_paused', figures && (figures.paused ? 1 : 0));
    return this.#registry.metrics();
  }

  async #figures(): Promise<Figures | undefined> {
    const { figures, timeout = 3000 } = this.#sources;
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), timeout).unref();
    });
    try {
      return await Promise.race([figures?.(), tooLate]);
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  #copyCounts(): void {
    const { counts, refusedBy, overQuotaBy } = this.counters;
    // A counter of prom-client's cannot be set, only begun anew and added to.
    for (const counter of this.#counters.values()) counter.reset();
    for (const [key, { name, labels }] of Object.entries<Counted>(COUNTED)) {
      this.#counters.get(name)?.inc(labels ?? {}, counts[key as keyof Counts]);
    }
    for (const [condition, count] of refusedBy) this.#counters.get('refused_total')?.inc({ condition }, count);
    for (const [share, count] of overQuotaBy) this.#counters.get('over_share_total')?.inc({ share }, count);
  }

  #copyLink(): void {
    const link = this.#sources.link?.();
    const up = link?.up;
    this.#set('link_up', up === undefined ? undefined : up ? 1 : 0);
    if (link) this.#counters.get('reconnects_total')?.inc(link.reconnects);
  }

  #copyHealth(health: HealthFigures | undefined): void {
    this.#set('ready', health && (health.ready ? 1 : 0));
    this.#set('domain_shared', health && (health.shared ? 1 : 0));
    this.#set('queues_paused', health?.pausedQueues);
    this.#set('redis_memory_used_ratio', health?.memoryUsed);
    if (health) this.#counters.get('ledger_losses_total')?.inc(health.losses);
  }

  #set(short: MetricName, value: number | undefined): void {
    const gauge = this.#gauges.get(short);
    if (value === undefined) gauge?.remove();
    else gauge?.set(value);
  }
}
