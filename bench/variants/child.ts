import { Redis } from 'ioredis';

/** What a variant's process is told on its command line, as JSON. */
export interface Setting {
  /** Where the peer is. */
  readonly port: number;
  readonly redisUrl: string;
  /** The component's; the benchmark's own without it. */
  readonly secret?: string | undefined;
  readonly shards?: number | undefined;
  /** As REDIS_CLUSTER wants its nodes. */
  readonly cluster?: string | undefined;
  /** As ACTIVE_PROCESSES wants it. */
  readonly active?: string | undefined;
}

/** What it has used so far. */
export interface Usage {
  /** us */
  readonly cpu: number;
  /** Commands that its Redis clients have sent, pipelined ones and transactions' each counted. */
  readonly commands: number;
  /** Bytes of memory that it takes now. */
  readonly resident: number;
}

let commands = 0;
const { sendCommand } = Redis.prototype;
Redis.prototype.sendCommand = function counted(...args: Parameters<typeof sendCommand>) {
  commands += 1;
  return sendCommand.apply(this, args);
};

/** Runs a variant in this process, of its own so that what it uses is its own, and ends with its parent. */
export function serve(start: (setting: Setting) => Promise<void>): void {
  process.on('message', (message) => {
    if (message === 'stop') process.exit(0);
    const { user, system } = process.cpuUsage();
    process.send?.({ cpu: user + system, commands, resident: process.memoryUsage.rss() } satisfies Usage);
  });
  process.on('disconnect', () => process.exit(0));
  start(JSON.parse(process.argv[2] as string) as Setting).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}
