import type { Config } from '../config/config.ts';
import type { Console } from '../console/console.ts';
import type { StepRecorder } from '../console/step-recorder.ts';
import { Delivery } from '../delivery/delivery.ts';
import type { Sent } from '../delivery/ports.ts';
import type { Gate } from '../gate/gate.ts';
import type { HealthMonitor } from '../health/health-monitor.ts';
import { Capabilities } from '../iq/capabilities.ts';
import { IqService } from '../iq/iq-service.ts';
import { Requester } from '../iq/requester.ts';
import { ForgottenUsers } from '../jobs/forgotten-users.ts';
import { LostDueTimes } from '../jobs/lost-due-times.ts';
import { Workers } from '../jobs/workers.ts';
import { Counters } from '../metrics/counters.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { IngressQueue } from '../routing/ingress-queue.ts';
import { ReadPace } from '../routing/read-pace.ts';
import type { Log } from '../util/log.ts';
import { bothTraces, type MessageTrace, openMessageTrace } from '../util/message-trace.ts';
import { Link } from '../xmpp/connection/link.ts';
import { IdSource } from '../xmpp/stanza/ids.ts';
import { composeAdministration } from './compose-administration.ts';
import { composeConsole, composeStepRecorder } from './compose-console.ts';
import { composeAddresses, composeGate, connectGate, pingUnlessHeld } from './compose-gate.ts';
import { composeHealth } from './compose-health.ts';
import { composeMetrics } from './compose-metrics.ts';
import { composeRouter } from './compose-router.ts';
import { composeStore, type StoreParts } from './compose-store.ts';
import { composeLedgerMark } from './ledger-mark.ts';
import type { Tuning } from './tuning.ts';

/** All rooms, put together, and not started. */
export interface Rooms {
  readonly store: StoreParts;
  readonly link: Link<Sent>;
  /** Where users write to each other's own addresses. */
  readonly gate: Gate | undefined;
  readonly delivery: Delivery;
  readonly iq: IqService;
  readonly ingress: IngressQueue;
  readonly workers: Workers;
  readonly health: HealthMonitor;
  readonly metrics: Metrics;
  readonly console: Console;
  /** What keeps the steps of messages, where they are kept. */
  readonly recorder: StepRecorder | undefined;
}

/**
 * Puts the rooms together, from the lowest to the highest: each gets those that it calls, and those exist already. What a
 * lower room has to say to a higher one, it says in events: connect-events.ts has them.
 *
 * @param spans takes the steps of messages beside the log and the console
 */
export function composeRooms(config: Config, log: Log, version: string, tuning: Tuning, spans?: MessageTrace): Rooms {
  const { xmpp, ack, maxStanzaBytes } = config;
  const counters = new Counters();
  const { counts } = counters;
  const addresses = composeAddresses(config);
  const store = composeStore(config, counters, log, tuning);
  const recorder = composeStepRecorder(config, store, log);
  const kept = bothTraces(recorder?.trace, spans);
  const trace = bothTraces(openMessageTrace(log, { bodies: config.logBodies }), kept);
  const { ledger, pipeline, queues, retry, monitoring } = store;
  const link = new Link<Sent>({
    service: xmpp.service,
    ...(xmpp.tlsCa !== undefined && { tlsCa: xmpp.tlsCa }),
    domain: xmpp.componentDomain,
    secret: xmpp.componentSecret,
    serverDomain: xmpp.servedDomain,
    log,
    permit: store.linkLease,
    ...(tuning.link && { timing: tuning.link }),
  });
  store.linkLease?.whenLost(() => link.standBy());
  const held = composeGate({
    config,
    link,
    clock: ledger.clock,
    counts,
    ledger: composeLedgerMark(store),
    log,
    tuning: tuning.gate,
  });
  const { timeLimit } = tuning.queries ?? {};
  const ids = new IdSource();
  const requester = new Requester({ link, addresses, ids, ...(timeLimit !== undefined && { timeLimit }) });
  const capabilities = new Capabilities({ requester, pipeline });
  const delivery = new Delivery({
    link,
    ledger,
    pipeline,
    addresses,
    ack,
    durability: config.durability,
    retry,
    redeliveryWindow: config.retry.redeliveryWindow,
    maxStanzaBytes,
    quotas: {
      limits: config.quotas,
      seesAll: config.redis.cluster === undefined,
      memoryUsed: () => monitoring.monitor.memoryUsed,
      onRefused: (share) => counters.overQuota(share),
    },
    counts,
    jobs: queues,
    events: {
      onStored: (ms) => counters.timeToStored.observe(ms / 1000),
      onDelivered: (ms) => counters.timeToDelivered.observe(ms / 1000),
      onRefused: (condition) => counters.refused(condition),
    },
    log,
    trace,
    ping: pingUnlessHeld(held?.gate, config.gate.mode, (full) => requester.ping(full)),
    reaches: (from, to) => requester.reaches(from, to),
    batching: { request: (full, payload) => requester.notify(full, payload) },
    ...(held !== undefined && { gate: held }),
    presence: {
      ...(held !== undefined && { probes: false }),
      receiptsOf: (full, caps) => capabilities.receipts(caps, full),
      ...(tuning.presence !== undefined && { timing: tuning.presence }),
    },
  });
  if (held !== undefined) connectGate(held.gate, delivery, store, config, log);
  const iq = new IqService({
    requester,
    capabilities,
    addresses,
    pipeline,
    refuser: delivery.passthrough,
    clock: ledger.clock,
    quotas: delivery.quotas,
    link,
    counts,
    maxStanzaBytes,
    onUnmatchedReply: (from, doubtful) => delivery.pings.strayReply(from, doubtful),
    log,
    ...tuning.queries,
  });
  const health = composeHealth({
    redis: monitoring,
    link,
    gate: held?.gate,
    pipeline,
    sweeps: () => workers.sweeps,
    config,
    log,
    timing: tuning.health,
  });
  const { commands, context, userErasure } = composeAdministration({
    config,
    addresses,
    store,
    counts,
    delivery,
    health,
    recorder,
    version,
    log,
  });
  const holds = held && (() => held.gate.isReady);
  const router = composeRouter({ addresses, link, delivery, iq, ledger, commands, holds, version, log });
  const ingress = new IngressQueue({
    handle: (stanza) => router.stanza(stanza),
    backlog: () => pipeline.waiting,
    mostOfOne: config.quotas.rate === 0 ? Number.POSITIVE_INFINITY : config.quotas.burst,
    refuse: (stanza) => router.refuseForRate(stanza),
    ...(config.quotas.rate > 0 && {
      pace: new ReadPace({ rate: config.quotas.rate, rest: (ms) => link.rest(ms) }),
    }),
  });
  const workers = new Workers({
    pipeline,
    addresses,
    copies: delivery.copies,
    endings: delivery.endings,
    pings: delivery.pings,
    retry,
    connection: store.connections.workers,
    onProblem: store.onProblem,
    prefix: config.redis.prefix,
    queues,
    userErasure,
    lostDueTimes: new LostDueTimes({
      queries: store.queries,
      perform: (request) => pipeline.perform(request),
      clock: ledger.clock,
      log,
    }),
    forgottenUsers: new ForgottenUsers({
      queues,
      forget: (isForgotten) => delivery.forgetUsers(isForgotten),
      onProblem: store.onProblem,
    }),
    ledger,
    trace,
    ...(tuning.sweepEvery !== undefined && { sweepEvery: tuning.sweepEvery }),
    log,
  });
  const metrics = composeMetrics({ counters, store, link, gate: held?.gate, health });
  const console = composeConsole({ config, version, addresses, context, store, counts, link, health });
  return { store, link, gate: held?.gate, delivery, iq, ingress, workers, health, metrics, console, recorder };
}
