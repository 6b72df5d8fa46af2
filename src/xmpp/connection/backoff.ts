/** How long to wait before the next attempt to connect: doubling, jittered, and long after a refusal that stays. */
export class Backoff {
  readonly #min: number;
  readonly #max: number;
  readonly #random: () => number;
  #next: number;

  /**
   * @param min the first delay's upper bound, in ms
   * @param max the upper bound that the delays grow to, in ms
   * @param random in [0, 1)
   */
  constructor(min: number, max: number, random: () => number = Math.random) {
    this.#min = min;
    this.#max = max;
    this.#random = random;
    this.#next = min;
  }

  /**
   * The next delay, in ms: between half of the bound and the bound, which then doubles.
   *
   * @param most what the bound is this time at most
   */
  next(most: number = this.#max): number {
    const bound = Math.min(this.#next, most);
    this.#next = Math.min(bound * 2, this.#max);
    // Jittered, so that the components of a restarted server do not all come back in the same instant.
    return bound * (0.5 + 0.5 * this.#random());
  }

  /** The longest delay, for what only a person can mend. */
  slow(): number {
    this.#next = this.#max;
    return this.next();
  }

  /** The link worked: start again from the shortest. */
  reset(): void {
    this.#next = this.#min;
  }
}
