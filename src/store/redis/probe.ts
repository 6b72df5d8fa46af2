import { randomBytes } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import type { StoreMark, StoreProbe } from '../contract.ts';
import { decodeScript } from './codec/script-replies.ts';
import type { ClusterDurability, DurabilityWait } from './durability.ts';
import { LEDGER_FORMAT } from './format.ts';
import { Keys } from './keys.ts';
import { NEEDED_COMMANDS } from './needed-commands.ts';
import { PartlyError } from './redis-faults.ts';
import { LEAST_BEHIND } from './restored-copy.ts';
import { REHEARSE } from './scripts.ts';
import { ClusterLink, linkOf, type ShardLink } from './shard-link.ts';
import type { ShardMarks } from './shard-marks.ts';
import { keysOf, scriptFor } from './shard-scripts.ts';
import type { Shards } from './shards.ts';

/** How long it is remembered that a self-ping is of this Redis' processes, ms. */
const TOKEN_FOR = 120_000;

/** In a cluster each of them is looked at. */
type ProbedShards = Pick<Shards, 'count'> & Partial<Pick<Shards, 'keys'>>;

/** Writes that have no other purpose than to see whether, and where, Redis takes them. Rejects with errors of ioredis. */
export class Probe implements StoreProbe {
  readonly #redis: Redis | Cluster;
  readonly #keys: Keys;
  readonly #link: ShardLink;
  readonly #durability: ClusterDurability | undefined;
  readonly #shards: ProbedShards;
  readonly #marks: ShardMarks | undefined;

  /**
   * @param shards how many a new ledger has
   * @param marks in a cluster, of its shards
   */
  constructor(
    redis: Redis | Cluster,
    prefix: string,
    durability?: DurabilityWait | ClusterDurability,
    shards: ProbedShards = { count: 1 },
    marks?: ShardMarks,
  ) {
    this.#marks = marks;
    this.#shards = shards;
    this.#redis = redis;
    this.#keys = new Keys(prefix);
    this.#link = linkOf(redis, [this.#keys], durability);
    this.#durability = durability?.isNeeded && 'on' in durability ? durability : undefined;
  }

  /** Writes, and reads the ledger's mark once that is kept as DURABILITY demands. */
  async write(): Promise<StoreMark> {
    const id = randomBytes(9).toString('base64url');
    const args = [this.#link.keys, id, LEDGER_FORMAT, this.#shards.count];
    if (!this.#redis.isCluster)
      return decodeScript('probe', await this.#link.call('receiptsProbe', args, 'keptIfPossible'));
    const marks = this.#marks;
    const [called] = await Promise.allSettled([this.#link.call('receiptsProbe', args, 'keptIfPossible')]);
    // That it is a part says more than why the call for the ledger's mark, which lies in one, was not taken.
    if (called.status === 'rejected' || marks === undefined) await this.#writeToShards((link) => link.write());
    if (called.status === 'rejected') throw called.reason;
    const mark = decodeScript('probe', called.value);
    if (marks === undefined) return mark;
    if ((mark.shards ?? this.#shards.count) === this.#shards.count) return this.#noteInShards(mark, marks);
    // It has another number of them, as whoever asks learns by this.
    await this.#writeToShards((link) => link.write());
    return mark;
  }

  async #noteInShards(mark: StoreMark, marks: ShardMarks): Promise<StoreMark> {
    // Before anything is noted: that takes the place of what would show an older copy.
    const beside = await marks.read(mark);
    let highest = 0;
    const note = async (master: Redis, shard: number) => {
      highest = Math.max(highest, await marks.note(shard, master, mark));
    };
    const [noted] = await Promise.allSettled([
      this.#writeToShards((link, shard) => link.write((master) => note(master, shard))),
    ]);
    const [kept] = await Promise.allSettled([marks.keep(beside)]);
    if (noted.status === 'rejected') throw noted.reason;
    if (kept.status === 'rejected') throw kept.reason;
    const wasFound = beside.found?.id === mark.id && highest <= beside.found.count;
    const isOlder = highest > mark.count + LEAST_BEHIND && !wasFound;
    marks.markIsOlder(isOlder);
    return { ...mark, parts: marks.found, ...(isOlder && { highest }) };
  }

  /** Throws a {@link PartlyError} when some of the shards take no writes. */
  async #writeToShards(write: (link: ClusterLink, shard: number) => Promise<void>): Promise<void> {
    const { keys = [] } = this.#shards;
    const cluster = this.#redis as Cluster;
    const writes = keys.map((shard, i) => write(new ClusterLink(cluster, shard, this.#durability), i));
    const failed = (await Promise.allSettled(writes)).flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    if (failed.length > 0) throw new PartlyError(`${failed.length} of ${writes.length} shards`, failed[0]);
  }

  /**
   * The format of the ledger, where it is one that this version does not know; else undefined. It is marked when an older one has
   * been taken over (preparation.ts).
   */
  async newerFormat(): Promise<number | undefined> {
    const name = this.#keys.identity;
    const found = Number(await this.#redis.hget(name, 'format')) || 0;
    return found > LEDGER_FORMAT ? found : undefined;
  }

  /** The commands that this connection's user may not give. */
  async denied(): Promise<string[]> {
    const calls = NEEDED_COMMANDS.flatMap(([name, ...args]) => [args.length, name, ...args]);
    // Each node of a cluster has users of its own.
    const all = this.#redis.isCluster ? [this.#keys, ...(this.#shards.keys ?? [])] : [this.#keys];
    const denied = await Promise.all(all.map(({ prefix }) => this.#rehearse(prefix, calls)));
    return [...new Set(denied.flat())];
  }

  async #rehearse(prefix: string, calls: readonly (string | number)[]): Promise<string[]> {
    const names = keysOf(this.#redis, prefix);
    const lua = scriptFor(this.#redis, REHEARSE);
    return decodeScript('rehearse', await this.#redis.eval(lua, names.length, ...names, ...calls));
  }

  /** Remembers ids of stanzas that this Redis' processes sent to themselves. */
  async register(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#redis.set(this.#keys.selfPing(id), '1', 'PX', TOKEN_FOR)));
  }

  /** Whether {@link register} was given this id, by whichever process. */
  async knows(id: string): Promise<boolean> {
    return (await this.#redis.exists(this.#keys.selfPing(id))) === 1;
  }
}
