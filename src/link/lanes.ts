import { Fifo } from './fifo.ts';
import type { Held, Key, Priority } from './window.ts';

const textOf = (key: Key): string => (typeof key === 'string' ? key : key());

/** Stanzas of one priority in a row while others wait; then one of the next lower. */
const BURST = 8;

interface Lane<T> {
  queue: Fifo<Held<T>>;
  /** How many went in a row. */
  streak: number;
}

const PRIORITIES: readonly Priority[] = ['high', 'normal', 'low'];

/**
 * What waits to be written: in order within each priority, the higher first. The lower is not starved: a server that
 * never catches up gets one of it after every {@link BURST}.
 */
export class Lanes<T> {
  readonly #lanes: Record<Priority, Lane<T>> = {
    high: { queue: new Fifo(), streak: 0 },
    normal: { queue: new Fifo(), streak: 0 },
    low: { queue: new Fifo(), streak: 0 },
  };
  /** Those with a key, by it; made when one is looked for, as hardly ever anything is. */
  #index: Map<string, Held<T>> | undefined;

  get count(): number {
    const { high, normal, low } = this.#lanes;
    return high.queue.size + normal.queue.size + low.queue.size;
  }

  /** How many wait in each. */
  get counts(): Record<Priority, number> {
    const { high, normal, low } = this.#lanes;
    return { high: high.queue.size, normal: normal.queue.size, low: low.queue.size };
  }

  push(stanza: Held<T>): void {
    this.#lanes[stanza.priority].queue.push(stanza);
    if (this.#index !== undefined && stanza.key !== undefined) this.#index.set(textOf(stanza.key), stanza);
  }

  /** The one that waits under this key and is still to be written. */
  find(key: string): Held<T> | undefined {
    if (this.#index === undefined) {
      if (this.count === 0) return undefined;
      this.#index = new Map();
      for (const stanza of this) if (stanza.key !== undefined) this.#index.set(textOf(stanza.key), stanza);
    }
    const found = this.#index.get(key);
    return found?.done ? undefined : found;
  }

  /**
   * Takes the next.
   *
   * @param preferred those that go first, if one of them is first in its lane
   */
  take(preferred?: (stanza: Held<T>) => boolean): Held<T> | undefined {
    const stanza = ((preferred && this.#first(preferred)) ?? this.#turn())?.queue.shift();
    if (this.#index !== undefined && stanza !== undefined) {
      if (this.count === 0) this.#index = undefined;
      else if (stanza.key !== undefined) {
        const key = textOf(stanza.key);
        if (this.#index.get(key) === stanza) this.#index.delete(key);
      }
    }
    return stanza;
  }

  /** Puts these back, before all that waits. */
  putBack(stanzas: readonly Held<T>[]): void {
    this.#index = undefined;
    for (const priority of PRIORITIES) {
      const lane = this.#lanes[priority];
      const queue = new Fifo<Held<T>>();
      for (const stanza of stanzas) if (stanza.priority === priority) queue.push(stanza);
      if (queue.size === 0) continue;
      for (const stanza of lane.queue) queue.push(stanza);
      lane.queue = queue;
    }
  }

  /** Takes out all, by priority and in order. */
  clear(): Held<T>[] {
    const all = [...this];
    this.#index = undefined;
    for (const priority of PRIORITIES) this.#lanes[priority].queue.clear();
    return all;
  }

  *[Symbol.iterator](): Generator<Held<T>> {
    for (const priority of PRIORITIES) yield* this.#lanes[priority].queue;
  }

  #first(wanted: (stanza: Held<T>) => boolean): Lane<T> | undefined {
    for (const priority of PRIORITIES) {
      const stanza = this.#lanes[priority].queue.peek();
      if (stanza !== undefined && wanted(stanza)) return this.#lanes[priority];
    }
    return undefined;
  }

  #turn(): Lane<T> | undefined {
    const { high, normal, low } = this.#lanes;
    if (high.queue.size > 0) {
      if (high.streak < BURST || normal.queue.size + low.queue.size === 0) {
        high.streak += 1;
        return high;
      }
      high.streak = 0;
    }
    if (normal.queue.size > 0) {
      if (normal.streak < BURST || low.queue.size === 0) {
        normal.streak += 1;
        return normal;
      }
      normal.streak = 0;
    }
    return low.queue.size > 0 ? low : undefined;
  }
}
