/** A request that the link has been given: `done` when the server has proved to have handled it, or when it was dropped. */
interface Given {
  readonly done: boolean;
}

interface Waiting {
  /** The served bare JID that was asked. */
  readonly account: string;
  /** Until the server has proved to have handled it. */
  held: Given | undefined;
  /** When that was seen, by any monotonic clock, ms. */
  handledAt: number;
}

/** A request that the server has handled, and that it has not answered. */
export interface Unanswered {
  readonly id: string;
  readonly account: string;
}

/** With more, the others wait until their whole time is over. */
const MOST = 20_000;

/**
 * Requests to accounts (bare JIDs) of the served domain that this process has sent. The server answers these itself (RFC
 * 6121 section 8.5), and soon; of an account that does not exist, Openfire 5.1.1 says nothing to a component. A client that
 * is asked (full JID) may take its time, and so may another server: neither is noted here.
 */
export class AccountRequests {
  readonly #waiting = new Map<string, Waiting>();

  note(id: string, account: string, held: Given): void {
    // Dropped by the link: the server has not seen it, so its silence means nothing.
    if (held.done || this.#waiting.size >= MOST) return;
    this.#waiting.set(id, { account, held, handledAt: 0 });
  }

  answered(id: string): void {
    this.#waiting.delete(id);
  }

  /** Takes out those that the server has handled for `silence` ms. */
  silent(now: number, silence: number): Unanswered[] {
    const unanswered: Unanswered[] = [];
    for (const [id, waiting] of this.#waiting) {
      const { account, held, handledAt } = waiting;
      // Others may have been handled before it: each user's wait their turn.
      if (held !== undefined && !held.done) continue;
      if (held !== undefined) {
        waiting.held = undefined;
        waiting.handledAt = now;
      } else if (now - handledAt >= silence) {
        this.#waiting.delete(id);
        unanswered.push({ id, account });
      }
    }
    return unanswered;
  }
}
