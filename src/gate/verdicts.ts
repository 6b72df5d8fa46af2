import type { Verdict } from './commands.ts';

/** When (ms, monotonic) a message was shown to us; in the order in which they were. */
type Shown = Map<string, number>;

export interface VerdictsOptions {
  /** Gives the gate a verdict. */
  readonly send: (word: Verdict, n: string, ack: boolean) => void;
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
  /** Of these, what is stored and waits for its turn. */
  readonly #stored = new Set<string>();
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
    this.#stored.clear();
    this.#timeout = timeout * SHARE;
  }

  /** Nothing is held any more. */
  end(): void {
    this.#open.clear();
    this.#stored.clear();
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

  /** Redis has it: its verdict follows when its turn has come, and is `stored` even if that is not in time. */
  noteStored(n: string): void {
    if (this.#open.has(n)) this.#stored.add(n);
  }

  /** Gives a verdict; false when there was one before, or nothing of that number is held. */
  give(word: Verdict, n: string, ack = false): boolean {
    if (!this.#open.delete(n)) return false;
    if (this.#stored.size > 0) this.#stored.delete(n);
    this.#options.send(word, n, ack);
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
      const isStored = this.#stored.has(n);
      if (!isStored) this.#options.onLate();
      this.give(isStored ? 'stored' : 'pass', n);
    }
  }

  #now(): number {
    return (this.#options.now ?? (() => performance.now()))();
  }
}
