import { type Cluster, Redis } from 'ioredis';
import { accept, type Envelope, type QuotaCheck } from '../../../src/store/contract.ts';
import { Ledger, type LedgerOptions } from '../../../src/store/redis/ledger.ts';
import { RetryPolicy } from '../../../src/store/retry-policy.ts';
import { encoded } from '../../../src/util/octets.ts';
import { payloadDigest, recordKey } from '../../../src/xmpp/stanza/message-key.ts';
import { opened } from '../process/opened.ts';

export const SECOND = 1000;
export const DAY = 24 * 3600 * SECOND;

export const TIMETABLE = {
  schedule: [30 * SECOND, 120 * SECOND],
  messageTtl: 7 * DAY,
  unconfirmedRetries: 1,
  unconfirmedRetryAfter: 900 * SECOND,
  receiptGap: 10 * SECOND,
};
export const RETRY = new RetryPolicy(TIMETABLE);

let ledgers = 0;

/** A ledger of its own (by its prefix) in a running Redis. */
export function openLedger(
  url: string,
  options: Partial<LedgerOptions> = {},
): { ledger: Ledger; redis: Redis; close(): void } {
  const redis = new Redis(url);
  const ledger = ledgerIn(redis, options);
  const closed = opened('a ledger', () => redis.disconnect());
  const close = () => {
    closed();
    redis.disconnect();
  };
  return { ledger, redis, close };
}

/** The same, by a connection that is there. */
export function ledgerIn(redis: Redis | Cluster, options: Partial<LedgerOptions> = {}): Ledger {
  ledgers += 1;
  return new Ledger(redis, {
    prefix: `{test${ledgers}}`,
    retry: RETRY,
    dedupWindow: 8 * DAY,
    undeliveredRetention: 30 * DAY,
    ...options,
  });
}

export interface Written {
  readonly id?: string;
  readonly originId?: string;
  readonly body?: string;
  readonly owesReceipt?: boolean;
  readonly token?: string;
  readonly at?: number;
  /** Further children. */
  readonly further?: string;
  readonly resource?: string;
  /** Whether a client may count such ids. */
  readonly countable?: boolean;
  /** The id of an earlier message. */
  readonly corrects?: string;
  readonly quota?: QuotaCheck;
  readonly sender?: string;
  readonly recipient?: string;
}

export const ALICE = 'alice@example.org';
export const BOB = 'bob@example.org';

/** The key of a message from alice to bob. */
export const keyOf = (id: string) => recordKey(ALICE, BOB, id);

let tokens = 0;

/** What a message does in the ledger: alice's to bob, unless something else is said. */
export function aliceWrites({
  id = 'm-1',
  originId,
  body = 'hello',
  owesReceipt = true,
  token,
  at,
  further = '',
  resource = 'phone',
  countable = false,
  corrects,
  quota,
  sender = ALICE,
  recipient = BOB,
}: Written = {}) {
  const key = (of: string) => recordKey(sender, recipient, of);
  const inner = encoded(`<body>${body}</body>${further}`);
  const envelope: Envelope = {
    sender,
    senderResource: resource,
    recipient,
    recipientResource: '',
    wireId: id,
    senderId: id,
    owesReceipt,
    type: 'chat',
    otherAttributes: '',
  };
  tokens += 1;
  const named = token ?? `t${tokens}`;
  const digest = payloadDigest(inner);
  const alias = originId !== undefined && originId !== id ? key(id) : '';
  return accept({
    key: key(originId ?? id),
    message: { ...envelope, inner },
    storedAt: at ?? Date.now(),
    digest,
    token: named,
    countable,
    alias,
    originId: alias === '' ? undefined : originId,
    target: corrects === undefined ? '' : key(corrects),
    quota,
  });
}

/** Where a record may be written over so that it can no longer be read, and still names its message: between its last fields. */
function weakSpot(value: string): number {
  return (/^[^\x1d\x1e]*\x1f/.exec(value)?.[0].length ?? 0) - 4;
}

/** Damages a record in that way. */
export async function spoil(redis: Redis, name: string): Promise<void> {
  const value = await redis.get(name);
  if (value === null) throw new Error('There is no such record');
  // The head and the fields are ASCII in these tests.
  await redis.setrange(name, weakSpot(value), '}}}}');
}
