import type { Setting } from './setting.ts';
import * as v from './values.ts';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Dashboard, log and process. */
export const processSettings = {
  HTTP_HOST: {
    group: 'http',
    value: v.host,
    default: '127.0.0.1',
    about:
      'Where the console, `/queues`, `/healthz`, `/readyz` and `/metrics` are served; `0.0.0.0` for all addresses. Not ' +
      'encrypted: when others reach it, put a proxy with TLS before it.',
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
    about: 'The name to sign in to the console and `/queues` with.',
  },
  DASHBOARD_PASSWORD: {
    group: 'http',
    value: v.secret,
    secret: true,
    about:
      'The password for the console and `/queues`. Required unless `HTTP_HOST` is a loopback address; without it, both are ' +
      'open to whoever has an account on this machine.',
  },
  LOG_LEVEL: {
    group: 'process',
    value: v.oneOf(LOG_LEVELS),
    default: 'info',
    about:
      'The lowest level that is logged. `debug` follows each message by its id, `trace` shows the head of each ' +
      'stanza that comes in; neither shows what users write, unless `LOG_BODIES` is set ([troubleshooting.md](troubleshooting.md)).',
  },
  LOG_BODIES: {
    group: 'process',
    value: v.boolean,
    default: 'false',
    about:
      'Whether `LOG_LEVEL=debug` and `trace` show what users write. **Everybody who can read the log then reads their chats**, ' +
      'and so does whatever collects it; set it only to look for a fault, and only for as long as that takes.',
  },
  ACTIVE_PROCESSES: {
    group: 'process',
    value: v.oneOf(['all', 'one']),
    default: 'all',
    about:
      'How many of the processes that serve one domain are connected to the XMPP server. `all`: each takes a share of what it sends, and ' +
      'messages of one conversation may change their order; `one`: one at a time, which keeps their order, while the others stand by. ' +
      'The same for all of them. See [operations.md](operations.md#more-than-one-process).',
  },
  TRACE_MESSAGES: {
    group: 'process',
    value: v.duration(30 * 86_400_000),
    example: '24h',
    about:
      'For how long each step of each message is kept for the console ([console.md](console.md)), also after it was ' +
      'delivered: addresses, ids, times and reasons, and with `LOG_BODIES` what users write. Unset, nothing is kept. It takes ' +
      'up to 60 MB of Redis, for the newest 250,000 steps or so, and one more operation a message.',
  },
  TRACE_SPANS: {
    group: 'process',
    value: v.oneOf(['off', 'digests', 'addresses']),
    default: 'off',
    about:
      'Whether each message is a span of OpenTelemetry, exported by OTLP over HTTP: with digests in place of addresses, or with ' +
      'the `addresses` of senders and recipients; never with what users write. Where to is in the SDK’s own variables, such as ' +
      '`OTEL_EXPORTER_OTLP_ENDPOINT`. It needs packages that are not installed with this one: see ' +
      '[operations.md](operations.md#traces).',
  },
  SHUTDOWN_TIMEOUT: {
    group: 'process',
    value: v.duration(600_000),
    default: '10s',
    about: 'How long the process may take to finish current work after SIGTERM or SIGINT.',
  },
} as const satisfies Record<string, Setting>;
