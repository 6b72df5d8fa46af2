/** Slots of taken items that are kept before the array is moved up. */
const SLACK = 1024;

/** A queue with constant-time ends: `Array.shift` moves every item, and there may be a hundred thousand. */
export class Fifo<E> {
  #items: (E | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: E): void {
    this.#items.push(item);
  }

  peek(): E | undefined {
    return this.#items[this.#head];
  }

  shift(): E | undefined {
    const item = this.#items[this.#head];
    if (this.#head < this.#items.length) {
      this.#items[this.#head] = undefined;
      this.#head += 1;
      if (this.#head === this.#items.length) this.clear();
      else if (this.#head > SLACK && this.#head * 2 > this.#items.length) {
        this.#items = this.#items.slice(this.#head);
        this.#head = 0;
      }
    }
    return item;
  }

  /** What is in it, oldest first. */
  *[Symbol.iterator](): Generator<E> {
    for (let i = this.#head; i < this.#items.length; i += 1) yield this.#items[i] as E;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
  }
}
