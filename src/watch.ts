import type { Config } from './config.ts';
import type { Connections } from './connections.ts';
import { Health, type HealthOptions, type HealthTiming } from './health/health.ts';
import { ConnectionWatch } from './ledger/connection-watch.ts';
import { askMemory, checkRedis } from './ledger/health.ts';
import { Probe } from './ledger/probe.ts';
import type { Log } from './log.ts';
import type { Queries } from './queries/queries.ts';
import type { Queues } from './queues/queues.ts';
import type { Receipts } from './receipts/receipts.ts';

export interface WatchOptions {
  readonly redis: Connections['ledger'];
  readonly config: Pick<Config, 'redis' | 'xmpp' | 'shares'>;
  readonly queues: Queues;
  readonly link: HealthOptions['link'];
  readonly receipts: Receipts;
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
