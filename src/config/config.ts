import type { Durability } from '../../packages/protocol/elements.ts';
import { conflicts, isSet, misspelt, shown } from './conflicts.ts';
import { ConfigError, type Environment } from './environment.ts';
import type { LOG_LEVELS } from './process-settings.ts';
import type { Setting } from './setting.ts';
import { NAMES, SETTINGS, type Values } from './settings.ts';

/** All times in milliseconds. docs/configuration.md says what each part does. */
export interface Config {
  readonly xmpp: {
    /** `xmpp://host:port` or `xmpps://host:port`; the port is always there. */
    readonly service: string;
    /** PEM text. */
    readonly tlsCa?: string;
    readonly componentDomain: string;
    readonly componentSecret: string;
    readonly servedDomain: string;
    /** Other servers' domains whose users are served as well. */
    readonly allowedDomains: readonly string[];
    /** Bare JIDs of users of the served domain. */
    readonly admins: readonly string[];
  };
  /** How users write to each other; times in ms. */
  readonly gate: {
    readonly mode: 'subdomain' | 'transparent' | 'both';
    readonly proofCounts: 'redelivery' | 'receipt';
    readonly proofGrace: number;
  };
  readonly redis: {
    readonly url: string;
    readonly prefix: string;
    /** Of the ledger: fixed by its first start. */
    /** Undefined: as many as the ledger has, or the usual number for a new one. */
    readonly shards?: number;
    readonly sentinels?: {
      readonly addresses: readonly { readonly host: string; readonly port: number }[];
      readonly masterName: string;
      readonly user?: string;
      readonly password?: string;
    };
    /** Some of the nodes. */
    readonly cluster?: readonly { readonly host: string; readonly port: number }[];
    /** PEM texts. */
    readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  };
  /** What an acknowledgement says of Redis. */
  readonly durability: Durability;
  readonly ack: { readonly format: 'receipt' | 'stored' | 'none'; readonly from: 'component' | 'recipient' };
  readonly retry: {
    readonly schedule: readonly number[];
    readonly messageTtl: number;
    readonly dedupWindow: number;
    readonly undeliveredRetention: number;
    readonly unconfirmedRetries: number;
    readonly unconfirmedRetryAfter: number;
    readonly receiptGap: number;
    readonly redeliveryWindow: number;
  };
  readonly maxStanzaBytes: number;
  /** What one sender may take; 0 is no limit. */
  readonly quotas: {
    readonly rate: number;
    readonly burst: number;
    readonly messages: number;
    readonly bytes: number;
    readonly toOne: number;
    readonly domainShares: number;
    /** 0 to 1. */
    readonly reserve: number;
  };
  readonly http: { readonly host: string; readonly port: number; readonly user: string; readonly password?: string };
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Whether the log may show what users write. */
  readonly logBodies: boolean;
  /** How many processes of a domain are connected to the server at a time. */
  readonly activeProcesses: 'all' | 'one';
  /** For how long the steps of messages are kept, ms; undefined where they are not. */
  readonly traceMessages?: number;
  /** Whether messages are exported as spans, and what stands in them for JIDs. */
  readonly traceSpans: 'off' | 'digests' | 'addresses';
  readonly shutdownTimeout: number;
}

/** Reads each variable by itself, so that one fault hides no other. */
function readValues(env: Environment, problems: string[]): Partial<Values> {
  const values: Record<string, unknown> = {};
  for (const name of NAMES) {
    const setting: Setting = SETTINGS[name];
    // What is secret may well begin or end with a space.
    const given = setting.secret ? env[name] : env[name]?.trim();
    const text = isSet(env, name) ? given : setting.default;
    if (text === undefined) {
      if (setting.required) problems.push(`${name}: got nothing, and is required; wants ${setting.value.description}`);
      continue;
    }
    const read = setting.value.safeParse(text);
    if (read.success) values[name] = read.data;
    else problems.push(`${name}: got ${shown(text, setting)}; wants ${read.error.issues[0]?.message}`);
  }
  return values as Partial<Values>;
}

function withoutFirstLabel(domain: string | undefined): string | undefined {
  const dot = domain?.indexOf('.') ?? -1;
  return dot === -1 ? undefined : domain?.slice(dot + 1);
}

/**
 * Reads the configuration; an empty value is an unset one. Pure, but for reading the files with certificates and keys.
 *
 * @param unknownInFile from {@link unknownInDotEnv}
 * @throws {ConfigError} with all faults at once
 */
export function loadConfig(env: Environment, unknownInFile: readonly string[] = []): Config {
  const problems: string[] = [];
  const read = readValues(env, problems);
  const servedDomain = isSet(env, 'XMPP_SERVED_DOMAIN')
    ? read.XMPP_SERVED_DOMAIN
    : withoutFirstLabel(read.XMPP_COMPONENT_DOMAIN);
  problems.push(...conflicts(env, read, servedDomain), ...misspelt(env, unknownInFile));
  if (problems.length > 0 || servedDomain === undefined) throw new ConfigError(problems);
  // Complete, since nothing that is required is missing.
  return assemble(read as Values, servedDomain);
}

/** How Redis is found and trusted, where its URL alone does not say it. */
function redisNodes(values: Values): Pick<Config['redis'], 'sentinels' | 'cluster' | 'tls'> {
  const { REDIS_SENTINELS: addresses, REDIS_SENTINEL_USER: user, REDIS_SENTINEL_PASSWORD: password } = values;
  const { REDIS_TLS_CA: ca, REDIS_TLS_CERT: cert, REDIS_TLS_KEY: key } = values;
  return {
    ...(addresses !== undefined && {
      sentinels: {
        addresses,
        masterName: values.REDIS_MASTER_NAME,
        ...(user !== undefined && { user }),
        ...(password !== undefined && { password }),
      },
    }),
    ...(values.REDIS_CLUSTER !== undefined && { cluster: values.REDIS_CLUSTER }),
    ...((ca !== undefined || cert !== undefined) && {
      tls: { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) },
    }),
  };
}

function shardsOf({ SHARDS: shards }: Values): Pick<Config['redis'], 'shards'> {
  return shards === undefined ? {} : { shards };
}

function assemble(values: Values, servedDomain: string): Config {
  const { XMPP_TLS_CA: tlsCa, DASHBOARD_PASSWORD: password } = values;
  return {
    xmpp: {
      service: values.XMPP_SERVICE,
      ...(tlsCa !== undefined && { tlsCa }),
      componentDomain: values.XMPP_COMPONENT_DOMAIN,
      componentSecret: values.XMPP_COMPONENT_SECRET,
      servedDomain,
      allowedDomains: values.ALLOWED_DOMAINS ?? [],
      admins: values.ADMIN_JIDS ?? [],
    },
    gate: { mode: values.MODE, proofCounts: values.PROOF_COUNTS, proofGrace: values.PROOF_GRACE },
    redis: { url: values.REDIS_URL, prefix: values.REDIS_PREFIX, ...shardsOf(values), ...redisNodes(values) },
    durability: values.DURABILITY,
    ack: { format: values.ACK_FORMAT, from: values.ACK_FROM },
    retry: {
      schedule: values.RETRY_SCHEDULE,
      messageTtl: values.MESSAGE_TTL,
      dedupWindow: values.DEDUP_WINDOW,
      undeliveredRetention: values.UNDELIVERED_RETENTION,
      unconfirmedRetries: values.UNCONFIRMED_RETRIES,
      unconfirmedRetryAfter: values.UNCONFIRMED_RETRY_AFTER,
      receiptGap: values.RECEIPT_GAP,
      redeliveryWindow: values.REDELIVERY_WINDOW,
    },
    maxStanzaBytes: values.MAX_STANZA_BYTES,
    quotas: {
      rate: values.SENDER_RATE,
      burst: values.SENDER_BURST,
      messages: values.SENDER_PENDING,
      bytes: values.SENDER_PENDING_BYTES,
      toOne: values.CONVERSATION_PENDING,
      domainShares: values.DOMAIN_SHARES,
      reserve: values.REDIS_RESERVE / 100,
    },
    http: {
      host: values.HTTP_HOST,
      port: values.HTTP_PORT,
      user: values.DASHBOARD_USER,
      ...(password !== undefined && { password }),
    },
    logLevel: values.LOG_LEVEL,
    logBodies: values.LOG_BODIES,
    activeProcesses: values.ACTIVE_PROCESSES,
    ...(values.TRACE_MESSAGES !== undefined && { traceMessages: values.TRACE_MESSAGES }),
    traceSpans: values.TRACE_SPANS,
    shutdownTimeout: values.SHUTDOWN_TIMEOUT,
  };
}
