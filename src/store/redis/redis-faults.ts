import type { StoreFault } from '../contract.ts';

interface StateFault {
  readonly code: string;
  readonly pattern: RegExp;
  readonly text: string;
  readonly reconnect?: true;
}

const STATE_FAULTS: readonly StateFault[] = [
  {
    code: 'READONLY',
    pattern: /^READONLY/,
    text: 'Redis is a read-only replica. REDIS_URL must lead to the primary; if it was just demoted, the connection is made anew',
    reconnect: true,
  },
  {
    code: 'LOADING',
    pattern: /^LOADING/,
    text: 'Redis is still loading its data from disk. It goes on by itself when that is done',
    reconnect: true,
  },
  {
    code: 'MASTERDOWN',
    pattern: /^MASTERDOWN/,
    text: 'Redis is a replica that has lost its primary. REDIS_URL must lead to the primary',
    reconnect: true,
  },
  {
    code: 'LEDGER',
    pattern: /^LEDGER /,
    text: 'The ledger in Redis is of another format, or has another number of shards. Start the proxy anew: it says what to set',
  },
  {
    code: 'UNPREPARED',
    pattern: /^UNPREPARED /,
    text: 'The ledger in Redis cannot be looked at, or taken over: something there is damaged. The log has the error of Redis; nothing is stored until that is mended',
  },
  {
    code: 'OOM',
    pattern: /^OOM/,
    text: 'Redis is full: it has reached its maxmemory. Give it more memory (maxmemory), or wait until receipts have freed some',
  },
  {
    code: 'MISCONF',
    pattern: /^MISCONF/,
    text: 'Redis cannot write to its disk and refuses writes (MISCONF). Look at its log and at the disk: space, permissions',
  },
  {
    code: 'NOREPLICAS',
    pattern: /^NOREPLICAS/,
    text: 'Redis has too few replicas (min-replicas-to-write) and refuses writes. Bring the replicas back, or lower the setting',
  },
  {
    code: 'DURABILITY',
    pattern: /^DURABILITY/,
    text: 'Redis does not keep messages as DURABILITY demands: too few replicas confirm in time, or its disk does not. Bring the replicas back, look at the disk, or lower the setting',
  },
  {
    code: 'NOAUTH',
    pattern: /^(NOAUTH|WRONGPASS|ERR AUTH|ERR invalid password|ERR Client sent AUTH)/,
    text: 'Redis refuses the password. Set user and password in REDIS_URL (redis://user:password@host)',
  },
  {
    code: 'NOPERM',
    pattern: /^NOPERM|user executing the script can't|No permissions to access/,
    text: 'Redis forbids a command to the user of REDIS_URL (ACL). Allow what docs/operations.md lists',
  },
  {
    code: 'BUSY',
    pattern: /^BUSY|^UNKILLABLE/,
    text: 'Redis is busy with a script that does not end. Another program on the same Redis may have started it (SCRIPT KILL ends it)',
  },
  {
    code: 'CLUSTERDOWN',
    pattern: /^(CLUSTERDOWN|MOVED|ASK|TRYAGAIN|CROSSSLOT)/,
    text: 'The Redis Cluster does not serve a slot that is needed: a part of it is down, or the slot is on its way from one master to another; it goes on by itself then. Its nodes are to be named in REDIS_CLUSTER',
  },
  {
    code: 'NOCLUSTER',
    pattern: /^ERR This instance has cluster support disabled/,
    text: 'REDIS_CLUSTER names a Redis that is not in cluster mode. Name it in REDIS_URL instead, and leave REDIS_CLUSTER out',
  },
  {
    code: 'DBINDEX',
    pattern: /^ERR (DB index is out of range|invalid DB index|SELECT is not allowed)/,
    text: 'Redis has no database of the number that REDIS_URL ends with. Leave it out, or raise "databases" in redis.conf',
  },
  {
    code: 'MAXCLIENTS',
    pattern: /^ERR max number of clients/,
    text: 'Redis has as many clients as it may (maxclients). Raise it, or close other connections',
  },
  {
    code: 'UNKNOWNCOMMAND',
    pattern: /^ERR unknown (sub)?command|Unknown Redis command/,
    text: 'Redis does not know a command that is needed. It must be Redis 6.2 or newer, with no command renamed',
  },
];

/** What only a change of the settings mends. */
const LASTING = new Set(['NOAUTH', 'NOPERM', 'DBINDEX', 'UNKNOWNCOMMAND', 'NOCLUSTER']);

/** What Redis before 7 puts before an error that a command of a script met. */
const IN_A_SCRIPT = /^(?:ERR Error running script \(call to \w+\): )?(?:@user_script: ?\d+: )+-?/;

/** Of ioredis; with what the last sentinel said. */
const SENTINEL = /^All sentinels are unreachable.*?(?:Last error: (.*))?$/s;

/** Of Node.js. */
const CERTIFICATE = /certificate|altnames/i;
/** Of OpenSSL: alerts of the server. */
const CLIENT_CERTIFICATE = /alert (certificate required|bad certificate|unknown ca|handshake failure)/i;

/** What to do about it. */
function sentinelSays(error = ''): string {
  if (/No such master/.test(error)) return ': they know none of that name';
  if (/^(NOAUTH|WRONGPASS|NOPERM)/.test(error)) return ': they want another REDIS_SENTINEL_PASSWORD';
  return '. It goes on by itself when they do';
}

/** A part of a cluster takes no writes. */
export class PartlyError extends Error {
  override name = 'PartlyError';
  constructor(
    readonly part: string,
    override readonly cause: unknown,
  ) {
    super(`A part of the Redis Cluster takes no writes (${part})`, { cause });
  }
}

/** Of ioredis, of a cluster; with what the last node said. */
const REDIRECTIONS = /^Too many Cluster redirections\. Last error: (?:\w*Error: )?/;
/** Of ioredis, which says by itself of a cluster that none of its nodes said which has what; with why the last one did not. */
interface AllFailed {
  readonly lastNodeError?: unknown;
}

/** Judges an error of ioredis, or one that a script has reported by its text. Pure. */
export function redisFault(error: unknown): StoreFault {
  if (error instanceof PartlyError) {
    const fault = redisFault(error.cause);
    return { ...fault, text: `${error.message}. ${fault.text}` };
  }
  const { lastNodeError } = (error ?? {}) as AllFailed;
  if (lastNodeError instanceof Error) return redisFault(lastNodeError);
  const message = (error instanceof Error ? error.message : String(error))
    .replace(IN_A_SCRIPT, '')
    .replace(REDIRECTIONS, '');
  const found = STATE_FAULTS.find(({ pattern }) => pattern.test(message));
  if (found !== undefined) {
    const { code, text, reconnect } = found;
    return { kind: 'state', code, text, reconnect: reconnect === true, lasting: LASTING.has(code) };
  }
  const isReply = error instanceof Error && error.name === 'ReplyError';
  if (isReply) {
    const text = 'Redis rejects a call of ours for what is in it. The log has the error; please report it';
    return { kind: 'content', code: /^[A-Z]+/.exec(message)?.[0] ?? 'ERR', text, reconnect: false, lasting: false };
  }
  const sentinel = SENTINEL.exec(message);
  if (sentinel !== null) {
    const text = `No Redis Sentinel says where the primary is (REDIS_SENTINELS, REDIS_MASTER_NAME)${sentinelSays(sentinel[1])}`;
    return { kind: 'connection', code: 'SENTINEL', text, reconnect: false, lasting: false };
  }
  if (CLIENT_CERTIFICATE.test(message)) {
    const text = 'Redis wants a certificate of the proxy, or another one. Set REDIS_TLS_CERT and REDIS_TLS_KEY';
    return { kind: 'connection', code: 'CLIENTCERT', text, reconnect: false, lasting: false };
  }
  if (CERTIFICATE.test(message)) {
    const text = `Redis' certificate is not trusted (${message}). Set REDIS_TLS_CA to the one that signed it`;
    return { kind: 'connection', code: 'CERTIFICATE', text, reconnect: false, lasting: false };
  }
  if (/^connect (EACCES|EPERM) \//.test(message)) {
    const text =
      "The proxy may not use Redis' Unix socket. Add its user to the socket's group, and set unixsocketperm 770 in redis.conf";
    return { kind: 'connection', code: 'SOCKETDENIED', text, reconnect: false, lasting: false };
  }
  const silent = /timed? ?out/i.test(message);
  const text = silent
    ? 'Redis does not answer: it hangs, or the network to it does'
    : 'Redis cannot be reached. It goes on by itself when it is back; check REDIS_URL if it never was there';
  return { kind: 'connection', code: silent ? 'TIMEOUT' : 'CONNECTION', text, reconnect: false, lasting: false };
}
