import type { ClusterOptions, RedisOptions } from 'ioredis';
import { TlsConnector, TlsSentinelConnector } from './tls-connector.ts';

export interface RedisTarget {
  /** `redis://`, `rediss://` or `unix://`; resolved anew for each connection, so that the address may move. */
  readonly url: string;
  /** Who tells where the primary is; then the URL gives user, password, database and whether there is TLS. */
  readonly sentinels?: {
    readonly addresses: readonly { readonly host: string; readonly port: number }[];
    readonly masterName: string;
    readonly user?: string;
    readonly password?: string;
  };
  /** Some nodes of a Redis Cluster, which tell of the others; then the URL gives user, password and whether there is TLS. */
  readonly cluster?: readonly { readonly host: string; readonly port: number }[];
  /** PEM texts, for `rediss://`. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** Longest pause after no sentinel could tell, ms. */
const MAX_SENTINEL_PAUSE = 1000;
/** How long a sentinel may take for an answer: the next one is asked then, ms. */
const SENTINEL_TIMEOUT = 2000;

type TargetOptions = Pick<
  RedisOptions,
  | 'tls'
  | 'Connector'
  | 'enableTLSForSentinelMode'
  | 'sentinelTLS'
  | 'sentinels'
  | 'name'
  | 'sentinelUsername'
  | 'sentinelPassword'
  | 'sentinelRetryStrategy'
  | 'sentinelCommandTimeout'
>;

/**
 * What ioredis is told beside the URL. With sentinels it does not use the URL's host. Pure.
 *
 * Its failover detector is not used: a switch that it hears of while it looks for the primary ends the connection for good
 * (ioredis 6.0.0). A primary that was replaced answers READONLY as soon as it knows, and the connection is made anew.
 */
export function optionsOf({ url, sentinels, tls = {} }: RedisTarget): TargetOptions {
  const isEncrypted = url.startsWith('rediss:');
  const encryption = isEncrypted ? { tls: { ...tls } } : {};
  if (sentinels === undefined) return { ...encryption, ...(isEncrypted && { Connector: TlsConnector }) };
  const { addresses, masterName, user, password } = sentinels;
  return {
    ...encryption,
    ...(isEncrypted && {
      enableTLSForSentinelMode: true,
      sentinelTLS: { ...tls },
      Connector: TlsSentinelConnector as unknown as NonNullable<RedisOptions['Connector']>,
    }),
    sentinels: addresses.map((address) => ({ ...address })),
    name: masterName,
    ...(user !== undefined && { sentinelUsername: user }),
    ...(password !== undefined && { sentinelPassword: password }),
    sentinelRetryStrategy: (tries) => Math.min(tries * 50, MAX_SENTINEL_PAUSE),
    sentinelCommandTimeout: SENTINEL_TIMEOUT,
  };
}

/** What the connections to a cluster's nodes are told: what else the URL says, its host left out. Pure. */
export function nodeOptionsOf({ url, tls = {} }: RedisTarget): NonNullable<ClusterOptions['redisOptions']> {
  const { username, password, protocol } = new URL(url);
  return {
    ...(protocol === 'rediss:' && { tls: { ...tls }, Connector: TlsConnector }),
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
  };
}
