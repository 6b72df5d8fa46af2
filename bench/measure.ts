import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Pair } from './peer.ts';
import type { Variant } from './variant.ts';

/** Messages in flight. */
export const WINDOW = 1000;
/** Messages a second where latency is measured. */
export const PACE = 100;

/** How long each part takes, ms; the last of all rounds. */
export interface Plan {
  readonly rounds: number;
  readonly limit: number;
  readonly warmUp: number;
  readonly measure: number;
  readonly paced: number;
}

export interface Throughput {
  readonly perSecond: number;
  /** us a message. */
  readonly cpu: number;
  readonly redisCpu: number;
  /** Commands sent, a message. */
  readonly commands: number;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((x, y) => x - y);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

async function infoField(redis: Redis, section: string, names: readonly string[]): Promise<number> {
  const info = await redis.info(section);
  return names.reduce((sum, name) => sum + Number(info.match(new RegExp(`^${name}:(.*?)\\r?$`, 'm'))?.[1]), 0);
}

/** us that Redis has computed so far. */
export const redisCpu = async (redis: Redis) =>
  1e6 * (await infoField(redis, 'cpu', ['used_cpu_user', 'used_cpu_sys']));

/** Bytes that Redis holds, but for what is on its way in or out. */
export async function redisMemory(redis: Redis): Promise<number> {
  const held = await infoField(redis, 'memory', ['used_memory']);
  return held - (await infoField(redis, 'memory', ['mem_clients_normal', 'mem_aof_buffer']));
}

/**
 * Has Redis rewrite its append-only file now, and not of itself later: a copy of Redis that takes a core for seconds,
 * in whichever measurement it falls, would measure what came before that.
 */
export async function tidyRedis(redis: Redis): Promise<void> {
  await redis.config('SET', 'auto-aof-rewrite-percentage', '0');
  // One that Redis has begun by itself is waited for.
  await rewritten(redis);
  await redis.bgrewriteaof();
  await rewritten(redis);
}

async function rewritten(redis: Redis): Promise<void> {
  const states = ['aof_rewrite_in_progress', 'aof_rewrite_scheduled'];
  do await sleep(100);
  while ((await infoField(redis, 'persistence', states)) > 0);
}

/** Messages a second with {@link WINDOW} in flight, and what each costs, once each of these pairs has written. */
export function throughput(
  variant: Variant,
  redis: Redis,
  { warmUp, measure }: Pick<Plan, 'warmUp' | 'measure'>,
  pairs: readonly Pair[] = [],
): Promise<Throughput> {
  const { peer } = variant;
  peer.load(WINDOW, ...(pairs.length > 0 ? [pairs] : []));
  // The first message to somebody costs more than those after it.
  const warmedUp = () => Promise.all([sleep(warmUp), peer.reaches(pairs.length)]);
  return underLoad(variant, redis, [warmedUp, () => sleep(measure)]);
}

/** What the load that has begun costs from the end of the first wait to that of the second; then the load ends. */
export async function underLoad(
  variant: Pick<Variant, 'peer' | 'usage'>,
  redis: Redis,
  [warmUp, measure]: readonly [() => Promise<unknown>, () => Promise<unknown>],
): Promise<Throughput> {
  const { peer } = variant;
  const sample = async () => {
    const [usage, redisUs] = await Promise.all([variant.usage(), redisCpu(redis)]);
    return { ...usage, redisUs, at: performance.now(), completed: peer.journal.completed };
  };
  await warmUp();
  const before = await sample();
  await measure();
  const after = await sample();
  await peer.drain();
  const messages = after.completed - before.completed;
  return {
    perSecond: (1000 * messages) / (after.at - before.at),
    cpu: (after.cpu - before.cpu) / messages,
    redisCpu: (after.redisUs - before.redisUs) / messages,
    commands: (after.commands - before.commands) / messages,
  };
}

export function quantiles(latencies: readonly number[]): Latency {
  const sorted = [...latencies].sort((x, y) => x - y);
  const at = (share: number) => sorted[Math.floor(share * sorted.length)] as number;
  return { p50: at(0.5), p99: at(0.99) };
}

/** How long a message takes until its forward arrives, at {@link PACE} a second. */
export async function latency({ peer }: Variant, { paced }: Plan, pairs?: readonly Pair[]): Promise<Latency> {
  return quantiles(await peer.paced(PACE, paced, undefined, pairs));
}
