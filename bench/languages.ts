import type { Redis } from 'ioredis';
import { median, throughput, tidyRedis } from './measure.ts';
import type { Load } from './texts.ts';
import { turns } from './turns.ts';
import { type Place, Variant } from './variant.ts';

export interface LanguagesPlan {
  /** Each of a turn of each language. */
  readonly rounds: number;
  /** ms, once for all: in it the languages take turns as well. */
  readonly warmUp: number;
  /** ms of a turn before what is measured, and of that. */
  readonly lead: number;
  readonly measure: number;
  /** ms, of all rounds. */
  readonly limit: number;
}

const LOADS = ['ascii', 'chinese', 'emoji'] as const satisfies Load[];
type Language = (typeof LOADS)[number];

/** What a message of 300 bytes costs this proxy and Redis, by what it says, us of CPU; and of the proxy's own in what one in ASCII does. */
export type Languages = Readonly<
  Record<Language, { readonly cpu: number; readonly redisCpu: number; readonly ratio: number }>
>;

/**
 * In short turns of one process, every other round in the opposite order: of processes that are started one after the other, two with
 * the same language differ by more than two languages do.
 */
export async function languages(
  place: Place,
  redis: Redis,
  plan: LanguagesPlan,
  say: (text: string) => void,
): Promise<Languages> {
  const costs = { ascii: [], chinese: [], emoji: [] } as Record<Language, { cpu: number; redisCpu: number }[]>;
  await redis.flushall();
  await tidyRedis(redis);
  const variant = await Variant.start('c', place);
  const turn = (load: Language, warmUp: number, measure: number) => {
    variant.peer.say(load);
    return throughput(variant, redis, { warmUp, measure });
  };
  const warm = plan.warmUp / 2 / LOADS.length;
  for (const load of [...LOADS, ...LOADS]) await turn(load, 0, warm);
  for (const round of turns(plan.rounds, plan.limit)) {
    for (const load of round % 2 === 0 ? LOADS : LOADS.toReversed())
      costs[load].push(await turn(load, plan.lead, plan.measure));
  }
  await variant.stop();
  const of = (load: Language) => ({
    cpu: median(costs[load].map(({ cpu }) => cpu)),
    redisCpu: median(costs[load].map(({ redisCpu }) => redisCpu)),
    ratio: median(costs[load].map(({ cpu }, i) => cpu / (costs.ascii[i]?.cpu ?? Number.NaN))),
  });
  const result = { ascii: of('ascii'), chinese: of('chinese'), emoji: of('emoji') };
  say(LOADS.map((load) => `${load}: ${result[load].ratio.toFixed(2)}`).join(', '));
  return result;
}

export const languagesTable = (measured: Languages): string[][] => [
  ['300 bytes of', 'own CPU us', 'to ASCII', 'Redis CPU us'],
  ...LOADS.map((load) => {
    const { cpu, redisCpu, ratio } = measured[load];
    return [load, cpu.toFixed(1), ratio.toFixed(2), redisCpu.toFixed(1)];
  }),
];
