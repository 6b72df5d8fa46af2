import type { Setting } from './setting.ts';
import * as v from './values.ts';

/** What one sender may take. */
export const quotaSettings = {
  SENDER_RATE: {
    group: 'quotas',
    value: v.integer(0, 1_000_000),
    default: '100',
    about:
      'How many stanzas a second one user may send for long, in each process; each KiB of a larger one counts as one, ' +
      'of a request (IQ) each 16 KiB. Stanzas beyond that are refused with `resource-constraint`; receipts never are. ' +
      '0: no limit.',
  },
  SENDER_BURST: {
    group: 'quotas',
    value: v.integer(1, 1_000_000),
    default: '2000',
    about:
      'How many he may send at once after a pause. While the store is busy as many may wait for their turn; further messages ' +
      'and requests are refused at once. What one sender sends at once is what the others wait for.',
  },
  SENDER_PENDING: {
    group: 'quotas',
    value: v.integer(0, 500_000),
    default: '20000',
    about:
      'How many messages of one sender may wait for a receipt, for up to `MESSAGE_TTL`; further ones are refused with ' +
      '`resource-constraint` until some of them have ended. 0: no limit.',
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
      'How many messages of one sender to one recipient may wait for a receipt. 0: no limit. Set it higher for a bot ' +
      'that writes more than once a minute to somebody whose client returns none.',
  },
  DOMAIN_SHARES: {
    group: 'quotas',
    value: v.integer(1, 10_000),
    default: '10',
    about: "How many senders' quotas all users of one domain of `ALLOWED_DOMAINS` have together.",
  },
  REDIS_RESERVE: {
    group: 'quotas',
    value: v.integer(0, 50),
    default: '10',
    about:
      "Percent of Redis' `maxmemory` that are kept free for receipts, redelivery and erasing: beyond that, new messages " +
      'are refused, and the process is not ready. In the 20 percent before that, quotas shrink: who has most waiting is ' +
      'refused first. 0: no reserve.',
  },
} as const satisfies Record<string, Setting>;
