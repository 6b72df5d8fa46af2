import type { Redis } from 'ioredis';
import { median, type Throughput, tidyRedis, underLoad, WINDOW } from './measure.ts';
import { pairs } from './peer.ts';
import { turns } from './turns.ts';
import { type Place, Variant } from './variant.ts';

export interface ShardsPlan {
  readonly rounds: number;
  /** ms, of all of them. */
  readonly limit: number;
  /** Messages that come before those that count, and these: not ms, so that a busy machine measures as many. */
  readonly warmUp: number;
  readonly measured: number;
  /** Pairs of users who write at the same time: with one, all is in one shard. */
  readonly pairs: number;
  /** Numbers of shards; each is compared with the first. */
  readonly counts: readonly number[];
}

const COSTS = ['redisCpu', 'cpu', 'perSecond'] as const;
type Cost = (typeof COSTS)[number];

interface Figure {
  /** The median of the rounds. */
  readonly value: number;
  /** In relation to the first number in the same round: median, and between what the middle half of the rounds lies. */
  readonly ratio: number;
  readonly middle: readonly [from: number, to: number];
}

/** What a number of shards costs on one Redis. */
export type ShardCost = { readonly shards: number } & Record<Cost, Figure>;

/** Measures (c) with each number in turn, in both directions by turns: a machine's other work meets all of them. */
export async function shardCosts(
  place: Place,
  redis: Redis,
  plan: ShardsPlan,
  say: (text: string) => void,
): Promise<ShardCost[]> {
  const rounds: Map<number, Throughput>[] = [];
  for (const number of turns(plan.rounds, plan.limit)) {
    const round = new Map<number, Throughput>();
    for (const shards of number % 2 === 0 ? plan.counts : plan.counts.toReversed()) {
      await redis.flushall();
      await tidyRedis(redis);
      const variant = await Variant.start('c', { ...place, shards });
      const { peer } = variant;
      peer.load(WINDOW, pairs(plan.pairs));
      const reach = (count: number) => () => peer.reaches(count);
      const costs = await underLoad(variant, redis, [reach(plan.warmUp), reach(plan.warmUp + plan.measured)]);
      await variant.stop();
      round.set(shards, costs);
      say(`${shards} shards: ${lineOf((cost) => costs[cost])}`);
    }
    rounds.push(round);
  }
  const [first = 1] = plan.counts;
  return plan.counts.map((shards) => {
    const values = (of: number, cost: Cost) => rounds.map((round) => round.get(of)?.[cost] ?? Number.NaN);
    const figure = (cost: Cost) => {
      const [own, base] = [values(shards, cost), values(first, cost)];
      return { value: median(own), ...spread(own.map((value, i) => value / (base[i] as number))) };
    };
    return { shards, redisCpu: figure('redisCpu'), cpu: figure('cpu'), perSecond: figure('perSecond') };
  });
}

function spread(ratios: readonly number[]): Pick<Figure, 'ratio' | 'middle'> {
  const sorted = [...ratios].sort((x, y) => x - y);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] as number;
  return { ratio: median(ratios), middle: [at(0.25), at(0.75)] };
}

const lineOf = (of: (cost: Cost) => number) =>
  `Redis ${of('redisCpu').toFixed(1)} us and the process ${of('cpu').toFixed(1)} us a message, ${Math.round(of('perSecond'))} messages/s`;

/** The noise is the middle half of the rounds: a cost that the bench shows is one where 1 lies outside of it. */
export function shardsReport(costs: readonly ShardCost[]): string {
  const line = ({ shards, ...of }: ShardCost) => {
    const ratios = COSTS.map((cost) => {
      const { ratio, middle } = of[cost];
      return `${ratio.toFixed(2)} (${middle.map((each) => each.toFixed(2)).join(' to ')})`;
    });
    return `${shards} shards: ${lineOf((cost) => of[cost].value)}; to ${costs[0]?.shards}: ${ratios.join(', ')}`;
  };
  return costs.map(line).join('\n');
}
