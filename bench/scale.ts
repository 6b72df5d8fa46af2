import type { ChildProcess } from 'node:child_process';
import { Redis } from 'ioredis';
import { startRedis } from '../tests/support/servers/redis.ts';
import { startRedisCluster } from '../tests/support/servers/redis-cluster.ts';
import { median, redisCpu, tidyRedis, WINDOW } from './measure.ts';
import { Peer, pairs } from './peer.ts';
import { type Costs, capacity, SETUPS } from './scale-model.ts';
import { turns } from './turns.ts';
import { end, launch, type Place, usageOf } from './variant.ts';

export interface ScalePlan {
  readonly rounds: number;
  /** ms, of all rounds. */
  readonly limit: number;
  /** Messages before those that count, and these. */
  readonly warmUp: number;
  readonly measured: number;
}

interface Configuration {
  readonly processes: number;
  /** ACTIVE_PROCESSES. */
  readonly active: 'all' | 'one';
  readonly shards: number;
  /** Redis servers. */
  readonly servers: number;
}

/** The first is what the others are compared with. */
const CONFIGURATIONS = {
  base: { processes: 1, active: 'all', shards: 16, servers: 1 },
  'one shard': { processes: 1, active: 'all', shards: 1, servers: 1 },
  two: { processes: 2, active: 'all', shards: 16, servers: 1 },
  'two, one shard': { processes: 2, active: 'all', shards: 1, servers: 1 },
  'one of two': { processes: 2, active: 'one', shards: 16, servers: 1 },
  cluster: { processes: 1, active: 'all', shards: 16, servers: 3 },
  'two, cluster': { processes: 2, active: 'all', shards: 16, servers: 3 },
} as const satisfies Record<string, Configuration>;
type Name = keyof typeof CONFIGURATIONS;

/** What one round has measured; CPU in us a message, of each process. */
interface Round {
  readonly perSecond: number;
  readonly node: readonly number[];
  readonly redis: readonly number[];
  readonly peer: number;
  /** Commands that the processes have sent to Redis, a message. */
  readonly commands: number;
}

/** Medians of the rounds, and of their ratios to the first configuration. */
export interface Scale {
  readonly name: string;
  readonly configuration: Configuration;
  readonly measured: Round;
  readonly ratio: { readonly perSecond: number; readonly node: number; readonly redis: number };
}

/** 64: some in each of 16 shards. */
const PAIRS = 64;

/** On a busy machine no master is taken for dead. */
const PATIENT = { 'cluster-node-timeout': '60000' };

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);

async function one(place: Place, servers: readonly Redis[], plan: ScalePlan, of: Configuration): Promise<Round> {
  for (const redis of servers) {
    await redis.flushall();
    await tidyRedis(redis);
  }
  const connected = of.active === 'one' ? 1 : of.processes;
  const peer = await Peer.listen('real', connected);
  const own = { ...place, shards: of.shards, active: of.active };
  const online = (number: number) => ({
    port: peer.port,
    // Who stands by is there when the first is measured.
    online: number < connected ? peer.online : Promise.resolve(),
  });
  const children: ChildProcess[] = await Promise.all(
    Array.from({ length: of.processes }, (_, number) => launch('c', online(number), own)),
  );
  const sample = async () => {
    const [usages, redis] = await Promise.all([
      Promise.all(children.map((child) => usageOf(child))),
      Promise.all(servers.map((server) => redisCpu(server))),
    ]);
    const { user, system } = process.cpuUsage();
    const at = performance.now();
    return { usages, redis, peer: user + system, at, completed: peer.journal.completed };
  };
  peer.load(WINDOW, pairs(PAIRS));
  await peer.reaches(plan.warmUp);
  const before = await sample();
  await peer.reaches(plan.warmUp + plan.measured);
  const after = await sample();
  await peer.drain();
  await peer.close();
  await Promise.all(children.map((child) => end(child)));
  if (peer.journal.faultCount > 0) throw new Error(peer.journal.faults.join('\n  '));
  const messages = after.completed - before.completed;
  return {
    perSecond: (1000 * messages) / (after.at - before.at),
    node: after.usages.map(({ cpu }, i) => (cpu - (before.usages[i]?.cpu ?? 0)) / messages),
    redis: after.redis.map((cpu, i) => (cpu - (before.redis[i] ?? 0)) / messages),
    peer: (after.peer - before.peer) / messages,
    commands: sum(after.usages.map(({ commands }, i) => commands - (before.usages[i]?.commands ?? 0))) / messages,
  };
}

/** The median of each figure, of each process by itself. */
function middle(rounds: readonly Round[]): Round {
  const each = (figures: (round: Round) => readonly number[]) =>
    figures(rounds[0] as Round).map((_, i) => median(rounds.map((round) => figures(round)[i] as number)));
  const of = (figure: (round: Round) => number) => median(rounds.map(figure));
  return {
    perSecond: of(({ perSecond }) => perSecond),
    node: each(({ node }) => node),
    redis: each(({ redis }) => redis),
    peer: of(({ peer }) => peer),
    commands: of(({ commands }) => commands),
  };
}

const inWords = ({ perSecond, node, redis, peer, commands }: Round): string => {
  const list = (values: readonly number[]) => values.map((value) => value.toFixed(1)).join(' + ');
  return `${Math.round(perSecond)} messages/s; us a message: node ${list(node)}, Redis ${list(redis)}, peer ${peer.toFixed(1)}; ${commands.toFixed(3)} commands`;
};

/** All configurations in turn, in both directions: a machine's other work meets all of them. */
export async function scale(place: Place, plan: ScalePlan, say: (text: string) => void): Promise<Scale[]> {
  const alone = await startRedis();
  const cluster = await startRedisCluster({ replicas: false, appendfsync: 'everysec', settings: PATIENT });
  const single = [new Redis(alone.url)];
  const masters = cluster.startNodes.map((node) => new Redis(node));
  const names = Object.keys(CONFIGURATIONS) as Name[];
  const rounds: Record<Name, Round>[] = [];
  try {
    for (const turn of turns(plan.rounds, plan.limit)) {
      const round: Partial<Record<Name, Round>> = {};
      for (const name of turn % 2 === 0 ? names : names.toReversed()) {
        const of = CONFIGURATIONS[name];
        const where =
          of.servers === 1 ? { redisUrl: alone.url } : { redisUrl: cluster.url, cluster: cluster.addresses };
        round[name] = await one({ ...place, ...where }, of.servers === 1 ? single : masters, plan, of);
        say(`${name}: ${inWords(round[name])}`);
      }
      rounds.push(round as Record<Name, Round>);
    }
  } finally {
    for (const redis of [...single, ...masters]) redis.disconnect();
    await Promise.all([alone.stop(), cluster.stop()]);
  }
  return names.map((name) => {
    const ratio = (figure: (round: Round) => number) =>
      median(rounds.map((round) => figure(round[name]) / figure(round.base)));
    return {
      name,
      configuration: CONFIGURATIONS[name],
      measured: middle(rounds.map((round) => round[name])),
      ratio: {
        perSecond: ratio(({ perSecond }) => perSecond),
        node: ratio(({ node }) => sum(node)),
        redis: ratio(({ redis }) => sum(redis)),
      },
    };
  });
}

function costsOf(measured: readonly Scale[]): Costs {
  const of = (wanted: Name) => {
    const { node, redis } = (measured.find(({ name }) => name === wanted) as Scale).measured;
    return { node: sum(node), redis: sum(redis) };
  };
  return { one: of('base'), two: of('two'), oneInCluster: of('cluster'), twoInCluster: of('two, cluster') };
}

const list = (values: readonly number[]) => values.map((value) => value.toFixed(1)).join(' + ');

/** What was measured, and what follows from it on paper, as tables. */
export function scaleTables(measured: readonly Scale[]): { readonly seen: string[][]; readonly paper: string[][] } {
  const seen = measured.map(({ configuration: { processes, active, shards, servers }, measured: one, ratio }) => [
    processes === 1 ? '1' : `2, ${active} connected`,
    String(shards),
    servers === 1 ? 'one' : `cluster of ${servers}`,
    list(one.node),
    list(one.redis),
    one.peer.toFixed(1),
    one.commands.toFixed(3),
    ratio.node.toFixed(2),
    ratio.redis.toFixed(2),
    ratio.perSecond.toFixed(2),
  ]);
  const costs = costsOf(measured);
  const thousands = (value: number) => (1000 * Math.round(value / 1000)).toLocaleString('en');
  const paper = SETUPS.map((setup) => {
    const { node, redis, perSecond, limit } = capacity(costs, setup);
    return [
      String(setup.processes),
      String(setup.shards),
      setup.servers === 1 ? 'one' : `cluster of ${setup.servers}`,
      thousands(node),
      thousands(redis),
      thousands(perSecond),
      limit === 'node' ? 'the cores of the processes' : "a Redis server's core",
    ];
  });
  const head = ['processes', 'shards', 'Redis'];
  return {
    seen: [
      [
        ...head,
        'CPU us, each process',
        'each Redis',
        'peer',
        'commands',
        'processes / first',
        'Redis / first',
        'messages/s / first',
      ],
      ...seen,
    ],
    paper: [[...head, 'processes carry', 'Redis carries', 'messages/s', 'limited by'], ...paper],
  };
}
