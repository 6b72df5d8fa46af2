import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { z } from 'zod';
import type { Durability } from '../../packages/protocol/elements.ts';
import { formatDuration, parseDuration } from '../util/duration.ts';
import { readRedisSocket } from '../util/redis-socket.ts';
import { isLocalpart, prepareLocalpart } from '../xmpp/stanza/localpart.ts';
import { asciiDomain, isHost } from './hosts.ts';

/** Reads a value from its text; its description says what is wanted. */
export type Value<T> = z.ZodType<T, string>;

/** Thrown by a reader that knows better than "what is wanted" what is wrong. */
class Unfit extends Error {}

function value<T>(wants: string, read: (text: string) => T | undefined): Value<T> {
  return z
    .string()
    .transform((text, context): T => {
      let problem = wants;
      try {
        const found = read(text);
        if (found !== undefined) return found;
      } catch (error) {
        if (!(error instanceof Unfit)) throw error;
        problem = error.message;
      }
      context.addIssue({ code: 'custom', message: problem });
      return z.NEVER;
    })
    .describe(wants);
}

/** One of a few words. */
export function oneOf<const T extends readonly string[]>(words: T): Value<T[number]> {
  const wants = `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  return value(wants, (text) => words.find((word) => word === text));
}

/** `true` or `false`. */
export const boolean: Value<boolean> = value('true or false', (text) =>
  text === 'true' ? true : text === 'false' ? false : undefined,
);

/** A whole number within bounds, both included. */
export function integer(min: number, max: number): Value<number> {
  return value(`a whole number from ${min} to ${max}`, (text) => {
    const number = Number(text);
    return /^\d+$/.test(text) && number >= min && number <= max ? number : undefined;
  });
}

const TEN_YEARS = 3650 * 86_400_000;

function durationWithin(text: string, max: number): number | undefined {
  const ms = parseDuration(text);
  return ms !== undefined && ms > 0 && ms <= max ? ms : undefined;
}

/** Milliseconds, from 1 to `max`. */
export function duration(max: number = TEN_YEARS): Value<number> {
  return value(`a duration such as 500ms, 30s, 2m, 1h or 7d, up to ${formatDuration(max)}`, (text) =>
    durationWithin(text, max),
  );
}

/** The same, or 0. */
export function durationOrNone(max: number): Value<number> {
  return value(`a duration such as 500ms, 30s, 2m, 1h or 7d, up to ${formatDuration(max)}, or 0s`, (text) =>
    parseDuration(text) === 0 ? 0 : durationWithin(text, max),
  );
}

/** Milliseconds, one to twenty. */
export const durations: Value<readonly number[]> = value(
  '1 to 20 durations separated by commas, such as 30s,2m,1h',
  (text) => {
    const steps = text.split(',').map((step) => durationWithin(step.trim(), TEN_YEARS));
    return steps.length <= 20 && steps.every((step) => step !== undefined) ? steps : undefined;
  },
);

function readDomain(text: string): string | undefined {
  return asciiDomain(text) === undefined ? undefined : text.toLowerCase().normalize('NFC').replace(/\.$/, '');
}

/** Lower case, composed (NFC), without the root's dot, otherwise as it was written: IDN stays Unicode. */
export const domain: Value<string> = value('a domain, such as receipts.example.org', readDomain);

/** The same, one to a hundred. */
export const domains: Value<readonly string[]> = value(
  '1 to 100 domains separated by commas, such as other.org,third.example',
  (text) => {
    const all = text.split(',').map((one) => readDomain(one.trim()));
    return all.length <= 100 && all.every((one) => one !== undefined) ? all : undefined;
  },
);

/** Bare JIDs, one or more, in the form that servers have of them; domains as {@link domain}. */
export const bareJids: Value<readonly string[]> = value(
  'addresses separated by commas, such as admin@example.org',
  (text) => {
    const jids = text.split(',').map((one) => {
      const [local = '', name = '', ...more] = one.trim().split('@');
      return isLocalpart(local) && more.length === 0 && asciiDomain(name) !== undefined
        ? `${prepareLocalpart(local)}@${name.toLowerCase().normalize('NFC').replace(/\.$/, '')}`
        : undefined;
    });
    return jids.every((jid) => jid !== undefined) ? [...new Set(jids)] : undefined;
  },
);

export const host: Value<string> = value('an IP address or a host name, without a port', (text) => {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  return isHost(bare) ? bare.toLowerCase() : undefined;
});

export const secret: Value<string> = value('a secret, without line breaks and control characters', (text) =>
  /\p{Cc}/u.test(text) ? undefined : text,
);

// RFC 7617 section 2: the first colon ends the name.
export const userName: Value<string> = value('a name without colons and control characters', (text) =>
  /[\p{Cc}:]/u.test(text) ? undefined : text,
);

const SERVICE = /^(xmpps?):\/\/(?:\[([\da-f:.]+)\]|([^:/]+))(?::(\d{1,5}))?\/?$/i;

/** Always with a port, and with its host in ASCII. */
export const service: Value<string> = value(
  'xmpp://host:port, or xmpps://host:port for TLS; without a port 5275, and 5276 for TLS',
  (text) => {
    const [, scheme = '', ipv6, name = '', digits] = SERVICE.exec(text) ?? [];
    const reached = ipv6 === undefined ? asciiDomain(name) : isIPv6(ipv6) ? `[${ipv6}]` : undefined;
    const port = Number(digits ?? (scheme.toLowerCase() === 'xmpps' ? 5276 : 5275));
    if (reached === undefined || port === 0 || port > 65_535) return undefined;
    return `${scheme.toLowerCase()}://${reached}:${port}`;
  },
);

export const redisUrl: Value<string> = value(
  'redis://[[user]:password@]host[:port][/db], rediss://… for TLS, or unix://[[user]:password@]/path[?db=1] for a Unix socket',
  (text) => {
    if (readRedisSocket(text) !== undefined) return text;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || !/^rediss?:$/.test(url.protocol) || url.hostname === '' || url.port === '0')
      return undefined;
    return /^\/?\d*$/.test(url.pathname) && url.hash === '' ? text : undefined;
  },
);

export interface Address {
  readonly host: string;
  readonly port: number;
}

const ADDRESS = /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/i;

/** One or more. */
export function addresses(usualPort: number): Value<readonly Address[]> {
  return value(`host:port, or several separated by commas; without a port ${usualPort}`, (text) => {
    const all = text.split(',').map((one) => {
      const [, ipv6, name = '', digits = usualPort] = ADDRESS.exec(one.trim()) ?? [];
      const port = Number(digits);
      const isReachable = ipv6 === undefined ? isHost(name) : isIPv6(ipv6);
      return isReachable && port > 0 && port <= 65_535 ? { host: ipv6 ?? name, port } : undefined;
    });
    return all.every((address) => address !== undefined) ? all : undefined;
  });
}

/** sentinel.conf allows these characters in it. */
export const masterName: Value<string> = value('a name of letters, digits and the characters . - _', (text) =>
  /^[\w.-]+$/.test(text) ? text : undefined,
);

/** Redis Cluster keeps together what has the same text between the first `{` and the next `}`. */
export const redisPrefix: Value<string> = value('text with a hash tag, such as {receipts}, without spaces', (text) =>
  /^[^{]*\{[^}]+\}/.test(text) && !/[\s\p{Cc}]/u.test(text) ? text : undefined,
);

/** Of a replica count no more than anybody has. */
export const durability: Value<Durability> = value('memory, disk, or replicas: and a number from 1 to 9', (text) =>
  /^(memory|disk|replicas:[1-9])$/.test(text) ? (text as Durability) : undefined,
);

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Unfit(`the path of a file that can be read (${code ?? 'unknown error'})`);
  }
}

/** The text of the file that is named. */
export const certificateFile: Value<string> = value('the path of a file with certificates in PEM form', (path) => {
  const pem = readPem(path);
  try {
    const certificates = pem.match(CERTIFICATE) ?? [];
    for (const certificate of certificates) new X509Certificate(certificate);
    return certificates.length > 0 ? pem : undefined;
  } catch {
    return undefined;
  }
});

/** The text of the file that is named. */
export const keyFile: Value<string> = value(
  'the path of a file with a private key in PEM form, without a passphrase',
  (path) => {
    const pem = readPem(path);
    try {
      createPrivateKey(pem);
      return pem;
    } catch {
      return undefined;
    }
  },
);
