import type { Config } from '../config/config.ts';
import type { Delivery } from '../delivery/delivery.ts';
import { HealthMonitor, type HealthOptions, type HealthTiming } from '../health/health-monitor.ts';
import type { IqService } from '../iq/iq-service.ts';
import type { Queues } from '../jobs/queues.ts';
import { ConnectionMonitor } from '../store/redis/connection-monitor.ts';
import type { Connections } from '../store/redis/connections.ts';
import { Probe } from '../store/redis/probe.ts';
import { askMemory, checkSetup } from '../store/redis/server-setup.ts';
import type { Log } from '../util/log.ts';

export interface HealthMonitorOptions {
  readonly redis: Connections['ledger'];
  readonly config: Pick<Config, 'redis' | 'xmpp' | 'quotas'>;
  readonly queues: Queues;
  readonly link: HealthOptions['link'];
  readonly receipts: Delivery;
  readonly queries: IqService;
  readonly log: Log;
  readonly timing?: HealthTiming;
}

/** The watch over link, domain and Redis, put together. */
export function composeHealth(options: HealthMonitorOptions): HealthMonitor {
  const { redis, config, queues, link, receipts, queries, log, timing } = options;
  const probe = new Probe(redis, config.redis.prefix);
  const health = new HealthMonitor({
    probe,
    connection: new ConnectionMonitor(redis),
    inspect: () => checkSetup(redis, probe),
    pausedQueues: () => queues.paused(),
    memory: () => askMemory(redis),
    reserve: config.quotas.reserve,
    link,
    pipeline: () => receipts.pipeline.health,
    names: { component: config.xmpp.componentDomain, served: config.xmpp.servedDomain },
    onLoss: () => {
      receipts.forgetCached();
      queries.capabilities.forgetCached();
    },
    log,
    ...(timing !== undefined && { timing }),
  });
  redis.on('ready', () => health.reconnected());
  return health;
}
