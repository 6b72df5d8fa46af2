import * as v from './values.ts';

/** A variable of the environment. */
export interface Setting {
  readonly group: Group;
  readonly value: v.Value<unknown>;
  /** As it would be written; without one it is unset. */
  readonly default?: string;
  /** Where the default comes from, when it is no fixed text. */
  readonly derived?: string;
  readonly required?: true;
  /** Never shown. */
  readonly secret?: true;
  readonly example?: string;
  /** For an operator, in Markdown; one paragraph. */
  readonly about: string;
}

export const GROUPS = {
  xmpp: 'The XMPP server',
  redis: 'Redis',
  messages: 'What happens to a message',
  quotas: 'What one sender may take',
  http: 'Dashboard, health and metrics',
  process: 'The process',
} as const;

export type Group = keyof typeof GROUPS;

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** All that can be set. `.env.example` and docs/configuration.md are made from it, by `npm run docs`. */
export const SETTINGS = {
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
      '`carol\\40other.org@receipts.example.org` (XEP-0106). It takes federation (s2s) with them.',
  },
  ADMIN_JIDS: {
    group: 'xmpp',
    value: v.bareJids,
    example: 'admin@example.org',
    about:
      'Users who may run all commands of the component in their clients, those that concern the messages of others too ' +
      '([commands.md](commands.md)). Nobody, unless it is set.',
  },
  REDIS_URL: {
    group: 'redis',
    value: v.redisUrl,
    default: 'redis://127.0.0.1:6379',
    secret: true,
    about: 'Where all state is kept. Its `maxmemory-policy` must be `noeviction`.',
  },
  REDIS_PREFIX: {
    group: 'redis',
    value: v.redisPrefix,
    default: '{receipts}',
    about:
      'What all keys begin with. The text in braces keeps them in one slot of a Redis Cluster. Processes with the same ' +
      'prefix share their work. Not to be changed while messages are pending.',
  },
  ACK_FORMAT: {
    group: 'messages',
    value: v.oneOf(['receipt', 'stored', 'none']),
    default: 'receipt',
    about:
      'How a sender who asked for a receipt is told that his message is stored. `receipt`: in our own words and in those ' +
      "of XEP-0184; `stored`: in our own only, for programs that take every receipt for the recipient's (Smack); `none`: not " +
      'at all.',
  },
  ACK_FROM: {
    group: 'messages',
    value: v.oneOf(['component', 'recipient']),
    default: 'component',
    about:
      'Whom that comes from. `component`: the component domain, so that chat clients do not show it as delivered; `recipient`: the ' +
      'recipient, for clients that accept receipts from nobody else, and which then show it as delivered.',
  },
  RETRY_SCHEDULE: {
    group: 'messages',
    value: v.durations,
    default: '30s,2m,10m,1h,6h',
    about:
      'The waits before a message is sent again, as long as no receipt came; the last repeats until `MESSAGE_TTL`. ' +
      'Each is made up to a tenth longer at random. Contacts are sent another copy on evidence alone; the first wait is then ' +
      'the step after which their sessions are asked ([redelivery.md](redelivery.md)).',
  },
  RECEIPT_GAP: {
    group: 'messages',
    value: v.duration(),
    default: '10s',
    about:
      'How long after the receipt for a later message one for an earlier message may still come, from the same session; ' +
      'then the earlier one is sent again.',
  },
  REDELIVERY_WINDOW: {
    group: 'messages',
    value: v.integer(1, 10_000),
    default: '32',
    about: 'How many messages are on their way unconfirmed to a recipient who has just come back and missed some.',
  },
  MESSAGE_TTL: {
    group: 'messages',
    value: v.duration(),
    default: '7d',
    about: 'How long a message is kept and tried; then its sender is told that nobody confirmed it.',
  },
  DEDUP_WINDOW: {
    group: 'messages',
    value: v.duration(),
    default: '8d',
    about:
      'How long an ended message is remembered, without its text, so that a resend is known. Not less than `MESSAGE_TTL`.',
  },
  UNDELIVERED_RETENTION: {
    group: 'messages',
    value: v.duration(),
    default: '30d',
    about:
      'How long a message that expired or was rejected is kept, with its text, for an operator to send it after all.',
  },
  UNCONFIRMED_RETRIES: {
    group: 'messages',
    value: v.integer(0, 100),
    default: '1',
    about:
      'How often a message is sent again to a recipient whose missing receipt means nothing: he was never seen to return ' +
      'one, or does so to contacts only. His client may be one that cannot, and shows each copy.',
  },
  UNCONFIRMED_RETRY_AFTER: {
    group: 'messages',
    value: v.duration(),
    default: '15m',
    about:
      "The wait before each of those. The default is past Openfire's closing of idle connections (6 minutes) and its " +
      'time for resuming a session (10 minutes).',
  },
  MAX_STANZA_BYTES: {
    group: 'messages',
    // RFC 6120 section 13.12: not less than 10000. The link takes in no more than 10 MiB, whatever is set here.
    value: v.integer(10_000, 10_485_760),
    default: '262144',
    about: 'The largest message that is accepted; a larger one is refused with `policy-violation`.',
  },
  SENDER_RATE: {
    group: 'quotas',
    value: v.integer(0, 1_000_000),
    default: '100',
    about:
      'How many stanzas a second one user may send for long, in each process; each KiB of a larger one counts as one, ' +
      'of a request (IQ) each 16 KiB. What is beyond is refused with `resource-constraint`; receipts never are. 0: as many ' +
      'as he likes.',
  },
  SENDER_BURST: {
    group: 'quotas',
    value: v.integer(1, 1_000_000),
    default: '10000',
    about:
      'How many he may send at once after a pause. While the store is busy a fifth of it may wait for their turn; further ' +
      'messages and requests are refused at once.',
  },
  SENDER_PENDING: {
    group: 'quotas',
    value: v.integer(0, 500_000),
    default: '20000',
    about:
      'How many messages of one sender may wait for a receipt, for up to `MESSAGE_TTL`; further ones are refused with ' +
      '`resource-constraint` until some of them have ended. 0: as many as he likes.',
  },
  SENDER_PENDING_BYTES: {
    group: 'quotas',
    value: v.integer(0, 2_000_000_000),
    default: '33554432',
    about: 'The same in bytes.',
  },
  CONVERSATION_PENDING: {
    group: 'quotas',
    value: v.integer(0, 500_000),
    default: '10000',
    about:
      'How many messages of one sender to one recipient may wait for a receipt. 0: as many as he likes. Higher for a bot ' +
      'that writes more than once a minute to somebody whose client returns none.',
  },
  DOMAIN_SHARES: {
    group: 'quotas',
    value: v.integer(1, 10_000),
    default: '10',
    about: "How many senders' shares all users of one domain of `ALLOWED_DOMAINS` have together.",
  },
  REDIS_RESERVE: {
    group: 'quotas',
    value: v.integer(0, 50),
    default: '10',
    about:
      "Percent of Redis' `maxmemory` that are kept free for receipts, redelivery and erasing: beyond the rest new messages " +
      'are refused, and the process is not ready. In the 20 percent before that, shares shrink: who has most waiting is ' +
      'refused first. 0: nothing is kept.',
  },
  HTTP_HOST: {
    group: 'http',
    value: v.host,
    default: '127.0.0.1',
    about:
      'Where `/queues`, `/healthz`, `/readyz` and `/metrics` are served; `0.0.0.0` for all addresses. Not encrypted: when ' +
      'others reach it, put a proxy with TLS before it.',
  },
  HTTP_PORT: {
    group: 'http',
    value: v.integer(0, 65_535),
    default: '3184',
    about: 'The port there; 0 for any free one.',
  },
  DASHBOARD_USER: {
    group: 'http',
    value: v.userName,
    default: 'admin',
    about: 'The name to sign in to `/queues` with.',
  },
  DASHBOARD_PASSWORD: {
    group: 'http',
    value: v.secret,
    secret: true,
    about:
      'The password for `/queues`. Required unless `HTTP_HOST` is a loopback address; without it, `/queues` is open to ' +
      'whoever has an account on this machine.',
  },
  LOG_LEVEL: {
    group: 'process',
    value: v.oneOf(LOG_LEVELS),
    default: 'info',
    about:
      'What is logged: this and all that is graver. `debug` follows each message by its id, `trace` shows the head of each ' +
      'stanza that comes in; neither shows what users write.',
  },
  SHUTDOWN_TIMEOUT: {
    group: 'process',
    value: v.duration(600_000),
    default: '10s',
    about: 'How long the process may take to finish what is in hand when it is told to stop.',
  },
} as const satisfies Record<string, Setting>;

export type Name = keyof typeof SETTINGS;

export const NAMES = Object.keys(SETTINGS) as Name[];

type Read<S extends Setting> = S extends { value: v.Value<infer T> } ? T : never;

type Given<S extends Setting> = S extends { required: true } | { default: string } ? Read<S> : Read<S> | undefined;

/** What was read, by variable. */
export type Values = { readonly [N in Name]: Given<(typeof SETTINGS)[N]> };
