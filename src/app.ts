import { readFileSync } from 'node:fs';
import { SubdomainPolicy } from './addressing/subdomain-policy.ts';
import { type Administration, composeAdministration } from './app/compose-administration.ts';
import { composeHealth } from './app/compose-health.ts';
import { composeRouter } from './app/compose-router.ts';
import { RedisRefusedError } from './app/start-errors.ts';
import type { Config } from './config/config.ts';
import { Delivery } from './delivery/delivery.ts';
import type { Sent } from './delivery/ports.ts';
import type { HealthMonitor, HealthTiming } from './health/health-monitor.ts';
import { isResponsive, type Readiness } from './health/readiness.ts';
import { type HttpServer, startHttp } from './http/server.ts';
import { IqService, type IqTiming } from './iq/iq-service.ts';
import { Queues } from './jobs/queues.ts';
import { Workers } from './jobs/workers.ts';
import { type Figures, Metrics } from './metrics/metrics.ts';
import type { PresenceTiming } from './presence/presence-service.ts';
import { IngressQueue } from './routing/ingress-queue.ts';
import { type Connections, connect } from './store/redis/connections.ts';
import { Ledger } from './store/redis/ledger.ts';
import { Pipeline } from './store/redis/pipeline.ts';
import { RetryPolicy } from './store/retry-policy.ts';
import { type Log, throttled } from './util/log.ts';
import { openMessageTrace } from './util/message-trace.ts';
import { waitAtMost } from './util/timeout.ts';
import { Link, type LinkTiming } from './xmpp/connection/link.ts';

/** Times (ms) that tests shorten; everything that an operator may set is in the configuration. */
export interface Tuning {
  readonly link?: Partial<LinkTiming>;
  readonly lease?: number;
  readonly sweepEvery?: number;
  readonly pipelineTimeout?: number;
  readonly presence?: Partial<PresenceTiming>;
  readonly queries?: IqTiming;
  readonly health?: HealthTiming;
}

const REDIS_AT_START = 5000;

const { version: VERSION } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** The whole proxy: its rooms, put together. */
export class ReceiptsProxy {
  readonly #config: Config;
  readonly #log: Log;
  readonly #connections: Connections;
  readonly #ledger: Ledger;
  readonly #pipeline: Pipeline;
  readonly #administration: Administration;
  readonly #receipts: Delivery;
  readonly #queries: IqService;
  readonly #ingress: IngressQueue;
  readonly #queues: Queues;
  readonly #workers: Workers;
  readonly #health: HealthMonitor;
  readonly metrics: Metrics;
  readonly link: Link<Sent>;
  #http: HttpServer | undefined;
  #stopping: Promise<void> | undefined;

  constructor(config: Config, log: Log, tuning: Tuning = {}) {
    this.#config = config;
    this.#log = log;
    const { xmpp, redis, ack, retry } = config;
    const policy = new RetryPolicy(retry);
    const onProblem = throttled(log, 'Redis');
    this.#connections = connect({ url: redis.url }, onProblem);
    this.#ledger = new Ledger(this.#connections.ledger, {
      prefix: redis.prefix,
      retry: policy,
      dedupWindow: retry.dedupWindow,
      undeliveredRetention: retry.undeliveredRetention,
      ...(tuning.lease !== undefined && { lease: tuning.lease }),
    });
    this.#queues = new Queues({
      connection: this.#connections.jobs,
      prefix: redis.prefix,
      undeliveredRetention: retry.undeliveredRetention,
      onProblem,
      clock: this.#ledger.clock,
      log,
    });
    this.metrics = new Metrics({
      figures: () => this.#figures(),
      link: () => this.#linkFigures(),
      health: () => this.#health.figures,
    });
    const { metrics } = this;
    const trace = openMessageTrace(log, { bodies: config.logBodies });
    this.link = new Link<Sent>({
      service: xmpp.service,
      ...(xmpp.tlsCa !== undefined && { tlsCa: xmpp.tlsCa }),
      domain: xmpp.componentDomain,
      secret: xmpp.componentSecret,
      serverDomain: xmpp.servedDomain,
      log,
      resume: (held) => this.#receipts.outbox.resume(held),
      ...(tuning.link && { timing: tuning.link }),
    });
    const addresses = new SubdomainPolicy({ ...xmpp, ackFrom: ack.from });
    this.#administration = composeAdministration({
      config: xmpp,
      addresses,
      redis: this.#connections.ledger,
      ledger: this.#ledger,
      queues: this.#queues,
      metrics,
      receipts: () => this.#receipts,
      problems: async () => [this.readiness.parts.redis.problem ?? []].flat(),
      version: VERSION,
      log,
    });
    this.#pipeline = new Pipeline(this.#ledger, {
      log,
      onFailing: (failing) => this.#receipts.presence.redis(failing),
      onSetAside: () => {
        metrics.counts.setAside += 1;
      },
      ...(tuning.pipelineTimeout !== undefined && { timeout: tuning.pipelineTimeout }),
    });
    this.#receipts = new Delivery({
      link: this.link,
      ledger: this.#ledger,
      pipeline: this.#pipeline,
      addresses,
      ack,
      retry: policy,
      redeliveryWindow: retry.redeliveryWindow,
      maxStanzaBytes: config.maxStanzaBytes,
      quotas: {
        limits: config.quotas,
        memoryUsed: () => this.#health.memoryUsed,
        onRefused: (share) => metrics.overQuota(share),
      },
      counts: metrics.counts,
      jobs: this.#queues,
      events: {
        onStored: (ms) => metrics.timeToStored.observe(ms / 1000),
        onDelivered: (ms) => metrics.timeToDelivered.observe(ms / 1000),
        onRefused: (condition) => metrics.refused(condition),
      },
      log,
      trace,
      ping: (full) => this.#queries.requester.ping(full),
      reaches: (from, to) => this.#queries.requester.reaches(from, to),
      batching: { request: (full, payload) => this.#queries.requester.notify(full, payload) },
      presence: {
        receiptsOf: (full, caps) => this.#queries.capabilities.receipts(caps, full),
        ...(tuning.presence !== undefined && { timing: tuning.presence }),
      },
    });
    this.#queries = new IqService({
      addresses,
      pipeline: this.#receipts.pipeline,
      refuser: this.#receipts.passthrough,
      clock: this.#receipts.clock,
      quotas: this.#receipts.quotas,
      link: this.link,
      counts: metrics.counts,
      maxStanzaBytes: config.maxStanzaBytes,
      onUnmatchedReply: (from, doubtful) => this.#receipts.pings.strayReply(from, doubtful),
      log,
      ...tuning.queries,
    });
    this.#workers = new Workers({
      pipeline: this.#pipeline,
      outbox: this.#receipts.outbox,
      endings: this.#receipts.endings,
      pings: this.#receipts.pings,
      retry: policy,
      connection: this.#connections.workers,
      onProblem,
      prefix: redis.prefix,
      queues: this.#queues,
      forgetting: this.#administration.forgetting,
      ledger: this.#ledger,
      trace,
      ...(tuning.sweepEvery !== undefined && { sweepEvery: tuning.sweepEvery }),
      log,
    });
    this.#health = composeHealth({
      redis: this.#connections.ledger,
      config,
      queues: this.#queues,
      link: this.link,
      receipts: this.#receipts,
      queries: this.#queries,
      log,
      ...(tuning.health !== undefined && { timing: tuning.health }),
    });
    const pipeline = this.#pipeline;
    const router = composeRouter({
      addresses,
      link: this.link,
      delivery: this.#receipts,
      iq: this.#queries,
      ledger: this.#ledger,
      commands: this.#administration.commands,
      version: VERSION,
      log,
    });
    this.#ingress = new IngressQueue({
      handle: (stanza) => router.stanza(stanza),
      backlog: () => pipeline.waiting,
      mostOfOne: config.quotas.rate === 0 ? Number.POSITIVE_INFINITY : Math.ceil(config.quotas.burst / 5),
      refuse: (stanza) => router.refuseForRate(stanza),
    });
    pipeline.whenRoom(() => this.#ingress.pump());
    this.#listen();
  }

  /**
   * Resolves when the link is up for the first time, or it was told to stop before anything was begun.
   *
   * @throws {RedisRefusedError} when Redis may throw messages away
   * @throws {ListenError} when the dashboard's address cannot be had
   * @throws {LinkAuthError} when the server refuses the secret
   * @throws {UnsupportedLibraryError} when @xmpp/component is of a version that cannot be used
   * @throws {LinkProblem} when it is stopped before the link is up
   */
  async start(): Promise<void> {
    await this.#checkRedis();
    if (this.#stopping !== undefined) return;
    this.#http = await startHttp({
      config: this.#config.http,
      queues: [...this.#queues.shown],
      metrics: this.metrics,
      readiness: () => this.readiness,
      log: this.#log,
    });
    await this.link.start();
  }

  /** Where the dashboard is; undefined before the start. */
  get url(): string | undefined {
    return this.#http?.url;
  }

  /** Whether the proxy can do its work, and what keeps it from that. */
  get readiness(): Readiness {
    return this.#health.readiness;
  }

  /** What keeps the proxy from its work, in plain words; empty when it is ready. */
  async problems(): Promise<readonly string[]> {
    return this.readiness.problems;
  }

  /** Finishes what is in hand, closes the stream and everything else, within about `timeout` ms. Idempotent. */
  stop(timeout: number = this.#config.shutdownTimeout): Promise<void> {
    this.#stopping ??= this.#stop(timeout);
    return this.#stopping;
  }

  async #stop(timeout: number): Promise<void> {
    const end = Date.now() + timeout;
    const left = () => Math.max(10, end - Date.now());
    this.#health.stop();
    await waitAtMost(left(), this.#workers.pause());
    this.#receipts.close();
    await waitAtMost(left() / 4, this.#receipts.presence.stop());
    this.#queries.stop();
    this.#ingress.release();
    // Never empty while stanzas keep coming: the link needs its share, to have what was sent proved.
    await waitAtMost(left() / 4, this.#pipeline.drained());
    // What arrives from here on is stored, and sent by whoever sweeps next; nothing of it is acknowledged.
    await this.link.stop(left());
    await waitAtMost(left(), this.#pipeline.drained());
    await waitAtMost(left(), this.#workers.close());
    await waitAtMost(left(), this.#queues.close());
    await waitAtMost(left(), this.#http?.close() ?? Promise.resolve());
    this.#pipeline.close();
    await this.#connections.close();
  }

  #listen(): void {
    const heads = this.#log.isLevelEnabled('trace');
    this.link.on('stanza', (element) => {
      if (heads) {
        const { id, from, to, type } = element.attrs;
        const content = this.#config.logBodies ? { content: element.toString() } : undefined;
        this.#log.trace({ stanza: element.name, id, from, to, type, ...content }, 'Stanza received');
      }
      if (element.name !== 'iq' || !this.#health.handle(element)) this.#ingress.take(element);
    });
    this.link.on('handedOver', (batch) => this.#receipts.outbox.handedOver(batch));
    this.link.on('proved', () => this.#health.proved());
    this.link.on('online', () => {
      this.#health.online();
      this.#receipts.presence.online();
      this.#workers.resume();
    });
    this.link.on('offline', () => {
      this.#health.offline();
      this.#receipts.presence.offline();
      this.#receipts.pings.offline();
      void this.#workers.pause();
    });
    this.link.on('quarantined', (held) => void this.#receipts.unsendable.take(held));
    this.link.on('oversized', ({ name, attrs }) => {
      // Its id may be what is too large, and an answer that repeats it would be so as well.
      const named = (attrs.id ?? '').length > 1000 ? { ...attrs, id: '' } : attrs;
      this.#receipts.passthrough.refuse(
        { name, attrs: named, inner: '' },
        { condition: 'policy-violation', text: 'Too large' },
      );
    });
  }

  async #checkRedis(): Promise<void> {
    const { refusals, fault } = await this.#health.begin(REDIS_AT_START);
    if (refusals.length > 0) throw new RedisRefusedError(refusals);
    if (fault !== undefined) {
      this.#log.error({ code: fault.code }, `${fault.text}. No message is acknowledged until then`);
      return;
    }
    const paused = await this.#administration.queries.paused().catch(() => undefined);
    if (paused !== undefined) this.#log.warn({ by: paused.by, since: new Date(paused.since) }, 'Redelivery is paused');
  }

  async #figures(): Promise<Figures> {
    const [figures, undelivered, paused] = await Promise.all([
      this.#ledger.figures(),
      this.#queues.undelivered.getFailedCount(),
      this.#administration.queries.paused(),
    ]);
    return { ...figures, undelivered, paused: paused !== undefined };
  }

  #linkFigures(): { up: boolean; reconnects: number } {
    const { online, stats } = this.link;
    return { up: isResponsive({ online, ...stats }), reconnects: stats.reconnects };
  }
}
