/** So many of these make a window, and characters of a digest are kept: see scripts/include/delivered.lua, whose rules these are. */
export const GENERATIONS = 8;
const DIGEST_KEPT = 10;
/** ms. */
export const GATHERED_FOR = 1000;

/** ms. */
interface Times {
  readonly now: number;
  readonly dedupWindow: number;
}

/** Messages that were delivered, whose senders know it, and of which no record is kept any more. */
export class Delivered {
  readonly #digests = new Map<string, { readonly digest: string; readonly generation: number }>();
  readonly #shardOf: (key: string) => number;
  /** By shard: since when (ms) it has any. */
  readonly #since = new Map<number, number>();
  /** Those that were told of, oldest first. */
  readonly #told: { readonly key: string; readonly at: number }[] = [];
  #hasNews = false;

  /** @param shardOf the shard of a key: each has generations of its own */
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
    this.#told.push({ key, at: now });
    this.#hasNews = true;
  }

  /** Whether that was noted of any since this was asked last. */
  takeNews(): boolean {
    const hadNews = this.#hasNews;
    this.#hasNews = false;
    return hadNews;
  }

  /** Takes those of which that was noted until then (ms), if it was of the first so much (ms) earlier. */
  takeTold(until: number, earlier: number): string[] {
    const told = this.#told;
    const [first] = told;
    if (first === undefined || first.at > until - earlier) return [];
    const next = told.findIndex(({ at }) => at > until);
    return told.splice(0, next === -1 ? told.length : next).map(({ key }) => key);
  }

  #generation(key: string, { now, dedupWindow }: Times): number {
    const since = this.#since.get(this.#shardOf(key));
    return since === undefined ? 0 : Math.floor((now - since) / (dedupWindow / GENERATIONS));
  }
}
