import type { Config } from '../config/config.ts';
import { HealthMonitor, type HealthOptions, type HealthTiming } from '../health/health-monitor.ts';
import { restoredText } from '../health/ledger-identity.ts';
import { RedisMonitor } from '../health/redis-monitor.ts';
import type { Queues } from '../jobs/queues.ts';
import { ConnectionMonitor } from '../store/redis/connection-monitor.ts';
import type { Connections } from '../store/redis/connections.ts';
import type { Durable } from '../store/redis/durability.ts';
import type { LedgerPreparation } from '../store/redis/preparation.ts';
import type { Probe } from '../store/redis/probe.ts';
import type { RestoredCopy } from '../store/redis/restored-copy.ts';
import { askMemory, checkSetup } from '../store/redis/server-setup.ts';
import type { Log } from '../util/log.ts';

/** What looks at Redis. */
export interface RedisMonitoring {
  readonly probe: Probe;
  readonly connection: ConnectionMonitor;
  readonly monitor: RedisMonitor;
}

export function composeRedisMonitoring(
  redis: Connections['ledger'],
  {
    config,
    queues,
    log,
    timing,
    durability,
    probe,
    preparation,
    restored,
  }: {
    config: Pick<Config, 'redis' | 'quotas' | 'retry'>;
    queues: Queues;
    log: Log;
    timing?: HealthTiming | undefined;
    durability: Durable;
    probe: Probe;
    preparation: Pick<LedgerPreparation, 'refusal' | 'saw'>;
    restored: Pick<RestoredCopy, 'saw' | 'state'>;
  },
): RedisMonitoring {
  const connection = new ConnectionMonitor(redis);
  const monitor = new RedisMonitor({
    write: async () => {
      const mark = await probe.write();
      preparation.saw(mark);
      await restored.saw(mark);
      return mark;
    },
    explain: (error) => connection.explain(error),
    inspect: async () => {
      const setup = await checkSetup(redis, probe, durability);
      // What may not be used as it is set up is not begun with.
      const refusal = setup.refusals.length > 0 ? undefined : await preparation.refusal();
      return refusal === undefined ? setup : { ...setup, refusals: [refusal] };
    },
    pausedQueues: () => queues.paused(),
    heldBack: async () => {
      const state = await restored.state();
      return state && restoredText(state, config.retry.messageTtl);
    },
    memory: () => askMemory(redis),
    reserve: config.quotas.reserve,
    log,
    timing: timing?.storage ?? {},
  });
  // There is a connection to Redis again, maybe to another one.
  redis.on('ready', () => void monitor.check());
  return { probe, connection, monitor };
}

export interface HealthParts {
  readonly redis: RedisMonitoring;
  readonly link: HealthOptions['link'];
  readonly gate?: HealthOptions['gate'];
  readonly pipeline: HealthOptions['pipeline'];
  readonly sweeps: NonNullable<HealthOptions['sweeps']>;
  readonly config: Pick<Config, 'xmpp' | 'quotas'>;
  readonly log: Log;
  readonly timing?: HealthTiming | undefined;
}

/** What says whether the proxy can do its work: from the link, its domain, Redis and the way to it. */
export function composeHealth({
  redis,
  link,
  gate,
  pipeline,
  sweeps,
  config,
  log,
  timing,
}: HealthParts): HealthMonitor {
  return new HealthMonitor({
    probe: redis.probe,
    connection: redis.connection,
    redis: redis.monitor,
    reserve: config.quotas.reserve,
    link,
    gate,
    pipeline,
    sweeps,
    names: { component: config.xmpp.componentDomain, served: config.xmpp.servedDomain },
    log,
    ...(timing !== undefined && { timing }),
  });
}
