import type { Setting } from './setting.ts';
import * as v from './values.ts';

/** The XMPP server and Redis. */
export const serverSettings = {
  XMPP_SERVICE: {
    group: 'xmpp',
    value: v.service,
    default: 'xmpp://127.0.0.1:5275',
    about: 'Where the server takes components. `xmpp://` is not encrypted; across machines use `xmpps://`.',
  },
  XMPP_TLS_CA: {
    group: 'xmpp',
    value: v.certificateFile,
    example: '/etc/openfire-receipts/ca.pem',
    about:
      "The certificate that signed the server's, when Node.js does not know its authority; Openfire's own is self-signed. " +
      'Only with `xmpps://`. The path is relative to where the process is started.',
  },
  XMPP_COMPONENT_DOMAIN: {
    group: 'xmpp',
    value: v.domain,
    required: true,
    example: 'receipts.example.org',
    about: 'The subdomain that the proxy serves: users write to `bob@receipts.example.org`. It needs no DNS record.',
  },
  XMPP_COMPONENT_SECRET: {
    group: 'xmpp',
    value: v.secret,
    required: true,
    secret: true,
    about: 'The secret that the server expects of this component; with Openfire `xmpp.component.defaultSecret`.',
  },
  XMPP_SERVED_DOMAIN: {
    group: 'xmpp',
    value: v.domain,
    derived: 'the component domain without its first label',
    example: 'example.org',
    about:
      "The server's own domain, whose users are served: `bob@example.org`. All others are refused, but for those of " +
      '`ALLOWED_DOMAINS`.',
  },
  ALLOWED_DOMAINS: {
    group: 'xmpp',
    value: v.domains,
    derived: 'none',
    example: 'other.org,third.example',
    about:
      'Domains of other servers whose users are served as well: `carol@other.org` stands behind ' +
      '`carol\\40other.org@receipts.example.org` (XEP-0106). It needs federation (s2s) with them.',
  },
  ADMIN_JIDS: {
    group: 'xmpp',
    value: v.bareJids,
    example: 'admin@example.org',
    about:
      'Users who may run all ad-hoc commands of the component, also those about the messages of others ' +
      '([commands.md](commands.md)). Nobody, unless it is set.',
  },
  REDIS_URL: {
    group: 'redis',
    value: v.redisUrl,
    default: 'redis://127.0.0.1:6379',
    secret: true,
    about:
      'Where all state is kept. Its `maxmemory-policy` must be `noeviction`. On one machine a Unix socket (`unixsocket` in redis.conf) takes ' +
      "a tenth off each round trip; the proxy's user must be in the group that may write to it (`unixsocketperm`).",
  },
  REDIS_SENTINELS: {
    group: 'redis',
    value: v.addresses(26_379),
    example: 'sentinel1:26379,sentinel2:26379,sentinel3:26379',
    about:
      'Redis Sentinels, which tell where the primary is. Then `REDIS_URL` gives user, password, database and TLS (`rediss://`, ' +
      'which holds for the sentinels as well), and its host is not used.',
  },
  REDIS_MASTER_NAME: {
    group: 'redis',
    value: v.masterName,
    default: 'mymaster',
    about: 'What the sentinels call the primary (`sentinel monitor <name> …`). Only with `REDIS_SENTINELS`.',
  },
  REDIS_SENTINEL_USER: {
    group: 'redis',
    value: v.userName,
    about: "The user's name at the sentinels, where it is not `default`. Only with `REDIS_SENTINEL_PASSWORD`.",
  },
  REDIS_SENTINEL_PASSWORD: {
    group: 'redis',
    value: v.secret,
    secret: true,
    about: 'The password that the sentinels want. Only with `REDIS_SENTINELS`.',
  },
  REDIS_CLUSTER: {
    group: 'redis',
    value: v.addresses(6379),
    example: '10.0.0.1:6379,10.0.0.2:6379,10.0.0.3:6379',
    about:
      'Some nodes of a Redis Cluster, which tell of the others. Then `REDIS_URL` gives user, password and TLS (`rediss://`), and its ' +
      'host is not used.',
  },
  REDIS_TLS_CA: {
    group: 'redis',
    value: v.certificateFile,
    example: '/etc/openfire-receipts/redis-ca.pem',
    about: "The certificate that signed Redis', when Node.js does not know its authority. Only with `rediss://`.",
  },
  REDIS_TLS_CERT: {
    group: 'redis',
    value: v.certificateFile,
    example: '/etc/openfire-receipts/redis-client.pem',
    about: 'The certificate by which Redis knows the proxy, where it asks for one (`tls-auth-clients`).',
  },
  REDIS_TLS_KEY: {
    group: 'redis',
    value: v.keyFile,
    secret: true,
    about: 'The path of the private key of `REDIS_TLS_CERT`, in PEM form, without a passphrase.',
  },
  DURABILITY: {
    group: 'redis',
    value: v.durability,
    default: 'memory',
    example: 'replicas:1',
    about:
      'What an acknowledgement says of Redis. `memory`: it has the message; `disk`: its disk has it too (`appendfsync always`, or else ' +
      'Redis 7.2 or newer or Valkey, with `appendonly yes`); `replicas:1`: so many replicas have it too. When that cannot be had, ' +
      'messages are refused for the time being. [guarantees.md](guarantees.md#redis) says what each survives.',
  },
  REDIS_PREFIX: {
    group: 'redis',
    value: v.redisPrefix,
    default: '{receipts}',
    about:
      'What all keys begin with, with a hash tag in braces. Processes with the same prefix share their work. Not to be ' +
      'changed while messages are pending.',
  },
  SHARDS: {
    group: 'redis',
    value: v.integer(1, 256),
    derived: '16 for a new ledger, else what it has',
    about:
      'How many shards the ledger has, each with a hash tag of its own. The first start fixes it: where another number is set ' +
      'later, the proxy ends with status 78. [shards.md](shards.md) says what that means.',
  },
} as const satisfies Record<string, Setting>;
