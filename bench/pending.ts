import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type Delivered, delivered } from './delivered.ts';
import { acceptance, BATCH, DAY, database, ledgerIn } from './filling.ts';
import { median, redisMemory, tidyRedis, WINDOW } from './measure.ts';
import { turns } from './turns.ts';
import { type Place, Variant } from './variant.ts';

export interface PendingPlan {
  readonly rounds: number;
  /** ms, of all of them. */
  readonly limit: number;
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
  readonly delivered: Delivered;
  /** Messages accepted a second. */
  readonly perSecondNone: number;
  readonly perSecondFilled: number;
}

const WARM_UP = 20_000;

/** Resolves when no notice is owed: one that the peer has, but has not proved to have, a later variant would send again. */
async function settled(redis: Redis): Promise<void> {
  const ledger = ledgerIn(redis);
  while ((await ledger.figures()).owed > 0) await sleep(50);
}

/** Puts pending records into the ledger, in big batches; due only tomorrow, so that no sweep takes them up. */
async function fill(redis: Redis, count: number): Promise<void> {
  const ledger = ledgerIn(redis);
  const storedAt = Date.now();
  for (let number = 0; number < count; number += BATCH) {
    await ledger.batch(
      Array.from({ length: Math.min(BATCH, count - number) }, (_, i) => acceptance(number + i, storedAt)),
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
    const ended = await delivered(place, plan.filled, say);
    const before = await redisMemory(filled);
    say(`filling in ${plan.filled.toLocaleString('en')} pending messages`);
    await fill(filled, plan.filled);
    const bytesFilled = ((await redisMemory(filled)) - before) / plan.filled;
    const rounds: { none: Accepting; filled: Accepting }[] = [];
    for (const round of turns(plan.rounds, plan.limit)) {
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
      delivered: ended,
      perSecondNone: median(rounds.map((round) => round.none.perSecond)),
      perSecondFilled: median(rounds.map((round) => round.filled.perSecond)),
    };
  } finally {
    await empty.flushall();
    empty.disconnect();
    filled.disconnect();
  }
}
