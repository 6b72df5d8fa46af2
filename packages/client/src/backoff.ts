/** When a message that nobody acknowledged is sent again. */
export interface Backoff {
  /** ms to wait after the first attempt; twice as long after each further one. */
  readonly first: number;
  /** ms; never longer. */
  readonly most: number;
  /**
   * 0.8 to 1.2, one for a client's life: it keeps the clients of a server that was away from coming back in step. Not
   * drawn anew for each message, since two messages of one conversation could then change places.
   */
  readonly factor: number;
}

/** ms until the next attempt, after this many. */
export function wait({ first, most, factor }: Backoff, attempts: number): number {
  // Beyond 2^30 nothing grows any more, whatever the first wait is.
  return Math.min(most, first * 2 ** Math.min(30, attempts - 1)) * factor;
}
