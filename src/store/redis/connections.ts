import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { readRedisSocket } from '../../util/redis-socket.ts';
import { ReconnectPace } from './reconnect-pace.ts';
import { redisFault } from './redis-faults.ts';
import { nodeOptionsOf, optionsOf, type RedisTarget } from './redis-target.ts';
import { SilenceWatch } from './silence-watch.ts';

/** Longest pause between tries to reach Redis, ms. */
const MAX_PAUSE = 1000;
/**
 * How long a connection may owe an answer before it is given up as half-open, ms: longer than the time limit of a command,
 * so that a Redis that is slow for a moment keeps its connections.
 */
const SILENT_FOR = 5000;
/** The same where BullMQ waits for jobs: it has Redis hold its answer for up to 10 s. */
const SILENT_WHILE_BLOCKING = 15_000;

/** How long a node of a cluster may take to say which has what, and to be connected to, ms: then another one is asked. */
const SLOTS_TIMEOUT = 1000;
const NODE_CONNECT_TIMEOUT = 2000;

const common = {
  retryStrategy: (tries: number) => Math.min(tries * 50, MAX_PAUSE),
  // Commands whose fate is unknown are ours to repeat: what we repeat is written so that it may be.
  autoResendUnfulfilledCommands: false,
  lazyConnect: true,
  // A Redis that loads its data is looked at again this often, ms; by default it is left alone for as long as it guesses.
  maxLoadingRetryTime: 1000,
  // Its end of the connection may be gone for good: then there is no good order to wait for.
  disconnectTimeout: 500,
} satisfies RedisOptions;

export interface Connections {
  /** For the ledger: fails fast, since work waits in the pipeline and not here. */
  readonly ledger: Redis | Cluster;
  /** For adding jobs: gives up soon, since a sweep makes up for a job that could not be added. */
  readonly jobs: Redis | Cluster;
  /** For workers, which BullMQ wants to wait for ever. */
  readonly workers: Redis | Cluster;
  close(): Promise<void>;
}

/** By the options of its connection, since ioredis calls the hook with nothing else; BullMQ makes copies of connections. */
const paces = new WeakMap<object, ReconnectPace>();

/** A server that is not (any more, yet) the one to write to: its address may lead to the right one by now. */
function reconnectOnError(this: unknown, error: Error): boolean {
  if (!redisFault(error).reconnect) return false;
  const key = this as object;
  const pace = paces.get(key) ?? new ReconnectPace();
  paces.set(key, pace);
  return pace.mayNow(performance.now());
}

type OwnOptions = Pick<
  RedisOptions,
  'commandTimeout' | 'socketTimeout' | 'enableOfflineQueue' | 'maxRetriesPerRequest' | 'autoResendUnfulfilledCommands'
>;
type NodeOptions = NonNullable<ClusterOptions['redisOptions']> & { replyMapping?: 'legacy' };

function open(target: RedisTarget, options: OwnOptions): Redis | Cluster {
  if (target.cluster !== undefined) return openCluster(target, target.cluster, options);
  const socket = readRedisSocket(target.url);
  const all = { ...common, reconnectOnError, ...optionsOf(target), ...options };
  return socket === undefined ? new Redis(target.url, all) : new Redis({ ...all, ...socket });
}

/**
 * A node's connection is never made again: another one takes its place, with what the cluster then says of its nodes. So a
 * connection leads to one and the same server from its beginning to its end, which shard-link.ts relies on.
 */
function openCluster(target: RedisTarget, nodes: NonNullable<RedisTarget['cluster']>, options: OwnOptions): Cluster {
  const { enableOfflineQueue = true, ...ofNodes } = options;
  return new Cluster(
    nodes.map((node) => ({ ...node })),
    {
      lazyConnect: true,
      enableOfflineQueue,
      clusterRetryStrategy: (tries) => Math.min(tries * 50, MAX_PAUSE),
      slotsRefreshTimeout: SLOTS_TIMEOUT,
      // Names stay names, as certificates have them.
      dnsLookup: (name, take) => take(null, name),
      redisOptions: {
        autoResendUnfulfilledCommands: false,
        maxLoadingRetryTime: common.maxLoadingRetryTime,
        disconnectTimeout: common.disconnectTimeout,
        connectTimeout: NODE_CONNECT_TIMEOUT,
        ...nodeOptionsOf(target),
        ...ofNodes,
      } as NodeOptions,
    },
  );
}

/**
 * BullMQ copies the workers' connection, and has a copy that nobody has connected try it once: at a Redis that is not there yet the
 * worker would have failed for as long as the process lives. A copy that connects by itself it waits for, at its end too.
 *
 * @param isLeft from when on none connects any more: of a cluster BullMQ connects one anew whose command fails, as it does when that is left
 * @returns its copies
 */
function connectsCopies(connection: Redis | Cluster, isLeft: () => boolean): ReadonlySet<Redis | Cluster> {
  const copies = new Set<Redis | Cluster>();
  const own = connection as { duplicate(...options: unknown[]): Redis | Cluster };
  const duplicate = own.duplicate.bind(connection);
  own.duplicate = (...options) => {
    const copy = duplicate(...options);
    const connect = copy.connect.bind(copy);
    copy.connect = () => (isLeft() ? Promise.reject(new Error('Redis has been left')) : connect());
    copies.add(copy);
    copy.connect().catch(() => {});
    return copy;
  };
  return copies;
}

/**
 * Of a server that it waits to connect to again, and of a cluster that has just begun to, ioredis has nothing to close and sees no end: what
 * waits for it would wait for ever, and so would BullMQ's workers, whose timers keep the process. It is left as one that was never
 * connected, which has an end. One that has ended, as BullMQ's copies have, and one that waits, it would watch for its end for half a second.
 */
function leave(connection: Redis | Cluster): void {
  if (connection.status === 'end') return;
  if (connection.status === 'reconnecting' && !('nodes' in connection)) connection.status = 'wait';
  const hasNothing = 'nodes' in connection && connection.nodes().length === 0;
  connection.disconnect();
  if (!hasNothing) return;
  connection.status = 'wait';
  connection.disconnect();
}

/**
 * Opens the connections to Redis; each reconnects by itself for as long as the process lives.
 *
 * @param slowDisk whether calls may wait for a disk that is synced once a second, one behind the other
 */
export function connect(
  target: RedisTarget,
  onProblem: (error: Error) => void,
  { slowDisk = false }: { readonly slowDisk?: boolean } = {},
): Connections {
  const ledger = open(target, {
    commandTimeout: slowDisk ? 4000 : 2000,
    // Of one server it is watched, which costs a lone message less.
    ...(target.cluster !== undefined && { socketTimeout: SILENT_FOR }),
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
  });
  const watch = 'nodes' in ledger ? undefined : new SilenceWatch(ledger, SILENT_FOR);
  const jobs = open(target, { commandTimeout: 2000, socketTimeout: SILENT_FOR, maxRetriesPerRequest: 1 });
  const workers = open(target, {
    // With neither a limit nor a resend, ioredis forgets what was under way when the connection broke: such a command never
    // settles, and the worker that waits for it never works again. BullMQ's scripts may be repeated.
    autoResendUnfulfilledCommands: true,
    maxRetriesPerRequest: null,
    socketTimeout: SILENT_WHILE_BLOCKING,
  });
  let closed = false;
  const copies = connectsCopies(workers, () => closed);
  const all = [ledger, jobs, workers];
  for (const connection of all) {
    // It reconnects by itself, but for errors in the middle of looking for Redis, after which it would stay ended.
    connection.on('end', () => {
      if (!closed) setTimeout(() => closed || connection.connect().catch(() => {}), MAX_PAUSE).unref();
    });
    connection.on('error', (error: Error) => {
      // ioredis would go on, in database 0.
      if (redisFault(error).code === 'DBINDEX') connection.disconnect(true);
      onProblem(error);
    });
    if (connection.isCluster) connection.on('node error', onProblem);
    // The outcome is told by events; a rejection here would be the same told again.
    connection.connect().catch(() => {});
  }
  return {
    ledger,
    jobs,
    workers,
    close: async () => {
      closed = true;
      watch?.stop();
      for (const connection of [...all, ...copies]) leave(connection);
    },
  };
}
