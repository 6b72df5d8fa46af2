import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { formatDuration } from '../util/duration.ts';
import { asciiDomain, isLoopback } from './hosts.ts';
import { suggestFor, suggestInFile } from './misspellings.ts';
import { type LOG_LEVELS, NAMES, type Name, SETTINGS, type Setting, type Values } from './settings.ts';

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
  readonly redis: { readonly url: string; readonly prefix: string };
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
  readonly shutdownTimeout: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** All that is wrong with a configuration, each fault in one line that names its variable and shows no secret. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The configuration has faults: ${problems.join('. ')}`);
    this.name = 'ConfigError';
  }
}

/**
 * The environment of the process, over what `.env` in `dir` says, if there is one.
 *
 * @throws {ConfigError} when `.env` is there and cannot be read
 */
export function readEnvironment(dir: string = process.cwd()): Record<string, string | undefined> {
  return { ...readDotEnv(join(dir, '.env')), ...process.env };
}

/**
 * The names that `.env` in `dir` sets and that we do not know: whatever is in that file is meant for us. Those that are like
 * one of ours are faults ({@link loadConfig}), the others are worth a word.
 *
 * @throws {ConfigError} when `.env` is there and cannot be read
 */
export function unknownInDotEnv(dir: string = process.cwd()): string[] {
  return Object.keys(readDotEnv(join(dir, '.env'))).filter((name) => !(NAMES as string[]).includes(name));
}

function readDotEnv(path: string): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return {};
    throw new ConfigError([`.env: cannot be read (${code ?? 'unknown error'})`]);
  }
}

/** Shows a value in a message, so that it stays one line and betrays nothing. */
function shown(text: string, { secret }: Setting): string {
  if (text.trim() === '') return 'nothing';
  if (secret) return 'a value that is not shown';
  // An address may have a password where none belongs.
  const masked = text.trim().replace(/^(\w+:\/\/)?.*@/s, '$1…@');
  return JSON.stringify(masked.length > 100 ? `${masked.slice(0, 100)}…` : masked);
}

function isSet(env: Environment, name: Name): boolean {
  return (env[name] ?? '').trim() !== '';
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

/** What no variable shows by itself. */
function* conflicts(env: Environment, values: Partial<Values>, servedDomain: string | undefined): Generator<string> {
  const got = (name: Name) => shown(env[name] ?? '', SETTINGS[name]);
  const {
    XMPP_COMPONENT_DOMAIN: component,
    MESSAGE_TTL: ttl,
    DEDUP_WINDOW: window,
    HTTP_HOST: host,
    DASHBOARD_PASSWORD: password,
  } = values;
  if (component !== undefined && servedDomain === undefined && !isSet(env, 'XMPP_SERVED_DOMAIN')) {
    yield `XMPP_SERVED_DOMAIN: got nothing; wants a domain, since XMPP_COMPONENT_DOMAIN (${component}) has only one label`;
  }
  if (component !== undefined && servedDomain !== undefined && asciiDomain(component) === asciiDomain(servedDomain)) {
    yield `XMPP_SERVED_DOMAIN: got ${got('XMPP_SERVED_DOMAIN')}; wants another domain than XMPP_COMPONENT_DOMAIN`;
  }
  const own = [component, servedDomain].map((domain) => domain && asciiDomain(domain));
  if (values.ALLOWED_DOMAINS?.some((domain) => own.includes(asciiDomain(domain)))) {
    yield `ALLOWED_DOMAINS: got ${got('ALLOWED_DOMAINS')}; wants other domains than XMPP_COMPONENT_DOMAIN and XMPP_SERVED_DOMAIN`;
  }
  const stranger = values.ADMIN_JIDS?.find(
    (jid) => asciiDomain(jid.split('@')[1] ?? '') !== asciiDomain(servedDomain ?? ''),
  );
  if (servedDomain !== undefined && stranger !== undefined) {
    yield `ADMIN_JIDS: got ${got('ADMIN_JIDS')}; wants users of ${servedDomain} (XMPP_SERVED_DOMAIN), since no others are served`;
  }
  if (values.XMPP_TLS_CA !== undefined && values.XMPP_SERVICE?.startsWith('xmpp:')) {
    yield `XMPP_SERVICE: got ${values.XMPP_SERVICE}; wants xmpps:// when XMPP_TLS_CA is set, or there is no TLS`;
  }
  if (ttl !== undefined && window !== undefined && window < ttl) {
    yield `DEDUP_WINDOW: got ${formatDuration(window)}; wants not less than MESSAGE_TTL (${formatDuration(ttl)})`;
  }
  if (host !== undefined && password === undefined && !isLoopback(host) && !isSet(env, 'DASHBOARD_PASSWORD')) {
    yield `DASHBOARD_PASSWORD: got nothing; wants a password, since HTTP_HOST (${host}) is not a loopback address`;
  }
}

function* misspelt(env: Environment, inFile: readonly string[]): Generator<string> {
  for (const name of inFile) {
    const meant = suggestInFile(name);
    if (meant !== undefined) yield `${name} (in .env): there is no such variable; did you mean ${meant}?`;
  }
  for (const name of Object.keys(env).filter((it) => !inFile.includes(it))) {
    const meant = env[name] === undefined ? undefined : suggestFor(name, (known) => isSet(env, known));
    if (meant !== undefined) yield `${name}: there is no such variable; did you mean ${meant}?`;
  }
}

/**
 * Reads the configuration; an empty value is an unset one. Pure, but for reading the file that `XMPP_TLS_CA` names.
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
    redis: { url: values.REDIS_URL, prefix: values.REDIS_PREFIX },
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
    shutdownTimeout: values.SHUTDOWN_TIMEOUT,
  };
}
