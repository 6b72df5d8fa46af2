import type { Event } from './history.ts';

/** What was acknowledged and has not ended, while it happens. */
export class Owed {
  readonly #acknowledged = new Set<string>();
  readonly #refused = new Set<string>();
  readonly #ended = new Set<string>();
  readonly #damaged = new Set<string>();
  readonly #settled = new Set<string>();
  readonly #open = new Set<string>();
  #waiting: (() => void)[] = [];

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
    for (const look of this.#waiting.splice(0)) look();
  }

  /** Nothing more is to be said about it. */
  settled(message: string): void {
    this.#settled.add(message);
    this.#open.delete(message);
    for (const look of this.#waiting.splice(0)) look();
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
    await this.#until(() => messages.every((message) => this.#ended.has(message)), ms);
  }

  /** Resolves when something was said about each of these, or after `ms`. */
  async allAnswered(messages: readonly string[], ms: number): Promise<void> {
    const known = [this.#acknowledged, this.#ended, this.#refused];
    await this.#until(() => messages.every((message) => known.some((set) => set.has(message))), ms);
  }

  /** Resolves when each of these is acknowledged, or nothing more is said about it, or after `ms`. */
  async allTaken(messages: readonly string[], ms: number): Promise<void> {
    const known = [this.#acknowledged, this.#ended, this.#settled];
    await this.#until(() => messages.every((message) => known.some((set) => set.has(message))), ms);
  }

  async #until(met: () => boolean, ms: number): Promise<void> {
    let over = false;
    const timer = setTimeout(() => {
      over = true;
      for (const look of this.#waiting.splice(0)) look();
    }, ms);
    while (!over && !met()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    clearTimeout(timer);
  }
}
