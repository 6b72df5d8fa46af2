/** ms; a message that has no answer by then may never get one: nobody waits for it any longer. */
const GIVEN_UP_AFTER = 10_000;

/** What was written in one conversation and has no answer yet. */
class Outstanding {
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

/** Of many conversations, what each has out without an answer, which may be so much and no more. Pure. */
export class Conversations {
  readonly #most: number;
  readonly #outstanding = new Map<string, Outstanding>();
  readonly #byMessage = new Map<string, Outstanding>();

  constructor(most: number) {
    this.#most = most;
  }

  hasRoom(conversation: string, now: number): boolean {
    return (this.#outstanding.get(conversation)?.count(now) ?? 0) < this.#most;
  }

  wrote(conversation: string, message: string, now: number): void {
    const outstanding = this.#outstanding.get(conversation) ?? new Outstanding();
    this.#outstanding.set(conversation, outstanding);
    this.#byMessage.set(message, outstanding);
    outstanding.wrote(message, now);
  }

  answered(message: string): void {
    this.#byMessage.get(message)?.answered(message);
    this.#byMessage.delete(message);
  }
}
