import type { Verdict } from './commands.ts';

/** When (ms, monotonic) a message was shown to us; in the order in which they were. */
type Shown = Map<string, number>;

export interface VerdictsOptions {
  /** Gives the gate a verdict. */
  readonly send: (word: Verdict, n: string) => void;
  /** A message got none in time, and was let go. */
  readonly onLate: () => void;
  readonly now?: () => number;
}

/** The share of the gate's timeout that Redis may take (rule 10). */
const SHARE = 2 / 3;
const LOOK_EVERY = 100;

/** One stanza, one verdict: of several the first counts, and what gets none in time is let go as if we were not there. */
export class Verdicts {
  readonly #options: VerdictsOptions;
  readonly #open: Shown = new Map();
  /** ms. */
  #timeout = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: VerdictsOptions) {
    this.#options = options;
  }

  /** Messages without a verdict. */
  get size(): number {
    return this.#open.size;
  }

  /** A lease has begun, under which the gate waits so long (ms). */
  begin(timeout: number): void {
    this.#open.clear();
    this.#timeout = timeout * SHARE;
  }

  /** Nothing is held any more. */
  end(): void {
    this.#open.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  shown(n: string): void {
    this.#open.set(n, this.#now());
    this.#timer ??= setInterval(() => this.look(), Math.min(LOOK_EVERY, Math.max(5, this.#timeout / 4))).unref();
  }

  isOpen(n: string): boolean {
    return this.#open.has(n);
  }

  /** Gives a verdict; false when there was one before, or nothing of that number is held. */
  give(word: Verdict, n: string): boolean {
    if (!this.#open.delete(n)) return false;
    this.#options.send(word, n);
    return true;
  }

  /** Lets go what has waited too long. Called by the timer. */
  look(): void {
    if (this.#open.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const limit = this.#now() - this.#timeout;
    for (const [n, at] of this.#open) {
      if (at > limit) break;
      this.#options.onLate();
      this.give('pass', n);
    }
  }

  #now(): number {
    return (this.#options.now ?? (() => performance.now()))();
  }
}
