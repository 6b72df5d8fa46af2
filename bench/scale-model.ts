// How far it scales, on paper: from what a message costs in each process, which of them is the first that has no more to give.

/** What a message costs, us of CPU: of all component processes together, and of all Redis servers together. */
export interface Cost {
  readonly node: number;
  readonly redis: number;
}

/** Measured costs: of one and of two processes, on one Redis and on a cluster, with as many shards as there are by default. */
export interface Costs {
  readonly one: Cost;
  readonly two: Cost;
  readonly oneInCluster: Cost;
  readonly twoInCluster: Cost;
}

export interface Setup {
  readonly processes: number;
  readonly shards: number;
  /** Redis servers; more than one are masters of a cluster. */
  readonly servers: number;
}

export interface Capacity extends Setup {
  /** Messages a second that its processes carry, and its Redis servers. */
  readonly node: number;
  readonly redis: number;
  readonly perSecond: number;
  readonly limit: 'node' | 'Redis';
}

/** us that a core has in a second. */
const CORE = 1e6;

/**
 * What a message costs with several processes. The server deals stanzas to them in turn, so that the receipt comes to another
 * process than its message did, which costs something, (n - 1) / n times: half of the times with two, as measured.
 */
function among(processes: number, one: number, two: number): number {
  return one + (two - one) * 2 * (1 - 1 / processes);
}

/** The part of all that the busiest of the servers has: shards are not divided. */
function busiest({ shards, servers }: Setup): number {
  return Math.ceil(shards / servers) / shards;
}

/** What a set-up carries if nothing but its own processes limits it, each with a core of its own. */
export function capacity(costs: Costs, setup: Setup): Capacity {
  const { processes, servers } = setup;
  const [one, two] = servers === 1 ? [costs.one, costs.two] : [costs.oneInCluster, costs.twoInCluster];
  const node = (processes * CORE) / among(processes, one.node, two.node);
  const redis = CORE / (among(processes, one.redis, two.redis) * busiest(setup));
  return { ...setup, node, redis, perSecond: Math.min(node, redis), limit: node <= redis ? 'node' : 'Redis' };
}

/** 1, 4 and 16 processes on one Redis, and on a cluster of as many masters as there are shards. */
export const SETUPS: readonly Setup[] = [1, 4, 16].flatMap((processes) => [
  { processes, shards: 1, servers: 1 },
  { processes, shards: 16, servers: 1 },
  { processes, shards: 4, servers: 4 },
  { processes, shards: 16, servers: 16 },
]);
