/** A token bucket: what may come a second, and at once after a pause. */
export interface Rate {
  /** 0: as much as he likes. */
  readonly perSecond: number;
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  /** ms of a monotonic clock. */
  at: number;
}

/** Those who are remembered; of whom nobody has heard for the longest is forgotten, and has all of his burst again. */
const MOST_REMEMBERED = 50_000;

/** How much each may do, one bucket by name. Bounded in memory, whatever names come. */
export class RateLimiter {
  readonly #rate: Rate;
  readonly #buckets = new Map<string, Bucket>();
  readonly #now: () => number;

  constructor(rate: Rate, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#now = now;
  }

  /** Takes as much out of his bucket, if there is as much. */
  take(name: string, cost = 1): boolean {
    const { perSecond, burst } = this.#rate;
    if (perSecond === 0) return true;
    const now = this.#now();
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      if (this.#buckets.size >= MOST_REMEMBERED) this.#forget(now);
      this.#buckets.set(name, { tokens: burst - Math.min(cost, burst), at: now });
      return true;
    }
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * perSecond) / 1000);
    bucket.at = now;
    // A large one that the bucket could never hold is let through when it is full.
    const price = Math.min(cost, burst);
    if (bucket.tokens < price) return false;
    bucket.tokens -= price;
    return true;
  }

  /** Full buckets say nothing; if there are none, the oldest half goes. */
  #forget(now: number): void {
    const { perSecond, burst } = this.#rate;
    for (const [name, { tokens, at }] of this.#buckets) {
      if (tokens + ((now - at) * perSecond) / 1000 >= burst) this.#buckets.delete(name);
    }
    if (this.#buckets.size < MOST_REMEMBERED) return;
    let left = this.#buckets.size / 2;
    for (const name of this.#buckets.keys()) {
      if (left <= 0) break;
      this.#buckets.delete(name);
      left -= 1;
    }
  }
}
