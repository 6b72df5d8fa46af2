/** Users (bare JIDs) of whom the store is being asked what they have missed, or what that depends on. */
export class AskedUsers {
  readonly #calls = new Map<string, number>();
  readonly #onAnswered: (user: string) => void;

  /** @param onAnswered nothing is asked of this user any more */
  constructor(onAnswered: (user: string) => void) {
    this.#onAnswered = onAnswered;
  }

  has(user: string): boolean {
    return this.#calls.size > 0 && this.#calls.has(user);
  }

  asks(user: string): void {
    this.#calls.set(user, (this.#calls.get(user) ?? 0) + 1);
  }

  answered(user: string): void {
    const left = (this.#calls.get(user) ?? 1) - 1;
    if (left > 0) {
      this.#calls.set(user, left);
      return;
    }
    this.#calls.delete(user);
    this.#onAnswered(user);
  }
}
