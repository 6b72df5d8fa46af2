import type { Redis } from 'ioredis';
import { accept } from '../src/store/contract.ts';
import { Ledger } from '../src/store/redis/ledger.ts';
import { DEFAULT_SHARDS } from '../src/store/redis/shards.ts';
import { RetryPolicy } from '../src/store/retry-policy.ts';
import { payloadDigest, recordKey } from '../src/xmpp/stanza/message-key.ts';
import { ALICE, BOB, BODY } from './addresses.ts';
import type { Place } from './variant.ts';

export const DAY = 24 * 3600 * 1000;
export const BATCH = 1000;
/** A Redis database of its own, so that a full ledger and an empty one can be measured in turn. */
export function database(place: Place, index: number): Place {
  const address = new URL(place.redisUrl);
  address.pathname = `/${index}`;
  return { ...place, redisUrl: address.href, load: 'ascii' };
}

export const ledgerIn = (redis: Redis) =>
  new Ledger(redis, {
    prefix: '{receipts}',
    shards: DEFAULT_SHARDS,
    retry: new RetryPolicy({
      schedule: [30_000],
      messageTtl: 7 * DAY,
      unconfirmedRetries: 1,
      unconfirmedRetryAfter: 900_000,
      receiptGap: 10_000,
    }),
    dedupWindow: 8 * DAY,
    undeliveredRetention: 30 * DAY,
  });

const [SENDER, SENDER_RESOURCE] = ALICE.split('/') as [string, string];
const INNER = `<body>${BODY}</body><request xmlns="urn:xmpp:receipts"/>`;
const DIGEST = payloadDigest(`<body>${BODY}</body>`);

/** A message of 300 bytes from alice to bob, as it is given to the ledger. */
export function acceptance(number: number, storedAt: number) {
  const wireId = `f-${number}`;
  const envelope = {
    sender: SENDER,
    senderResource: SENDER_RESOURCE,
    recipient: BOB,
    recipientResource: '',
    wireId,
    senderId: wireId,
    owesReceipt: true,
    type: 'chat',
    otherAttributes: '',
  };
  return accept({
    key: recordKey(SENDER, BOB, wireId),
    message: { ...envelope, inner: INNER },
    storedAt,
    digest: DIGEST,
    token: `fill${number.toString(36).padStart(8, '0')}`,
    countable: false,
    alias: '',
    originId: undefined,
    target: '',
    quota: undefined,
  });
}
