import { FairQueue } from '../../util/fair-queue.ts';
import { Fifo } from '../../util/fifo.ts';
import type { CoalescingKey, OutgoingStanza, Priority } from './outgoing-stanza.ts';

const textOf = (key: CoalescingKey): string => (typeof key === 'string' ? key : key());

/** Stanzas of one priority in a row while others wait; then one of the next lower. */
const BURST = 8;

/** So many are written at once by any server: to put them into turns would only cost. */
const PLAIN_UP_TO = 64;

/** What waits in one priority. What must go first does so in its order; the rest takes turns by owner. */
class PriorityLevel<T> {
  /** How many went in a row. */
  streak = 0;
  readonly #first = new Fifo<OutgoingStanza<T>>();
  readonly #queue = new FairQueue<OutgoingStanza<T>>({
    owner: ({ owner = '' }) => owner,
    cost: ({ xml }) => xml.length,
    plainUpTo: PLAIN_UP_TO,
  });

  get size(): number {
    return this.#first.size + this.#queue.size;
  }

  push(stanza: OutgoingStanza<T>): void {
    this.#queue.push(stanza);
  }

  putBack(stanzas: readonly OutgoingStanza<T>[], goesFirst: (stanza: OutgoingStanza<T>) => boolean): void {
    const back = [...stanzas.filter(goesFirst), ...this.#first];
    const queue = [...stanzas.filter((stanza) => !goesFirst(stanza)), ...this.#queue];
    this.clear();
    for (const stanza of back) this.#first.push(stanza);
    for (const stanza of queue) this.#queue.push(stanza);
  }

  peek(): OutgoingStanza<T> | undefined {
    return this.#first.size > 0 ? this.#first.peek() : this.#queue.peek();
  }

  shift(): OutgoingStanza<T> | undefined {
    return this.#first.size > 0 ? this.#first.shift() : this.#queue.shift();
  }

  clear(): void {
    this.#first.clear();
    this.#queue.clear();
  }

  *[Symbol.iterator](): Generator<OutgoingStanza<T>> {
    yield* this.#first;
    yield* this.#queue;
  }
}

const PRIORITIES: readonly Priority[] = ['high', 'normal', 'low'];

/**
 * What waits to be written: the higher priority first, within each in order for each owner. The lower is not starved: a
 * server that never catches up gets one of it after every {@link BURST}.
 */
export class PriorityQueue<T> {
  readonly #levels: Record<Priority, PriorityLevel<T>> = {
    high: new PriorityLevel(),
    normal: new PriorityLevel(),
    low: new PriorityLevel(),
  };
  /** Those with a key, by it; made when one is looked for, as hardly ever anything is. */
  #index: Map<string, OutgoingStanza<T>> | undefined;

  get count(): number {
    const { high, normal, low } = this.#levels;
    return high.size + normal.size + low.size;
  }

  /** How many wait in each. */
  get counts(): Record<Priority, number> {
    const { high, normal, low } = this.#levels;
    return { high: high.size, normal: normal.size, low: low.size };
  }

  push(stanza: OutgoingStanza<T>): void {
    this.#levels[stanza.priority].push(stanza);
    if (this.#index !== undefined && stanza.key !== undefined) this.#index.set(textOf(stanza.key), stanza);
  }

  /** The one that waits under this key and is still to be written. */
  find(key: string): OutgoingStanza<T> | undefined {
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
  take(preferred?: (stanza: OutgoingStanza<T>) => boolean): OutgoingStanza<T> | undefined {
    const stanza = ((preferred && this.#first(preferred)) ?? this.#next())?.shift();
    if (this.#index !== undefined && stanza !== undefined) {
      if (this.count === 0) this.#index = undefined;
      else if (stanza.key !== undefined) {
        const key = textOf(stanza.key);
        if (this.#index.get(key) === stanza) this.#index.delete(key);
      }
    }
    return stanza;
  }

  /**
   * Puts these back, before all that waits.
   *
   * @param goesFirst which of them take no turns with others
   */
  putBack(stanzas: readonly OutgoingStanza<T>[], goesFirst: (stanza: OutgoingStanza<T>) => boolean = () => true): void {
    this.#index = undefined;
    for (const priority of PRIORITIES) {
      const those = stanzas.filter((stanza) => stanza.priority === priority);
      if (those.length > 0) this.#levels[priority].putBack(those, goesFirst);
    }
  }

  /** Takes out all, by priority and in order. */
  clear(): OutgoingStanza<T>[] {
    const all = [...this];
    this.#index = undefined;
    for (const priority of PRIORITIES) this.#levels[priority].clear();
    return all;
  }

  *[Symbol.iterator](): Generator<OutgoingStanza<T>> {
    for (const priority of PRIORITIES) yield* this.#levels[priority];
  }

  #first(wanted: (stanza: OutgoingStanza<T>) => boolean): PriorityLevel<T> | undefined {
    for (const priority of PRIORITIES) {
      const stanza = this.#levels[priority].peek();
      if (stanza !== undefined && wanted(stanza)) return this.#levels[priority];
    }
    return undefined;
  }

  #next(): PriorityLevel<T> | undefined {
    const { high, normal, low } = this.#levels;
    if (high.size > 0) {
      if (high.streak < BURST || normal.size + low.size === 0) {
        high.streak += 1;
        return high;
      }
      high.streak = 0;
    }
    if (normal.size > 0) {
      if (normal.streak < BURST || low.size === 0) {
        normal.streak += 1;
        return normal;
      }
      normal.streak = 0;
    }
    return low.size > 0 ? low : undefined;
  }
}
