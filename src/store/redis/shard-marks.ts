import type { Cluster, Redis } from 'ioredis';
import type { StoreMark } from '../contract.ts';
import { decodeScript } from './codec/script-replies.ts';
import type { ConnectionCheck } from './connection-check.ts';
import type { Keys } from './keys.ts';
import { LEAST_BEHIND } from './restored-copy.ts';
import { callScript, scriptOf } from './script-call.ts';
import { MARK } from './scripts.ts';
import { keysOf, scriptFor } from './shard-scripts.ts';
import type { Shards } from './shards.ts';

type Identity = Pick<StoreMark, 'id' | 'count'>;

/** What of the ledger's mark is beside its count: by shard what was noted there last, and what was found of a restored copy before. */
interface Beside {
  readonly kept: readonly (number | undefined)[];
  readonly found: { readonly id: string; readonly count: number } | undefined;
}

/** The field of the ledger's mark that says what was noted in a shard. */
const fieldOf = (shard: number) => `shard:${shard}`;
const SCRIPT = scriptOf(scriptFor({ isCluster: true }, MARK));

/**
 * Marks in the shards of a Redis Cluster. The ledger's own, which lies in one slot, cannot tell that another master was set back to an older
 * copy, so each shard notes its count, and it keeps what each has noted: whichever master is set back, the others remember more than it has.
 */
export class ShardMarks {
  readonly #cluster: Cluster;
  readonly #shards: Shards;
  readonly #messageTtl: number;
  #id: string | undefined;
  /** By shard: the count that was noted there. */
  #kept: number[] = [];
  /**
   * By shard of which nothing is kept yet: since which count this process knows of a mark there. A ledger of a version before this one has a
   * high count when its first marks are made, and a replica that takes over then lacks them.
   */
  #since: number[] = [];
  /** By shard: the connection over which it was looked at. */
  readonly #looked: unknown[] = [];
  /** By shard: what any process has found there last. */
  #foundIn: number[] = [];
  #older = 0;
  #isMarkOlder = false;
  #emptied = 0;

  constructor(cluster: Cluster, shards: Shards, messageTtl: number) {
    this.#cluster = cluster;
    this.#shards = shards;
    this.#messageTtl = messageTtl;
  }

  /**
   * Whether the ledger's own mark is set back: the shards remember a later one. Until that is noted beside it, which takes a few calls, every
   * probe finds the same.
   */
  markIsOlder(isOlder: boolean): void {
    if (isOlder && !this.#isMarkOlder) this.#older += 1;
    this.#isMarkOlder = isOlder;
  }

  /** How often shards, or the ledger's mark, were found to be set back, and shards to be emptied. */
  get found(): NonNullable<StoreMark['parts']> {
    return { older: this.#older, emptied: this.#emptied };
  }

  /** A shard's, which is looked at before the first call over another connection: that may lead to an older copy. */
  checkOf(shard: number): ConnectionCheck {
    return {
      // One that is still to be made has no stream yet.
      isNew: (master) => master.stream === undefined || this.#looked[shard] !== master.stream,
      look: async (master) => {
        if (this.#id !== undefined) await this.#note(shard, master, this.#id, this.#kept[shard] ?? 0);
      },
    };
  }

  /** What is known of the shards of this ledger, by its mark. Rejects with errors of ioredis. */
  async read(mark: Identity): Promise<Beside> {
    const count = this.#shards.keys.length;
    const fields = Array.from({ length: count }, (_, shard) => fieldOf(shard));
    const [replaced, ...noted] = await this.#cluster.hmget(this.#shards.identity, 'replaced', ...fields);
    if (this.#id !== mark.id) {
      this.#id = mark.id;
      this.#kept = [];
      this.#since = [];
      this.#foundIn = [];
    }
    for (let shard = 0; shard < count; shard += 1) {
      this.#kept[shard] = Math.max(this.#kept[shard] ?? 0, Number(noted[shard] ?? 0));
    }
    const [most = '', id] = (replaced ?? '').split(' ');
    return {
      kept: noted.map((text) => (typeof text === 'string' ? Number(text) : undefined)),
      found: id === undefined ? undefined : { id, count: Number(most) },
    };
  }

  /**
   * Notes the ledger's count in a shard. Rejects with errors of ioredis.
   *
   * @returns the count that was noted there before; 0 where there is none
   */
  note(shard: number, master: Redis, { id, count }: Identity): Promise<number> {
    return this.#note(shard, master, id, count);
  }

  /** Keeps beside the ledger's mark what was noted in shards. Rejects with errors of ioredis. */
  async keep({ kept }: Beside): Promise<void> {
    const news = this.#kept.flatMap((count, shard) =>
      count > 0 && count !== kept[shard] ? [fieldOf(shard), count] : [],
    );
    if (news.length > 0) await this.#cluster.hset(this.#shards.identity, ...news);
  }

  async #note(shard: number, master: Redis, id: string, count: number): Promise<number> {
    const known = this.#kept[shard] ?? 0;
    const least = Math.max(0, known - LEAST_BEHIND);
    const names = keysOf(this.#cluster, (this.#shards.keys[shard] as Keys).prefix);
    const reply = await callScript(master, SCRIPT, [names.length, ...names, id, count, known, least, this.#messageTtl]);
    const { what, before, found } = decodeScript('shardMark', reply);
    // Another ledger meanwhile: what this one's is, is said by the next probe.
    if (id === this.#id) {
      this.#looked[shard] = master.stream;
      // What is so far behind, and no finding, was found by another process before: from there on it is counted again.
      const isFound = what !== 'kept' || before < least;
      const noted = isFound ? Math.max(count, what === 'kept' ? before : 0) : Math.max(count, before, known);
      if (known > 0 || this.#hasBeenThere(shard, count, before)) this.#kept[shard] = noted;
    }
    const foundBefore = this.#foundIn[shard];
    this.#foundIn[shard] = found;
    if (what === 'emptied') this.#emptied += 1;
    // What is cached of it counts no more, whichever process was the first to find it.
    else if (what === 'older' || (foundBefore !== undefined && found !== foundBefore)) this.#older += 1;
    return before;
  }

  #hasBeenThere(shard: number, count: number, before: number): boolean {
    // Of the ledger's mark no count is known yet.
    if (count === 0) return false;
    this.#since[shard] ??= before || count;
    return count - (this.#since[shard] as number) >= LEAST_BEHIND;
  }
}
