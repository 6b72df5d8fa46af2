import { EventEmitter } from 'node:events';
import type { Config } from '../config/config.ts';
import { Queues } from '../jobs/queues.ts';
import type { Counters } from '../metrics/counters.ts';
import { RedisQueries } from '../store/redis/administration-queries.ts';
import { type Connections, connect } from '../store/redis/connections.ts';
import { durabilityOf } from '../store/redis/durability.ts';
import { Keys } from '../store/redis/keys.ts';
import { Ledger } from '../store/redis/ledger.ts';
import { LinkLease } from '../store/redis/link-lease.ts';
import { Pipeline } from '../store/redis/pipeline.ts';
import { LedgerPreparation } from '../store/redis/preparation.ts';
import { Probe } from '../store/redis/probe.ts';
import { RestoredCopy } from '../store/redis/restored-copy.ts';
import { ShardMarks } from '../store/redis/shard-marks.ts';
import { ShardPipelines } from '../store/redis/shard-pipelines.ts';
import { DEFAULT_SHARDS, Shards } from '../store/redis/shards.ts';
import { RedisSteps } from '../store/redis/steps.ts';
import { RetryPolicy } from '../store/retry-policy.ts';
import { type Log, throttled } from '../util/log.ts';
import { composeRedisMonitoring, type RedisMonitoring } from './compose-health.ts';
import type { Tuning } from './tuning.ts';

/** All that is kept in Redis, and the ways to it. It knows of nothing above it: what happens there goes out as events. */
export interface StoreParts {
  readonly connections: Connections;
  readonly ledger: Ledger;
  readonly queries: RedisQueries;
  readonly restored: RestoredCopy;
  /** The steps of messages (TRACE_MESSAGES). */
  readonly steps: RedisSteps;
  readonly pipeline: Pipeline | ShardPipelines;
  readonly queues: Queues;
  readonly retry: RetryPolicy;
  readonly monitoring: RedisMonitoring;
  /** Where one process at a time is connected to the server. */
  readonly linkLease: LinkLease | undefined;
  /** `failing`: whether Redis has just begun, or stopped, to fail. */
  readonly events: EventEmitter<{ failing: [failing: boolean] }>;
  readonly onProblem: (error: Error) => void;
}

export function composeStore(config: Config, counters: Counters, log: Log, tuning: Tuning): StoreParts {
  const { redis, retry: settings } = config;
  const { prefix } = redis;
  const { dedupWindow, undeliveredRetention } = settings;
  const retry = new RetryPolicy(settings);
  const onProblem = throttled(log, 'Redis');
  const connections = connect(redis, onProblem, { slowDisk: config.durability === 'disk' });
  const durability = durabilityOf(connections.ledger, new Keys(prefix).durability, config.durability);
  const shards = new Shards(prefix, redis.shards ?? DEFAULT_SHARDS);
  const times = retry.storeTimes({ dedupWindow, undeliveredRetention });
  const { ledger: redisOfLedger } = connections;
  const marks = 'nodes' in redisOfLedger ? new ShardMarks(redisOfLedger, shards, times.messageTtl) : undefined;
  const probe = new Probe(redisOfLedger, prefix, durability, shards, marks);
  const restored = new RestoredCopy({ redis: connections.ledger, shards, messageTtl: times.messageTtl });
  const preparation = new LedgerPreparation({
    redis: connections.ledger,
    shards,
    isNumberSet: redis.shards !== undefined,
    times,
    probe,
    restored,
    log,
  });
  // Nothing is called before it is looked at: both are told between two connections, and ready a turn after it is so.
  for (const event of ['close', 'ready']) connections.ledger.on(event, () => preparation.reconnected());
  const ledger = new Ledger(connections.ledger, {
    prefix,
    shards,
    preparation,
    retry,
    dedupWindow,
    undeliveredRetention,
    durability,
    marks,
    ...(tuning.lease !== undefined && { lease: tuning.lease }),
  });
  const events = new EventEmitter<{ failing: [failing: boolean] }>();
  const pipelineOptions = {
    log,
    onFailing: (failing: boolean) => events.emit('failing', failing),
    onSetAside: () => {
      counters.counts.setAside += 1;
    },
    ...(tuning.pipelineTimeout !== undefined && { timeout: tuning.pipelineTimeout }),
  };
  const pipeline = connections.ledger.isCluster
    ? new ShardPipelines(ledger, shards, pipelineOptions)
    : new Pipeline(ledger, pipelineOptions);
  durability.onKept((master) => pipeline.kept((shard) => ledger.leadsTo(shard, master)));
  const { clock } = ledger;
  const queues = new Queues({ connection: connections.jobs, prefix, undeliveredRetention, onProblem, clock, log });
  const queries = new RedisQueries(connections.ledger, shards, preparation);
  const steps = new RedisSteps(connections.ledger, { keys: new Keys(prefix), kept: config.traceMessages ?? 0, clock });
  const monitoring = composeRedisMonitoring(connections.ledger, {
    config,
    queues,
    log,
    timing: tuning.health,
    durability,
    probe,
    preparation,
    restored,
  });
  const linkLease =
    config.activeProcesses === 'one'
      ? new LinkLease({ redis: connections.ledger, prefix, log, timing: tuning.linkLease })
      : undefined;
  return {
    connections,
    ledger,
    queries,
    restored,
    steps,
    pipeline,
    queues,
    retry,
    monitoring,
    linkLease,
    events,
    onProblem,
  };
}
