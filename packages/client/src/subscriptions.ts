import type { Tracked } from './types.ts';

/** Listeners to single messages, by id: one list for all would be gone through for every message. */
export class Subscriptions {
  readonly #subscriptions = new Map<string, Set<(tracked: Tracked) => void>>();

  notify(tracked: Tracked): void {
    for (const listener of this.#subscriptions.get(tracked.id) ?? []) listener(tracked);
  }

  /** @param now gives the state at the beginning, if the message is known */
  async *watch(id: string, now: () => Tracked | undefined): AsyncGenerator<Tracked, void, undefined> {
    const first = now();
    const news = first === undefined ? [] : [first];
    let wake = () => {};
    const listener = (tracked: Tracked) => {
      news.push(tracked);
      wake();
    };
    const listeners = this.#subscriptions.get(id) ?? new Set();
    this.#subscriptions.set(id, listeners.add(listener));
    try {
      for (;;) {
        const next = news.shift();
        if (next !== undefined) {
          yield next;
          if (next.endedAt !== undefined) return;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      listeners.delete(listener);
      if (listeners.size === 0) this.#subscriptions.delete(id);
    }
  }
}
