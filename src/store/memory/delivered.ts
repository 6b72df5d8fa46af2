/** So many of these make a window, and characters of a digest are kept: see scripts/include/delivered.lua, whose rules these are. */
export const GENERATIONS = 8;
const DIGEST_KEPT = 10;

/** ms. */
interface Times {
  readonly now: number;
  readonly dedupWindow: number;
}

/** Messages that were delivered, whose senders know it, and of which no record is kept any more. */
export class Delivered {
  readonly #digests = new Map<string, { readonly digest: string; readonly generation: number }>();
  readonly #shardOf: (key: string) => number;
  /** By shard: since when (ms) it has any, and those that were told of. */
  readonly #since = new Map<number, number>();
  readonly #told = new Map<number, { readonly key: string; readonly at: number }[]>();
  readonly #news = new Set<number>();

  /** @param shardOf the shard of a key: each replaces what it has by itself */
  constructor(shardOf: (key: string) => number = () => 0) {
    this.#shardOf = shardOf;
  }

  /** The beginning of the digest of what was delivered under this key. */
  digestOf(key: string, times: Times): string | undefined {
    const found = this.#digests.get(key);
    return found === undefined || this.#generation(key, times) - found.generation > GENERATIONS
      ? undefined
      : found.digest;
  }

  /** Whether it is known, and be it for no longer than until the next change. */
  has(key: string): boolean {
    return this.#digests.has(key);
  }

  /** Whether such a beginning is that of this digest. */
  isOf(beginning: string | undefined, digest: string): boolean {
    return beginning === digest.slice(0, DIGEST_KEPT);
  }

  note(key: string, digest: string, times: Times): void {
    const shard = this.#shardOf(key);
    if (!this.#since.has(shard)) this.#since.set(shard, times.now);
    this.#digests.set(key, { digest: digest.slice(0, DIGEST_KEPT), generation: this.#generation(key, times) });
  }

  /** Nothing is owed of the record of this key any more. */
  noteTold(key: string, { now }: Times): void {
    const shard = this.#shardOf(key);
    const told = this.#told.get(shard);
    if (told === undefined) this.#told.set(shard, [{ key, at: now }]);
    else told.push({ key, at: now });
    this.#news.add(shard);
  }

  /** The shards where that was noted of any since this was asked last. */
  takeNews(): number[] {
    const shards = [...this.#news];
    this.#news.clear();
    return shards;
  }

  /** Takes those of which that was noted until then (ms), of some shards or all. */
  takeTold(until: number, shards: Iterable<number> = this.#told.keys()): string[] {
    const taken: string[] = [];
    for (const shard of shards) {
      const told = this.#told.get(shard) ?? [];
      const next = told.findIndex(({ at }) => at > until);
      for (const { key } of told.splice(0, next === -1 ? told.length : next)) taken.push(key);
    }
    return taken;
  }

  #generation(key: string, { now, dedupWindow }: Times): number {
    const since = this.#since.get(this.#shardOf(key));
    return since === undefined ? 0 : Math.floor((now - since) / (dedupWindow / GENERATIONS));
  }
}
