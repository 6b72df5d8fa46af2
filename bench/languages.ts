import type { Redis } from 'ioredis';
import { median, type Plan, throughput, tidyRedis } from './measure.ts';
import { type Place, Variant } from './variant.ts';

/** What a message of 300 bytes costs this proxy, by what it says, us of its own CPU. */
export interface Languages {
  readonly ascii: number;
  readonly chinese: number;
}

/** In turns: what the machine does meanwhile falls on both. */
export async function languages(
  place: Place,
  redis: Redis,
  plan: Plan,
  say: (text: string) => void,
): Promise<Languages> {
  const costs = { ascii: [] as number[], chinese: [] as number[] };
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const load of ['ascii', 'chinese'] as const) {
      await redis.flushall();
      await tidyRedis(redis);
      const variant = await Variant.start('c', { ...place, load });
      costs[load].push((await throughput(variant, redis, plan)).cpu);
      await variant.stop();
    }
  }
  const result = { ascii: median(costs.ascii), chinese: median(costs.chinese) };
  say(languagesReport(result));
  return result;
}

const languagesReport = ({ ascii, chinese }: Languages): string =>
  `A message in ASCII ${ascii.toFixed(1)} us of own CPU, in Chinese ${chinese.toFixed(1)}: ${(chinese / ascii).toFixed(2)} times`;
