/** When a message that nobody acknowledged is sent again. */
export interface Backoff {
  /** ms to wait after the first attempt; twice as long after each further one. */
  readonly first: number;
  /** ms; never longer. */
  readonly most: number;
  /**
   * 0.8 to 1.2, one for a client's life: it keeps clients from coming back in step when their server returns. One
   * for all messages, since two of one conversation could else change places.
   */
  readonly factor: number;
}

/** ms until the next attempt, after this many. */
export function retryDelay({ first, most, factor }: Backoff, attempts: number): number {
  // 2^30 is beyond any maximum.
  return Math.min(most, first * 2 ** Math.min(30, attempts - 1)) * factor;
}
