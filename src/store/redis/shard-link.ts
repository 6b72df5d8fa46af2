import type { Cluster, Redis } from 'ioredis';
import { masterOf, refreshed } from './cluster-nodes.ts';
import { type Argument, Constants } from './command-bytes.ts';
import type { ConnectionCheck } from './connection-check.ts';
import type { ClusterDurability, DurabilityWait } from './durability.ts';
import { slotOf } from './hash-slot.ts';
import type { Keys } from './keys.ts';
import { redisFault } from './redis-faults.ts';
import { callScript, type Script, scriptOf } from './script-call.ts';
import { BATCH, PROBE, STATUS, SWEEP } from './scripts.ts';
import { keysOf, scriptFor } from './shard-scripts.ts';

const SCRIPTS = {
  receiptsBatch: BATCH,
  receiptsSweep: SWEEP,
  receiptsStatus: STATUS,
  receiptsProbe: PROBE,
} as const;
export type LedgerScript = keyof typeof SCRIPTS;
/** What of a call is waited for: its answer, or that all it has written is kept as DURABILITY demands, strictly or if it can be had. */
export type Kept = 'answered' | 'kept' | 'keptIfPossible';

/** Carries out calls to shards that lie on one server. */
export interface ShardLink {
  /** What each call begins with: how many keys, and these. */
  readonly keys: Constants;
  /** Rejects with errors of ioredis, and with a DurabilityError. */
  call(script: LedgerScript, args: readonly Argument[], kept: Kept): Promise<unknown>;
}

type Scripts = Readonly<Record<LedgerScript, Script>>;

const scriptsFor = (isCluster: boolean) =>
  Object.fromEntries(
    Object.entries(SCRIPTS).map(([name, lua]) => [name, scriptOf(scriptFor({ isCluster }, lua))]),
  ) as Scripts;
const OF_ONE = scriptsFor(false);
const OF_CLUSTER = scriptsFor(true);

/** Whether calls of it are made one behind another, before the first is answered. */
const isOrdered = (script: LedgerScript) => script === 'receiptsBatch';

/** One server has all shards. */
class DirectLink implements ShardLink {
  readonly keys: Constants;
  readonly #redis: Redis;
  readonly #durability: DurabilityWait | undefined;

  constructor(redis: Redis, shards: readonly Keys[], durability: DurabilityWait | undefined) {
    this.keys = new Constants([shards.length, ...shards.map(({ prefix }) => prefix)]);
    this.#redis = redis;
    this.#durability = durability;
  }

  call(script: LedgerScript, args: readonly Argument[], kept: Kept): Promise<unknown> {
    const durability = this.#durability;
    const call = () => callScript(this.#redis, OF_ONE[script], args, isOrdered(script));
    if (kept === 'answered' || durability === undefined) return call();
    return kept === 'kept' ? durability.keep(call) : durability.keepIfPossible(call);
  }
}

/** How long a shard keeps what was written there only to see whether it takes it, ms. */
const WRITTEN_FOR = 60_000;
/** How often a call goes after a slot that has another master by now; then whoever made it tries again. */
const MOST_TURNS = 3;

/**
 * One shard in Redis Cluster. Calls go straight to the connection of the master that has its slot, and not by way of ioredis' Cluster,
 * which would not say which one has carried it out: WAIT has to go there. Whoever makes calls for a shard makes one after the other,
 * since one that meets a master which is not any more the right one is made again.
 */
export class ClusterLink implements ShardLink {
  readonly keys: Constants;
  readonly #cluster: Cluster;
  readonly #slot: number;
  readonly #written: string;
  readonly #durability: ClusterDurability | undefined;
  readonly #check: ConnectionCheck | undefined;

  constructor(
    cluster: Cluster,
    { prefix, durability: written }: Keys,
    durability: ClusterDurability | undefined,
    check?: ConnectionCheck,
  ) {
    this.#cluster = cluster;
    this.#slot = slotOf(prefix);
    this.keys = new Constants([2, ...keysOf(cluster, prefix)]);
    this.#written = written;
    this.#durability = durability;
    this.#check = check;
  }

  call(script: LedgerScript, args: readonly Argument[], kept: Kept): Promise<unknown> {
    return this.#carryOut((master) => callScript(master, OF_CLUSTER[script], args, isOrdered(script)), kept);
  }

  /**
   * Writes, to see whether it takes that, and keeps it as DURABILITY demands where it can. Rejects as {@link call}.
   *
   * @param what writes, by default something that nobody reads
   */
  async write(
    what: (master: Redis) => Promise<unknown> = (master) => master.set(this.#written, '1', 'PX', WRITTEN_FOR),
  ): Promise<void> {
    await this.#carryOut(what, 'keptIfPossible');
  }

  async #carryOut(call: (master: Redis) => Promise<unknown>, kept: Kept): Promise<unknown> {
    for (let turn = 1; ; turn += 1) {
      const master = await this.#master();
      try {
        if (this.#check?.isNew(master)) await this.#check.look(master);
        return await this.#callTo(master, call, kept);
      } catch (error) {
        const isElsewhere = /^(MOVED|READONLY)\b/.test(String((error as Error).message));
        if (isElsewhere && turn < MOST_TURNS) await refreshed(this.#cluster);
        else {
          // The next call finds what has taken its place.
          if (redisFault(error).kind === 'connection') void refreshed(this.#cluster);
          throw error;
        }
      }
    }
  }

  async #master(): Promise<Redis> {
    const known = masterOf(this.#cluster, this.#slot);
    if (known !== undefined) return known;
    if (this.#cluster.status === 'ready') await refreshed(this.#cluster);
    const found = masterOf(this.#cluster, this.#slot);
    if (found === undefined) throw new Error('No master of the cluster that has the slot is known');
    return found;
  }

  #callTo(master: Redis, call: (master: Redis) => Promise<unknown>, kept: Kept): Promise<unknown> {
    const durability = this.#durability;
    if (kept === 'answered' || durability === undefined) return call(master);
    const wait = durability.on(master);
    const itsCall = () => call(master);
    return kept === 'kept' ? wait.keep(itsCall, this.#written) : wait.keepIfPossible(itsCall, this.#written);
  }
}

/**
 * The way to these shards, which lie on one server: in a cluster, one.
 *
 * @param durability the kind that suits the connection
 * @param check in a cluster, before the first call over another connection
 */
export function linkOf(
  redis: Redis | Cluster,
  shards: readonly Keys[],
  durability: DurabilityWait | ClusterDurability | undefined,
  check?: ConnectionCheck,
): ShardLink {
  const needed = durability?.isNeeded ? durability : undefined;
  if ('nodes' in redis)
    return new ClusterLink(redis, shards[0] as Keys, needed as ClusterDurability | undefined, check);
  return new DirectLink(redis, shards, needed as DurabilityWait | undefined);
}
