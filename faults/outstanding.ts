/** ms; a message that has no answer by then may never get one: nobody waits for it any longer. */
const GIVEN_UP_AFTER = 10_000;

/** What was written in one conversation and has no answer yet. Pure. */
export class Outstanding {
  /** When each was written; in that order. */
  readonly #writtenAt = new Map<string, number>();

  wrote(message: string, at: number): void {
    this.#writtenAt.set(message, at);
  }

  answered(message: string): void {
    this.#writtenAt.delete(message);
  }

  count(now: number): number {
    for (const [message, at] of this.#writtenAt) {
      if (now - at < GIVEN_UP_AFTER) break;
      this.#writtenAt.delete(message);
    }
    return this.#writtenAt.size;
  }
}
