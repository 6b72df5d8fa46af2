import { createPrivateKey, X509Certificate } from 'node:crypto';
import { formatDuration } from '../util/duration.ts';
import { readRedisSocket } from '../util/redis-socket.ts';
import type { Environment } from './environment.ts';
import { asciiDomain, isLoopback } from './hosts.ts';
import { suggestFor, suggestInFile } from './misspellings.ts';
import type { Setting } from './setting.ts';
import { type Name, SETTINGS, type Values } from './settings.ts';

/** Shows a value in a message, so that it stays one line and betrays nothing. */
export function shown(text: string, { secret }: Setting): string {
  if (text.trim() === '') return 'nothing';
  if (secret) return 'a value that is not shown';
  // An address may have a password where none belongs.
  const masked = text.trim().replace(/^(\w+:\/\/)?.*@/s, '$1…@');
  return JSON.stringify(masked.length > 100 ? `${masked.slice(0, 100)}…` : masked);
}

export function isSet(env: Environment, name: Name): boolean {
  return (env[name] ?? '').trim() !== '';
}

/** What no variable shows by itself. */
export function* conflicts(
  env: Environment,
  values: Partial<Values>,
  servedDomain: string | undefined,
): Generator<string> {
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
  if (values.MODE !== undefined && values.MODE !== 'subdomain' && (values.ALLOWED_DOMAINS?.length ?? 0) > 0) {
    yield `ALLOWED_DOMAINS: got ${got('ALLOWED_DOMAINS')}; wants nothing unless MODE is subdomain: a gate holds messages of its own server's users only`;
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
  yield* redisConflicts(env, values);
  if (ttl !== undefined && window !== undefined && window < ttl) {
    yield `DEDUP_WINDOW: got ${formatDuration(window)}; wants not less than MESSAGE_TTL (${formatDuration(ttl)})`;
  }
  if (host !== undefined && password === undefined && !isLoopback(host) && !isSet(env, 'DASHBOARD_PASSWORD')) {
    yield `DASHBOARD_PASSWORD: got nothing; wants a password, since HTTP_HOST (${host}) is not a loopback address`;
  }
}

function* redisConflicts(env: Environment, values: Partial<Values>): Generator<string> {
  const { REDIS_URL: url, REDIS_TLS_CERT: certificate, REDIS_TLS_KEY: key } = values;
  const isSocket = url !== undefined && readRedisSocket(url) !== undefined;
  for (const name of ['REDIS_TLS_CA', 'REDIS_TLS_CERT', 'REDIS_TLS_KEY'] as const) {
    if (isSet(env, name) && (isSocket || url?.startsWith('redis:')))
      yield `REDIS_URL: got ${isSocket ? 'unix' : 'redis'}://; wants rediss:// when ${name} is set, or there is no TLS`;
  }
  for (const name of ['REDIS_SENTINELS', 'REDIS_CLUSTER'] as const) {
    if (isSet(env, name) && isSocket)
      yield `REDIS_URL: got unix://; wants redis:// or rediss:// with ${name}: a Unix socket leads to one Redis, on this machine`;
  }
  if (isSet(env, 'REDIS_TLS_CERT') !== isSet(env, 'REDIS_TLS_KEY'))
    yield 'REDIS_TLS_CERT and REDIS_TLS_KEY: got one of them; want both, or none';
  if (certificate !== undefined && key !== undefined) {
    if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)))
      yield 'REDIS_TLS_KEY: got the key of another certificate; wants that of REDIS_TLS_CERT';
  }
  const apart = ['REDIS_MASTER_NAME', 'REDIS_SENTINEL_USER', 'REDIS_SENTINEL_PASSWORD'] as const;
  for (const name of apart) {
    const { default: usual } = SETTINGS[name] as Setting;
    if (isSet(env, name) && env[name] !== usual && !isSet(env, 'REDIS_SENTINELS'))
      yield `REDIS_SENTINELS: got nothing; wants the sentinels' addresses, since ${name} is set`;
  }
  if (isSet(env, 'REDIS_CLUSTER') && isSet(env, 'REDIS_SENTINELS'))
    yield 'REDIS_CLUSTER and REDIS_SENTINELS: got both; want one: a cluster replaces a master that failed by itself';
  if (isSet(env, 'REDIS_CLUSTER') && url !== undefined && !isSocket && !/^\/?0*$/.test(new URL(url).pathname))
    yield 'REDIS_URL: got a database; wants none with REDIS_CLUSTER: a cluster has only database 0';
  if (isSet(env, 'REDIS_SENTINEL_USER') && !isSet(env, 'REDIS_SENTINEL_PASSWORD'))
    yield 'REDIS_SENTINEL_PASSWORD: got nothing; wants a password, since REDIS_SENTINEL_USER is set';
}

export function* misspelt(env: Environment, inFile: readonly string[]): Generator<string> {
  for (const name of inFile) {
    const meant = suggestInFile(name);
    if (meant !== undefined) yield `${name} (in .env): there is no such variable; did you mean ${meant}?`;
  }
  for (const name of Object.keys(env).filter((it) => !inFile.includes(it))) {
    const meant = env[name] === undefined ? undefined : suggestFor(name, (known) => isSet(env, known));
    if (meant !== undefined) yield `${name}: there is no such variable; did you mean ${meant}?`;
  }
}
