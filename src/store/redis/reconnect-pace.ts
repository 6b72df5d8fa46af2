const FIRST = 250;
const LONGEST = 5000;
/** ms without need of one, after which the pauses start over. */
const CALM = 30_000;

/** How often a connection may be replaced because its server is the wrong one: at once, then at doubling intervals. */
export class ReconnectPace {
  #last = Number.NEGATIVE_INFINITY;
  #pause = 0;

  /** @param now any monotonic clock, in ms */
  mayNow(now: number): boolean {
    const since = now - this.#last;
    if (since < this.#pause) return false;
    this.#pause = since >= CALM ? FIRST : Math.min(Math.max(FIRST, this.#pause * 2), LONGEST);
    this.#last = now;
    return true;
  }
}
