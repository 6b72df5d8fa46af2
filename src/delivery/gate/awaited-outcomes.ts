import type { Sent } from '../ports.ts';

/** What the server has not yet said what became of, by number and copy; and what waits for its word. */
export class AwaitedOutcomes {
  readonly #byName = new Map<string, Sent>();
  /** Of numbers whose original is not the last that was sent: the last copy. */
  readonly #lastCopy = new Map<string, number>();
  readonly #behind = new Map<string, (() => void)[]>();

  put(n: string, copy: number, sent: Sent): void {
    this.#byName.set(nameOf(n, copy), sent);
    if (copy > 1) this.#lastCopy.set(n, copy);
  }

  get(n: string, copy: number): Sent | undefined {
    return this.#byName.get(nameOf(n, copy));
  }

  /** Without a copy: whether the original is, or the last copy. */
  has(n: string, copy?: number): boolean {
    return copy === undefined ? this.#isAwaited(n) : this.#byName.has(nameOf(n, copy));
  }

  /** It is not awaited any longer. What waits behind it is for {@link settle}: first its outcome is handled. */
  take(n: string, copy: number): Sent | undefined {
    const name = nameOf(n, copy);
    const sent = this.#byName.get(name);
    if (sent !== undefined) {
      this.#byName.delete(name);
      if (copy > 1 && this.#lastCopy.get(n) === copy) this.#lastCopy.delete(n);
    }
    return sent;
  }

  /** Does that when nothing of this number is awaited: at once, or behind {@link settle}. Gives whether it was at once. */
  whenSettled(n: string, then: () => void): boolean {
    if (!this.#isAwaited(n)) {
      then();
      return true;
    }
    const behind = this.#behind.get(n);
    if (behind === undefined) this.#behind.set(n, [then]);
    else behind.push(then);
    return false;
  }

  /** An outcome of this number has been handled. */
  settle(n: string): void {
    if (this.#behind.size === 0 || this.#isAwaited(n)) return;
    const behind = this.#behind.get(n) ?? [];
    this.#behind.delete(n);
    for (const then of behind) then();
  }

  /** The copies of this number that are awaited, but for one between the original and the last. */
  copiesOf(n: string): number[] {
    return [1, ...(this.#lastCopy.has(n) ? [this.#lastCopy.get(n) as number] : [])].filter((copy) => this.has(n, copy));
  }

  /** Each that is awaited, with its number and copy. */
  all(): (readonly [n: string, copy: number, sent: Sent])[] {
    return [...this.#byName].map(([name, sent]) => {
      const space = name.indexOf(' ');
      return space === -1 ? [name, 1, sent] : [name.slice(0, space), Number(name.slice(space + 1)), sent];
    });
  }

  /** None of these is awaited any longer, as by {@link take}. */
  takeAll(): (readonly [n: string, copy: number, sent: Sent])[] {
    const all = this.all();
    this.#byName.clear();
    this.#lastCopy.clear();
    return all;
  }

  #isAwaited(n: string): boolean {
    if (this.#byName.has(n)) return true;
    const copy = this.#lastCopy.get(n);
    return copy !== undefined && this.has(n, copy);
  }
}

/** Of the original its number itself, which has no space in it: no text is made for each message. */
function nameOf(n: string, copy: number): string {
  return copy === 1 ? n : `${n} ${copy}`;
}
