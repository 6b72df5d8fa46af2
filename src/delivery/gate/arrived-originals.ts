import type { Sent } from '../ports.ts';

/**
 * So long (ms) it may take until the store is told that the server has written an original to its recipient. Most are confirmed
 * sooner, and then it need not be told. Much less than the lease under which a message is stored.
 */
const WITHIN = 500;

/** Originals that were written to a session, which the store has not been told. */
export class ArrivedOriginals {
  readonly #onDue: (pending: readonly Sent[], confirmed: number) => void;
  #arrived: Sent[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param onDue the store is to be told of these; so many others have been confirmed meanwhile */
  constructor(onDue: (pending: readonly Sent[], confirmed: number) => void) {
    this.#onDue = onDue;
  }

  put(sent: Sent): void {
    this.#arrived.push(sent);
    this.#timer ??= setTimeout(() => this.record(), WITHIN).unref();
  }

  /** Tells of them now. Called by the timer, and before what depends on it. */
  record(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const arrived = this.#arrived;
    this.#arrived = [];
    const pending = arrived.filter(({ held }) => held?.done !== true);
    this.#onDue(pending, arrived.length - pending.length);
  }
}
