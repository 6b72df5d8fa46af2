import type { Tracked } from './types.ts';

/** Who follows single messages. A list of listeners for each event would be gone through for every message. */
export class Watchers {
  readonly #watchers = new Map<string, Set<(tracked: Tracked) => void>>();

  tell(tracked: Tracked): void {
    for (const watcher of this.#watchers.get(tracked.id) ?? []) watcher(tracked);
  }

  /** @param now gives the state at the time when somebody begins to look, if it is known */
  async *watch(id: string, now: () => Tracked | undefined): AsyncGenerator<Tracked, void, undefined> {
    const first = now();
    const news = first === undefined ? [] : [first];
    let wake = () => {};
    const watcher = (tracked: Tracked) => {
      news.push(tracked);
      wake();
    };
    const watchers = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, watchers.add(watcher));
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
      watchers.delete(watcher);
      if (watchers.size === 0) this.#watchers.delete(id);
    }
  }
}
