/**
 * What is under way, by its record's key. A plain object and not a Map: entries come and go tens of thousands of times
 * a second, and each time that V8's Map makes itself a new table it has the old one point to it. One table among them
 * that has grown old keeps all that follow alive, and everything that ever stood in them, until the next full
 * collection (a third of all memory that the proxy allocated, once).
 */
export class InFlight<V> {
  #entries: Record<string, V | undefined> = Object.create(null);
  #size = 0;

  get(key: string): V | undefined {
    return this.#size === 0 ? undefined : this.#entries[key];
  }

  set(key: string, value: V): void {
    if (this.#entries[key] === undefined) this.#size += 1;
    this.#entries[key] = value;
  }

  delete(key: string): void {
    // Asked far more often than there is anything.
    if (this.#size === 0 || this.#entries[key] === undefined) return;
    this.#size -= 1;
    delete this.#entries[key];
  }

  *[Symbol.iterator](): Generator<V> {
    for (const key in this.#entries) yield this.#entries[key] as V;
  }
}
