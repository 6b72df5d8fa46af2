import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { answers, freePorts } from '../process/ports.ts';
import { startServer, type TemporaryServer } from '../process/temporary-server.ts';
import { until } from '../time/until.ts';
import { askRedis, askRedisForAll, type RedisServer, startRedis } from './redis.ts';

export const MASTER = 'receipts-primary';
export const SENTINEL_PASSWORD = 'sentinel-password';
export const REDIS_PASSWORD = 'redis-password';

/** Three Redis servers, one of them the primary, and three sentinels, all with passwords. */
export interface SentinelGroup {
  readonly redis: readonly RedisServer[];
  readonly sentinels: readonly (TemporaryServer & { readonly port: number })[];
  /** As REDIS_SENTINELS wants them. */
  readonly addresses: string;
  /** As REDIS_URL wants it: its host is nobody's. */
  readonly url: string;
  /** The server that the sentinels call the primary now. */
  primary(): Promise<RedisServer>;
  /** One command to a server, and the first line of its answer. */
  ask(server: { readonly port: number }, command: string): Promise<string>;
  /** Has another one take the primary's place while it lives on. */
  failOver(): Promise<void>;
  /** Resolves when the primary has been found, and both of the others have what it has. */
  whole(): Promise<void>;
  stop(): Promise<void>;
}

/** ms of silence after which a sentinel takes the primary for dead. */
const DOWN_AFTER = 1000;

/** Files; clients need a certificate. */
export interface SentinelTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** What Redis and sentinels are told of TLS, which they have on a port more. */
export const withTls = ({ cert, key, ca }: SentinelTls, port: number): Record<string, string> => ({
  ...{ 'tls-port': String(port), 'tls-replication': 'yes', 'tls-auth-clients': 'yes' },
  ...{ 'tls-cert-file': cert, 'tls-key-file': key, 'tls-ca-cert-file': ca },
});

export async function startSentinel(
  primaryPort: number,
  { quorum = 2, settings = {} }: { readonly quorum?: number; readonly settings?: Record<string, string> } = {},
): Promise<TemporaryServer & { readonly port: number }> {
  const [port] = (await freePorts(1)) as [number];
  const lines = [
    `port ${port}`,
    ...Object.entries(settings).map(([name, value]) => `${name} ${value}`),
    'bind 127.0.0.1',
    'loglevel notice',
    `requirepass ${SENTINEL_PASSWORD}`,
    `sentinel sentinel-pass ${SENTINEL_PASSWORD}`,
    `sentinel monitor ${MASTER} 127.0.0.1 ${primaryPort} ${quorum}`,
    `sentinel auth-pass ${MASTER} ${REDIS_PASSWORD}`,
    `sentinel down-after-milliseconds ${MASTER} ${DOWN_AFTER}`,
    `sentinel failover-timeout ${MASTER} 10000`,
  ];
  const server = await startServer({
    name: 'sentinel',
    program: 'redis-server',
    prepare: async (folder) => {
      const file = path.join(folder, 'sentinel.conf');
      await writeFile(file, `${lines.join('\n')}\n`);
      return [file, '--sentinel'];
    },
    isReady: () => answers(port, `AUTH ${SENTINEL_PASSWORD}\r\nPING\r\n`, /^\+PONG/m),
  });
  return Object.assign(server, { port });
}

type Sentinel = TemporaryServer & { readonly port: number };

export async function startSentinelGroup(): Promise<SentinelGroup> {
  const redis: RedisServer[] = [];
  const sentinels: Sentinel[] = [];
  try {
    return await watched(redis, sentinels);
  } catch (error) {
    await Promise.all([...sentinels, ...redis].map((server) => server.stop()));
    throw error;
  }
}

/** @param redis, sentinels take up what is started */
async function watched(redis: RedisServer[], sentinels: Sentinel[]): Promise<SentinelGroup> {
  const settings = {
    requirepass: REDIS_PASSWORD,
    masterauth: REDIS_PASSWORD,
    // The replicas begin with all that there is, at once.
    'repl-diskless-sync-delay': '0',
  };
  for (let count = 0; count < 3; count += 1) redis.push(await startRedis({ settings, password: REDIS_PASSWORD }));
  const [first, ...replicas] = redis as [RedisServer, ...RedisServer[]];
  const ask = (server: { readonly port: number }, command: string) => askRedis(server.port, command, REDIS_PASSWORD);
  for (const replica of replicas) await ask(replica, `REPLICAOF 127.0.0.1 ${first.port}`);
  const synced = async () => (await ask(first, 'WAIT 2 1000')) === ':2';
  await until(synced, { within: 30_000, what: 'two replicas' });
  for (let count = 0; count < 3; count += 1) sentinels.push(await startSentinel(first.port));
  const { port } = sentinels[0] as { readonly port: number };
  const askSentinel = (command: string) => askRedisForAll(port, command, SENTINEL_PASSWORD);
  const agree = async () => /^\+OK 3 /.test(await askSentinel(`SENTINEL CKQUORUM ${MASTER}`));
  await until(agree, { within: 30_000, what: 'three sentinels that know each other' });
  const primary = async () => {
    const answer = await askSentinel(`SENTINEL GET-MASTER-ADDR-BY-NAME ${MASTER}`);
    return redis.find((server) => answer.includes(`\r\n${server.port}\r\n`)) as RedisServer;
  };
  return {
    redis,
    sentinels,
    addresses: sentinels.map((sentinel) => `127.0.0.1:${sentinel.port}`).join(','),
    // A port that nothing listens on: 1 needs privileges.
    url: `redis://:${REDIS_PASSWORD}@127.0.0.1:1`,
    primary,
    ask,
    failOver: async () => {
      const before = await primary();
      // They have to know both replicas first.
      const begun = async () => (await askSentinel(`SENTINEL FAILOVER ${MASTER}`)).startsWith('+OK');
      await until(begun, { within: 30_000, what: 'a failover that can begin' });
      await until(async () => (await primary()) !== before, { within: 30_000, what: 'another primary' });
    },
    whole: async () => {
      const isWhole = async () => {
        // The one of whom a sentinel says so may be gone; it may not be one any more.
        const now = await primary();
        return (await ask(now, 'WAIT 2 1000').catch(() => '')) === ':2';
      };
      await until(isWhole, { within: 60_000, what: 'a primary with two replicas' });
    },
    stop: async () => {
      await Promise.all([...sentinels, ...redis].map((server) => server.stop()));
    },
  };
}
