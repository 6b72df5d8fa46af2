/** One that Redis did not take. */
interface Kept {
  readonly owner: string;
  /** Of what its user says with it. */
  readonly bytes: number;
  readonly again: () => void;
  readonly giveUp: () => void;
}

/** So many are kept, and so many of one user; none that is longer than that. */
const MOST = 1000;
const MOST_OF_ONE = 50;
const MOST_BYTES = 10_000;

/**
 * Requests for a subscription that Redis did not take. A server may not show an error to who has asked (it is for his bare JID),
 * and lists the request as open all the same: so they are kept, and made again when Redis works.
 */
export class KeptRequests {
  readonly #byPair = new Map<string, Kept>();
  readonly #ofOwner = new Map<string, number>();
  /** Of each pair the request that counts: one that is under way when its user makes another, or takes it back, is not kept. */
  readonly #latest = new Map<string, symbol>();
  /** Nothing is made again any more. */
  #isOver = false;

  /** A request is made. Gives what is to be told to {@link keep} or {@link done}. */
  begins(pair: string): symbol {
    this.withdrawn(pair);
    const token = Symbol(pair);
    this.#latest.set(pair, token);
    return token;
  }

  /** Redis has it. */
  done(pair: string, token: symbol): void {
    if (this.#latest.get(pair) === token) this.#latest.delete(pair);
  }

  /** Redis did not take it. Gives up at once where there are too many; does nothing where it counts no more. */
  keep(pair: string, token: symbol, kept: Kept): void {
    if (this.#latest.get(pair) !== token) return;
    this.#latest.delete(pair);
    const own = this.#ofOwner.get(kept.owner) ?? 0;
    if (this.#isOver || this.#byPair.size >= MOST || own >= MOST_OF_ONE || kept.bytes > MOST_BYTES) {
      kept.giveUp();
      return;
    }
    this.#byPair.set(pair, kept);
    this.#ofOwner.set(kept.owner, own + 1);
  }

  /** Whoever made it has taken it back, or makes another. */
  withdrawn(pair: string): void {
    this.#latest.delete(pair);
    this.#remove(pair);
  }

  /** Redis works: all are made again. */
  makeAgain(): void {
    for (const { again } of this.#takeAll()) again();
  }

  /** The process ends: none is kept any longer, nor what Redis does not take from now on. */
  giveUp(): void {
    this.#isOver = true;
    for (const { giveUp } of this.#takeAll()) giveUp();
  }

  #takeAll(): Kept[] {
    const all = [...this.#byPair.values()];
    this.#byPair.clear();
    this.#ofOwner.clear();
    return all;
  }

  #remove(pair: string): void {
    const kept = this.#byPair.get(pair);
    if (kept === undefined) return;
    this.#byPair.delete(pair);
    const left = (this.#ofOwner.get(kept.owner) ?? 1) - 1;
    if (left === 0) this.#ofOwner.delete(kept.owner);
    else this.#ofOwner.set(kept.owner, left);
  }
}
