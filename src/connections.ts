import { Redis, type RedisOptions } from 'ioredis';

/** Longest pause between tries to reach Redis, ms. */
const MAX_PAUSE = 1000;

const common = {
  retryStrategy: (tries: number) => Math.min(tries * 50, MAX_PAUSE),
  // Commands whose fate is unknown are ours to repeat: what we repeat is written so that it may be.
  autoResendUnfulfilledCommands: false,
  lazyConnect: true,
} satisfies RedisOptions;

export interface Connections {
  /** For the ledger: fails fast, since work waits in the pipeline and not here. */
  readonly ledger: Redis;
  /** For adding jobs: gives up soon, since a sweep makes up for a job that could not be added. */
  readonly jobs: Redis;
  /** For workers, which BullMQ wants to wait for ever. */
  readonly workers: Redis;
  close(): Promise<void>;
}

/** Opens the connections to Redis; each reconnects by itself for as long as the process lives. */
export function connect(url: string, onProblem: (error: Error) => void): Connections {
  const ledger = new Redis(url, {
    ...common,
    commandTimeout: 2000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
  });
  const jobs = new Redis(url, { ...common, commandTimeout: 2000, maxRetriesPerRequest: 1 });
  // With neither a limit nor a resend, ioredis forgets what was under way when the connection broke: such a command never
  // settles, and the worker that waits for it never works again. BullMQ's scripts may be repeated.
  const workers = new Redis(url, { ...common, autoResendUnfulfilledCommands: true, maxRetriesPerRequest: null });
  const all = [ledger, jobs, workers];
  for (const connection of all) {
    connection.on('error', onProblem);
    // The outcome is told by events; a rejection here would be the same told again.
    connection.connect().catch(() => {});
  }
  return {
    ledger,
    jobs,
    workers,
    close: async () => {
      for (const connection of all) connection.disconnect();
    },
  };
}

/** Resolves with whether the connection is usable within `ms`. */
export function usable(connection: Redis, ms: number): Promise<boolean> {
  if (connection.status === 'ready') return Promise.resolve(true);
  return new Promise((resolve) => {
    const done = (ready: boolean) => () => {
      clearTimeout(timer);
      connection.off('ready', onReady);
      resolve(ready);
    };
    const onReady = done(true);
    const timer = setTimeout(done(false), ms);
    connection.once('ready', onReady);
  });
}
