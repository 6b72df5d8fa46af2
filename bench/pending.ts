import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { accept } from '../src/store/contract.ts';
import { Ledger } from '../src/store/redis/ledger.ts';
import { RetryPolicy } from '../src/store/retry-policy.ts';
import { payloadDigest, recordKey } from '../src/xmpp/stanza/message-key.ts';
import { ALICE, BOB, BODY } from './addresses.ts';
import { median, redisMemory, tidyRedis, WINDOW } from './measure.ts';
import { type Place, Variant } from './variant.ts';

export interface PendingPlan {
  readonly rounds: number;
  /** Messages that are accepted in a measurement. */
  readonly accepted: number;
  /** Messages that are pending already. */
  readonly filled: number;
}

export interface Pending {
  /** Messages that were filled in. */
  readonly filled: number;
  /** Bytes a pending record, while the proxy accepts some and among those that were filled in. */
  readonly bytesAccepted: number;
  readonly bytesFilled: number;
  /** Messages accepted a second. */
  readonly perSecondNone: number;
  readonly perSecondFilled: number;
}

const DAY = 24 * 3600 * 1000;
const BATCH = 1000;
const WARM_UP = 20_000;

/** A Redis database of its own, so that a full ledger and an empty one can be measured in turn. */
function database(place: Place, index: number): Place {
  const address = new URL(place.redisUrl);
  address.pathname = `/${index}`;
  return { ...place, redisUrl: address.href, load: 'ascii' };
}

const ledgerIn = (redis: Redis) =>
  new Ledger(redis, {
    prefix: '{receipts}',
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

/** Resolves when no notice is owed: one that the peer has, but has not proved to have, a later variant would send again. */
async function settled(redis: Redis): Promise<void> {
  const ledger = ledgerIn(redis);
  while ((await ledger.figures()).owed > 0) await sleep(50);
}

/** Puts pending records into the ledger, in big batches; due only tomorrow, so that no sweep takes them up. */
async function fill(redis: Redis, count: number): Promise<void> {
  const ledger = ledgerIn(redis);
  const [sender, senderResource] = ALICE.split('/') as [string, string];
  const inner = `<body>${BODY}</body><request xmlns="urn:xmpp:receipts"/>`;
  const digest = payloadDigest(`<body>${BODY}</body>`);
  const storedAt = Date.now();
  const operation = (number: number) => {
    const wireId = `f-${number}`;
    const envelope = {
      sender,
      senderResource,
      recipient: BOB,
      recipientResource: '',
      wireId,
      senderId: wireId,
      owesReceipt: true,
      type: 'chat',
      otherAttributes: '',
    };
    const token = `fill${number.toString(36).padStart(8, '0')}`;
    const key = recordKey(sender, BOB, wireId);
    return accept({
      key,
      message: { ...envelope, inner },
      storedAt,
      digest,
      token,
      countable: false,
      alias: '',
      originId: undefined,
      target: '',
      quota: undefined,
    });
  };
  for (let number = 0; number < count; number += BATCH) {
    await ledger.batch(
      Array.from({ length: Math.min(BATCH, count - number) }, (_, i) => operation(number + i)),
      storedAt + DAY,
    );
  }
}

interface Accepting {
  readonly perSecond: number;
  readonly bytes: number;
}

/** Accepts messages that bob does not confirm yet; then he does. Gives messages a second and bytes each. */
async function accepting(place: Place, count: number, redis: Redis): Promise<Accepting> {
  await tidyRedis(redis);
  const variant = await Variant.start('c', place);
  const { peer } = variant;
  // Bob is known to confirm from here on, as most recipients are.
  peer.load(WINDOW);
  while (peer.journal.sent < WARM_UP) await sleep(10);
  await peer.drain();
  // What they take goes with them.
  await settled(redis);
  const before = await redisMemory(redis);
  const start = performance.now();
  await peer.accumulate(count, WINDOW);
  const perSecond = (1000 * count) / (performance.now() - start);
  const bytes = ((await redisMemory(redis)) - before) / count;
  await peer.release(WINDOW);
  await settled(redis);
  await variant.stop();
  return { perSecond, bytes };
}

/** What pending messages take in Redis, and whether many slow the proxy down. */
export async function pending(place: Place, plan: PendingPlan, say: (text: string) => void): Promise<Pending> {
  const [none, full] = [database(place, 0), database(place, 1)];
  const [empty, filled] = [new Redis(none.redisUrl), new Redis(full.redisUrl)];
  try {
    await empty.flushall();
    const before = await redisMemory(filled);
    say(`filling in ${plan.filled.toLocaleString('en')} pending messages`);
    await fill(filled, plan.filled);
    const bytesFilled = ((await redisMemory(filled)) - before) / plan.filled;
    const rounds: { none: Accepting; filled: Accepting }[] = [];
    for (let round = 0; round < plan.rounds; round += 1) {
      const one = async (): Promise<Accepting> => {
        await empty.flushdb();
        return accepting(none, plan.accepted, empty);
      };
      const other = (): Promise<Accepting> => accepting(full, plan.accepted, filled);
      // Whichever comes first, in turn: the first round with many also meets the doubling of Redis' tables at 2^20.
      const first = round % 2 === 0 ? await one() : await other();
      const second = round % 2 === 0 ? await other() : await one();
      const [withNone, withFilled] = round % 2 === 0 ? [first, second] : [second, first];
      rounds.push({ none: withNone, filled: withFilled });
      const [x, y] = [withNone, withFilled].map(({ perSecond }) => Math.round(perSecond));
      const bytes = `${Math.round(withNone.bytes)} bytes a record`;
      say(`accepts ${x} messages/s with none pending (${bytes}), ${y} with ${plan.filled.toLocaleString('en')}`);
    }
    return {
      filled: plan.filled,
      bytesAccepted: median(rounds.map((round) => round.none.bytes)),
      bytesFilled,
      perSecondNone: median(rounds.map((round) => round.none.perSecond)),
      perSecondFilled: median(rounds.map((round) => round.filled.perSecond)),
    };
  } finally {
    await empty.flushall();
    empty.disconnect();
    filled.disconnect();
  }
}
