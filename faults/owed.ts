import type { Event } from './history.ts';

/** What was acknowledged and has not ended, while it happens. */
export class Owed {
  readonly #acknowledged = new Set<string>();
  readonly #refused = new Set<string>();
  readonly #ended = new Set<string>();
  readonly #damaged = new Set<string>();
  readonly #settled = new Set<string>();
  readonly #open = new Set<string>();
  /** Who waits looks at the message of which there is news. */
  readonly #looks = new Set<(message: string) => void>();

  note(event: Event): void {
    if (!('message' in event)) return;
    const { message, kind } = event;
    if (kind === 'acknowledged') this.#acknowledged.add(message);
    else if (kind === 'damaged') this.#damaged.add(message);
    else if (kind === 'notified' && event.what !== 'refused') this.#ended.add(message);
    else if (kind === 'notified') this.#refused.add(message);
    else return;
    const closed = [this.#ended, this.#damaged, this.#settled];
    if (this.#acknowledged.has(message) && !closed.some((set) => set.has(message))) this.#open.add(message);
    else this.#open.delete(message);
    this.#tell(message);
  }

  /** Nothing more is to be said about it. */
  settled(message: string): void {
    this.#settled.add(message);
    this.#open.delete(message);
    this.#tell(message);
  }

  has(message: string): boolean {
    return this.#open.has(message);
  }

  hasEnded(message: string): boolean {
    return this.#ended.has(message);
  }

  /** Resolves when nothing is owed, or after `ms`. */
  async nothing(ms: number): Promise<void> {
    await this.#until(() => this.#open.size === 0, ms);
  }

  /** Resolves when all of these have ended, or after `ms`. */
  async allEnded(messages: readonly string[], ms: number): Promise<void> {
    await this.#all(messages, [this.#ended], ms);
  }

  /** Resolves when something was said about each of these, or after `ms`. */
  async allAnswered(messages: readonly string[], ms: number): Promise<void> {
    await this.#all(messages, [this.#acknowledged, this.#ended, this.#refused], ms);
  }

  /** Resolves when each of these is acknowledged, or nothing more is said about it, or after `ms`. */
  async allTaken(messages: readonly string[], ms: number): Promise<void> {
    await this.#all(messages, [this.#acknowledged, this.#ended, this.#settled], ms);
  }

  /** Resolves when each is in one of these, or after `ms`. Many thousands are waited for: each news is looked at alone. */
  async #all(messages: readonly string[], known: readonly ReadonlySet<string>[], ms: number): Promise<void> {
    const isKnown = (message: string) => known.some((set) => set.has(message));
    const missing = new Set(messages.filter((message) => !isKnown(message)));
    const met = (news?: string) => {
      if (news !== undefined && isKnown(news)) missing.delete(news);
      return missing.size === 0;
    };
    await this.#until(met, ms);
  }

  #until(met: (news?: string) => boolean, ms: number): Promise<void> {
    if (met()) return Promise.resolve();
    return new Promise((resolve) => {
      const over = () => {
        clearTimeout(timer);
        this.#looks.delete(look);
        resolve();
      };
      const look = (news: string) => {
        if (met(news)) over();
      };
      const timer = setTimeout(over, ms);
      this.#looks.add(look);
    });
  }

  #tell(message: string): void {
    for (const look of this.#looks) look(message);
  }
}
