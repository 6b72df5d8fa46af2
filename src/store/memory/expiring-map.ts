import type { Clock } from '../contract.ts';

/** A map whose entries may end, by a clock: one whose end has come is there no more. As keys of Redis with a time to live. */
export class ExpiringMap<V> {
  readonly #clock: Clock;
  readonly #all = new Map<string, { readonly value: V; readonly end: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: string): V | undefined {
    return this.#of(key)?.value;
  }

  has(key: string): boolean {
    return this.#of(key) !== undefined;
  }

  /** @param keep ms from now; without it the entry has no end */
  set(key: string, value: V, keep: number = Number.POSITIVE_INFINITY): void {
    this.#all.set(key, { value, end: this.#clock.now() + keep });
  }

  /** Sets the value and leaves the end as it is. */
  replace(key: string, value: V): void {
    this.#all.set(key, { value, end: this.#of(key)?.end ?? Number.POSITIVE_INFINITY });
  }

  /** ms until its end: 0 for what is not there, infinity for what has no end. */
  left(key: string): number {
    const found = this.#of(key);
    return found === undefined ? 0 : found.end - this.#clock.now();
  }

  /** Lets what is there last for at least so long (ms). */
  extend(key: string, keep: number): void {
    const found = this.#of(key);
    if (found !== undefined && this.left(key) < keep) this.set(key, found.value, keep);
  }

  /** Gives whether it was there. */
  delete(key: string): boolean {
    const was = this.has(key);
    this.#all.delete(key);
    return was;
  }

  /** Keys and values, in the order in which they were set first. */
  entries(): [string, V][] {
    return [...this.#all.keys()].flatMap((key) => {
      const found = this.#of(key);
      return found === undefined ? [] : [[key, found.value] as [string, V]];
    });
  }

  #of(key: string) {
    const found = this.#all.get(key);
    if (found !== undefined && found.end <= this.#clock.now()) {
      this.#all.delete(key);
      return undefined;
    }
    return found;
  }
}
