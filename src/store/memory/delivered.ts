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
  #told: { readonly key: string; readonly at: number }[] = [];
  #since: number | undefined;
  #isNews = false;

  /** The beginning of the digest of what was delivered under this key. */
  digestOf(key: string, times: Times): string | undefined {
    const found = this.#digests.get(key);
    return found === undefined || this.#generation(times) - found.generation > GENERATIONS ? undefined : found.digest;
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
    this.#since ??= times.now;
    this.#digests.set(key, { digest: digest.slice(0, DIGEST_KEPT), generation: this.#generation(times) });
  }

  /** Nothing is owed of the record of this key any more. */
  noteTold(key: string, { now }: Times): void {
    this.#told.push({ key, at: now });
    this.#isNews = true;
  }

  /** Whether that was noted of any since this was asked last. */
  isNews(): boolean {
    const was = this.#isNews;
    this.#isNews = false;
    return was;
  }

  /** Takes those of which that was noted until then (ms). */
  takeTold(until: number): string[] {
    const next = this.#told.findIndex(({ at }) => at > until);
    return this.#told.splice(0, next === -1 ? this.#told.length : next).map(({ key }) => key);
  }

  #generation({ now, dedupWindow }: Times): number {
    return this.#since === undefined ? 0 : Math.floor((now - this.#since) / (dedupWindow / GENERATIONS));
  }
}
