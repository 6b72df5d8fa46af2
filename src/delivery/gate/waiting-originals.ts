const WITHIN = 1000;

export interface WaitingOriginalsOptions {
  /** How long one waits at most for others that are sent again to its recipient before it, ms. */
  readonly within?: number | undefined;
  /** It is the turn of this one, by its number. */
  readonly letGo: (n: string) => void;
}

/** By recipient (bare JIDs): originals that are stored and wait until what he has missed is sent again, which is older. */
export class WaitingOriginals {
  readonly #options: WaitingOriginalsOptions;
  readonly #waiting = new Map<string, { readonly numbers: string[]; readonly timer: NodeJS.Timeout }>();

  constructor(options: WaitingOriginalsOptions) {
    this.#options = options;
  }

  put(user: string, n: string): void {
    const waiting = this.#waiting.get(user);
    if (waiting !== undefined) {
      waiting.numbers.push(n);
      return;
    }
    const timer = setTimeout(() => this.letGo(user), this.#options.within ?? WITHIN).unref();
    this.#waiting.set(user, { numbers: [n], timer });
  }

  /** Nothing is sent again to this user any more, or for too long. */
  letGo(user: string): void {
    const waiting = this.#waiting.get(user);
    if (waiting === undefined) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(user);
    for (const n of waiting.numbers) this.#options.letGo(n);
  }

  /** The gate has let go of them by itself. */
  clear(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }
}
