import type { Config } from '../config/config.ts';
import type { Delivery } from '../delivery/delivery.ts';
import { Health, type HealthOptions, type HealthTiming } from '../health/health.ts';
import type { Queries } from '../iq/iq-service.ts';
import type { Queues } from '../jobs/queues.ts';
import { ConnectionWatch } from '../store/redis/connection-watch.ts';
import type { Connections } from '../store/redis/connections.ts';
import { askMemory, checkRedis } from '../store/redis/health.ts';
import { Probe } from '../store/redis/probe.ts';
import type { Log } from '../util/log.ts';

export interface WatchOptions {
  readonly redis: Connections['ledger'];
  readonly config: Pick<Config, 'redis' | 'xmpp' | 'shares'>;
  readonly queues: Queues;
  readonly link: HealthOptions['link'];
  readonly receipts: Delivery;
  readonly queries: Queries;
  readonly log: Log;
  readonly timing?: HealthTiming;
}

/** The watch over link, domain and Redis, put together. */
export function openWatch(options: WatchOptions): Health {
  const { redis, config, queues, link, receipts, queries, log, timing } = options;
  const probe = new Probe(redis, config.redis.prefix);
  const health = new Health({
    probe,
    connection: new ConnectionWatch(redis),
    look: () => checkRedis(redis, probe),
    pausedQueues: () => queues.paused(),
    memory: () => askMemory(redis),
    reserve: config.shares.reserve,
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
