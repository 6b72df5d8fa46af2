import type { Fault } from '../nemesis.ts';
import type { Random } from '../random.ts';
import type { Stage } from '../stage.ts';
import * as redis from './redis.ts';
import * as several from './redis-group.ts';

/** The Redis that has the ledger, or one of those that have it: killed or stopped. Where another one can take its place, it does. */
export function serverGone(stage: Stage, random: Random, how: 'killed' | 'hangs'): Fault {
  if (stage.group?.cluster !== undefined) return several.masterGone(stage, random, how);
  if (stage.group?.sentinel !== undefined) return several.primaryGone(stage, how);
  return how === 'killed' ? redis.killed(stage) : redis.hung(stage);
}

/** What can befall the ledger where it is, and how long that may last, ms. Acknowledgements wait for all replicas. */
export function anyOf(stage: Stage, random: Random): [Fault, number][] {
  if (stage.group?.cluster !== undefined) {
    return [
      [several.masterGone(stage, random, 'hangs'), 9000],
      [several.masterGone(stage, random, 'killed'), 6000],
      [several.clusterFailedOver(stage, random), 0],
      [several.resharded(stage, random), 0],
    ];
  }
  if (stage.group?.sentinel !== undefined) {
    return [
      [several.primaryGone(stage, 'hangs'), 6000],
      [several.primaryGone(stage, 'killed'), 6000],
      [several.sentinelFailedOver(stage, true), 0],
    ];
  }
  return [
    [redis.hung(stage), 9000],
    [redis.disconnected(stage), 0],
    [redis.scriptsFlushed(stage), 0],
  ];
}
