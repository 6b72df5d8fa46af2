import type { Redis } from 'ioredis';
import { type Latency, median, PACE, quantiles, tidyRedis } from './measure.ts';
import { OTHERS } from './peer.ts';
import { turns } from './turns.ts';
import { type Place, Variant } from './variant.ts';

export interface FairnessPlan {
  readonly rounds: number;
  /** ms, of all of them. */
  readonly limit: number;
  /** Messages that one sender writes at once. */
  readonly flood: number;
  /** ms, without a flood and with it. */
  readonly paced: number;
}

/** What others' messages take until their forward arrives, ms; medians of the rounds. */
export interface Fairness {
  readonly flood: number;
  readonly without: Latency;
  readonly during: Latency;
  /** p99 during a flood, in those without. */
  readonly ratio: number;
  /** Messages a second that the floods were worked off at. */
  readonly perSecond: number;
}

/** ms */
const WARM_UP = 1000;

/** What one round has measured. */
export interface Round {
  readonly without: Latency;
  readonly during: Latency;
  readonly perSecond: number;
}

/**
 * How the flood comes. `in turns`: 8 KiB at a time, as Prosody reads from a client at once (Openfire reads 2 to 64), and no more
 * before the component has taken them. `far ahead`: by a server that reads on from the one who floods until the component has
 * 100 KiB to read before anything else that comes.
 */
const WAYS = {
  'in turns': { piece: 20, ahead: 1 },
  'far ahead': { piece: 64, ahead: 4 },
} as const;
export type Way = keyof typeof WAYS;

async function one(place: Place, redis: Redis, way: Way, { flood: count, paced }: FairnessPlan): Promise<Round> {
  await redis.flushall();
  await tidyRedis(redis);
  const variant = await Variant.start('c', { ...place, hasQuotas: true });
  const { peer } = variant;
  const flood = { count, ...WAYS[way] };
  // Once before, so that neither is measured while code is compiled.
  await peer.paced(PACE, WARM_UP, flood, OTHERS);
  const without = quantiles(await peer.paced(PACE, paced, undefined, OTHERS));
  const [start, before] = [performance.now(), peer.journal.sent];
  // One flood after the other, so that each of the other's messages meets one.
  const during = quantiles(await peer.paced(PACE, paced, flood, OTHERS));
  const perSecond = (1000 * (peer.journal.sent - before)) / (performance.now() - start);
  await variant.stop();
  return { without, during, perSecond };
}

export function inWords({ without, during, perSecond }: Round): string {
  const words = ({ p50, p99 }: Latency) => `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`;
  return `${words(without)}; during a flood (${Math.round(perSecond)} messages/s) ${words(during)}`;
}

/** Medians of the rounds. */
export function summary({ flood }: FairnessPlan, rounds: readonly Round[]): Fairness {
  const of = (latency: (round: Round) => Latency): Latency => ({
    p50: median(rounds.map((round) => latency(round).p50)),
    p99: median(rounds.map((round) => latency(round).p99)),
  });
  return {
    flood,
    without: of(({ without }) => without),
    during: of(({ during }) => during),
    ratio: median(rounds.map(({ without, during }) => during.p99 / without.p99)),
    perSecond: median(rounds.map(({ perSecond }) => perSecond)),
  };
}

/** How much longer the messages of others take while one sender floods. */
export async function fairness(
  place: Place,
  redis: Redis,
  plan: FairnessPlan,
  say: (text: string) => void,
): Promise<Record<Way, Fairness>> {
  const rounds: Record<Way, Round[]> = { 'in turns': [], 'far ahead': [] };
  for (const _ of turns(plan.rounds, plan.limit)) {
    for (const way of Object.keys(WAYS) as Way[]) {
      const measured = await one(place, redis, way, plan);
      rounds[way].push(measured);
      say(`${way}: ${inWords(measured)}`);
    }
  }
  return { 'in turns': summary(plan, rounds['in turns']), 'far ahead': summary(plan, rounds['far ahead']) };
}
