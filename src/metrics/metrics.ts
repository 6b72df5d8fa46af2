import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client';
import { DEFINITIONS, type Definition, type MetricName, PREFIX } from './definitions.ts';
import { TimeHistogram } from './histogram.ts';

interface Counted {
  readonly name: MetricName;
  readonly labels?: Record<string, string>;
}

/** Where each plain count goes. */
const COUNTED = {
  accepted: { name: 'accepted_total' },
  duplicates: { name: 'duplicates_total' },
  handedOver: { name: 'handed_over_total' },
  delivered: { name: 'delivered_total' },
  lateReceipts: { name: 'late_receipts_total' },
  repeatedReceipts: { name: 'repeated_receipts_total' },
  unmatchedReceipts: { name: 'unmatched_receipts_total' },
  redelivered: { name: 'redelivered_total' },
  expired: { name: 'expired_total' },
  unconfirmed: { name: 'unconfirmed_total' },
  rejected: { name: 'rejected_total' },
  bouncesTemporary: { name: 'bounces_total', labels: { kind: 'temporary' } },
  bouncesPermanent: { name: 'bounces_total', labels: { kind: 'permanent' } },
  evidenceSessionEnded: { name: 'evidence_total', labels: { kind: 'session-ended' } },
  evidenceSessionSilent: { name: 'evidence_total', labels: { kind: 'session-silent' } },
  evidenceBounced: { name: 'evidence_total', labels: { kind: 'bounced' } },
  evidenceNotStored: { name: 'evidence_total', labels: { kind: 'not-stored' } },
  evidenceGap: { name: 'evidence_total', labels: { kind: 'gap' } },
  provedByMarker: { name: 'proved_total', labels: { by: 'marker' } },
  provedByReply: { name: 'proved_total', labels: { by: 'reply' } },
  provedByReaction: { name: 'proved_total', labels: { by: 'reaction' } },
  passedThrough: { name: 'passed_through_total' },
  dropped: { name: 'dropped_total' },
  queries: { name: 'queries_total' },
  queriesAnswered: { name: 'queries_answered_total' },
  queriesTimedOut: { name: 'queries_timed_out_total' },
  repliesLate: { name: 'stray_replies_total', labels: { kind: 'late' } },
  repliesForged: { name: 'stray_replies_total', labels: { kind: 'forged' } },
  repliesUnknown: { name: 'stray_replies_total', labels: { kind: 'unknown' } },
  quarantined: { name: 'quarantined_total' },
  presencesRelayed: { name: 'presences_relayed_total' },
  presenceProbes: { name: 'presence_probes_total' },
  presenceReplies: { name: 'presence_replies_total' },
  staleSessions: { name: 'stale_sessions_total' },
  setAside: { name: 'set_aside_total' },
} as const satisfies Record<string, Counted>;

/** Plain numbers to add to; they are read when somebody looks. */
export type Counts = Record<keyof typeof COUNTED, number>;

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
}

export interface MetricsSources {
  readonly health?: () => HealthFigures;
  /** Asked each time that somebody looks; may reject, or take longer than anybody waits. */
  readonly figures?: () => Promise<Figures>;
  readonly link?: () => { readonly up: boolean; readonly reconnects: number };
  /** How long {@link figures} may take, ms; default 3000. */
  readonly timeout?: number;
}

/** The figures of one process, in Prometheus' text format. Each instance has a registry of its own. */
export class Metrics {
  readonly counts: Counts = Object.fromEntries(Object.keys(COUNTED).map((key) => [key, 0])) as Counts;
  readonly timeToStored: TimeHistogram;
  readonly timeToDelivered: TimeHistogram;
  readonly #refused = new Map<string, number>();
  readonly #overQuota = new Map<string, number>();
  readonly #registry = new Registry();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #sources: MetricsSources;

  constructor(sources: MetricsSources = {}) {
    this.#sources = sources;
    const registers = [this.#registry];
    for (const [short, definition] of Object.entries<Definition>(DEFINITIONS)) {
      const { type, help, labels = [] } = definition;
      const name = PREFIX + short;
      if (type === 'counter')
        this.#counters.set(short, new Counter({ name, help, labelNames: [...labels], registers }));
      if (type === 'gauge') this.#gauges.set(short, new Gauge({ name, help, registers }));
    }
    this.timeToStored = this.#timing('time_to_stored_seconds');
    this.timeToDelivered = this.#timing('time_to_delivered_seconds');
    collectDefaultMetrics({ register: this.#registry });
  }

  /** Of what {@link render} writes. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Counts a stanza that went back to its sender. */
  refused(condition: string): void {
    this.#refused.set(condition, (this.#refused.get(condition) ?? 0) + 1);
  }

  /** Counts a stanza whose sender had used up this share. */
  overQuota(share: string): void {
    this.#overQuota.set(share, (this.#overQuota.get(share) ?? 0) + 1);
  }

  /** Never rejects because of Redis: it says that Redis is down. */
  async render(): Promise<string> {
    const figures = await this.#figures();
    this.#copyCounts();
    this.#copyLink();
    const health = this.#sources.health?.();
    this.#set('ledger_up', this.#sources.figures && (figures && health?.ledgerUp !== false ? 1 : 0));
    this.#copyHealth(health);
    this.#set('pending', figures?.pending);
    this.#set('oldest_pending_age_seconds', figures?.oldestPendingAgeSeconds);
    this.#set('damaged', figures?.damaged);
    this.#set('undelivered', figures?.undelivered);
    this.#set('redelivery_paused', figures && (figures.paused ? 1 : 0));
    return this.#registry.metrics();
  }

  #timing(short: 'time_to_stored_seconds' | 'time_to_delivered_seconds'): TimeHistogram {
    const { help, buckets } = DEFINITIONS[short];
    const timing = new TimeHistogram(PREFIX + short, help, buckets);
    // The registry needs no more of a metric than its name and get().
    this.#registry.registerMetric(timing as unknown as Metric);
    return timing;
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
    // A counter of prom-client's cannot be set, only begun anew and added to.
    for (const counter of this.#counters.values()) counter.reset();
    for (const [key, { name, labels }] of Object.entries<Counted>(COUNTED)) {
      this.#counters.get(name)?.inc(labels ?? {}, this.counts[key as keyof Counts]);
    }
    for (const [condition, count] of this.#refused) this.#counters.get('refused_total')?.inc({ condition }, count);
    for (const [share, count] of this.#overQuota) this.#counters.get('over_share_total')?.inc({ share }, count);
  }

  #copyLink(): void {
    const link = this.#sources.link?.();
    this.#set('link_up', link && (link.up ? 1 : 0));
    if (link) this.#counters.get('reconnects_total')?.inc(link.reconnects);
  }

  #copyHealth(health: HealthFigures | undefined): void {
    this.#set('ready', health && (health.ready ? 1 : 0));
    this.#set('domain_shared', health && (health.shared ? 1 : 0));
    this.#set('queues_paused', health?.pausedQueues);
    if (health) this.#counters.get('ledger_losses_total')?.inc(health.losses);
  }

  #set(short: MetricName, value: number | undefined): void {
    const gauge = this.#gauges.get(short);
    if (value === undefined) gauge?.remove();
    else gauge?.set(value);
  }
}
