import type { Redis } from 'ioredis';
import { type Latency, median, PACE, quantiles, tidyRedis } from './measure.ts';
import { type Place, Variant } from './variant.ts';

export interface FairnessPlan {
  readonly rounds: number;
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

async function one(place: Place, redis: Redis, { flood, paced }: FairnessPlan): Promise<Round> {
  await redis.flushall();
  await tidyRedis(redis);
  const variant = await Variant.start('c', { ...place, hasQuotas: true });
  const { peer } = variant;
  // Once before, so that neither is measured while code is compiled.
  await peer.paced(PACE, WARM_UP, flood);
  const without = quantiles(await peer.paced(PACE, paced));
  const [start, before] = [performance.now(), peer.journal.sent];
  // One flood after the other, so that each of the other's messages meets one.
  const during = quantiles(await peer.paced(PACE, paced, flood));
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
): Promise<Fairness> {
  const rounds: Round[] = [];
  for (let round = 0; round < plan.rounds; round += 1) {
    const measured = await one(place, redis, plan);
    rounds.push(measured);
    say(inWords(measured));
  }
  return summary(plan, rounds);
}
