import type { Setting } from './setting.ts';
import * as v from './values.ts';

/** What happens to a message. */
export const messageSettings = {
  ACK_FORMAT: {
    group: 'messages',
    value: v.oneOf(['receipt', 'stored', 'none']),
    default: 'receipt',
    about:
      'How a message with a request for a receipt is acknowledged to its sender. `receipt`: with our element for "stored" and an ' +
      "XEP-0184 receipt; `stored`: with our element only, for clients that take every receipt for the recipient's (Smack); " +
      '`none`: not at all.',
  },
  ACK_FROM: {
    group: 'messages',
    value: v.oneOf(['component', 'recipient']),
    default: 'component',
    about:
      'The `from` of the acknowledgement. `component`: the component domain, so that chat clients do not show it as delivered; `recipient`: the ' +
      'recipient, for clients that accept receipts from nobody else, and which then show the message as delivered.',
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
      'How long the proxy waits for the receipt of an earlier message after the receipt of a later one from the same session; ' +
      'then the earlier message is sent again.',
  },
  REDELIVERY_WINDOW: {
    group: 'messages',
    value: v.integer(1, 10_000),
    default: '32',
    about: 'How many unconfirmed messages may be in flight to a recipient who logs in and has missed messages.',
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
      'one, or does so to contacts only. His client may not support receipts, and then shows each copy.',
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
} as const satisfies Record<string, Setting>;
