import { oldestBeyond } from '../util/oldest.ts';
import { type Facts, newFacts } from './facts.ts';

/** The outcomes of so many messages are kept: as many as a gate remembers by itself. */
const MOST_FACTS = 100_000;

/** What a gate has told of messages that it held; of too many, the oldest are forgotten. */
export class KnownMessages {
  /** By the number that it gave them. */
  facts = new Map<string, Facts>();
  /** The same before the gate began to tell it again. */
  #before: Map<string, Facts> | undefined;
  readonly #most: number;

  constructor(most = MOST_FACTS) {
    this.#most = most;
  }

  /** The gate tells all again; `knows`: it remembers what it told before. */
  begin(knows: boolean): void {
    const before = knows ? (this.#before ?? new Map<string, Facts>()) : new Map<string, Facts>();
    if (knows) {
      for (const [n, facts] of this.facts) {
        // The latest are behind: leases that end before all is told leave more and more.
        before.delete(n);
        before.set(n, facts);
      }
      this.#forgetOldest(before);
    }
    this.#before = before;
    this.facts = new Map();
  }

  /** It has told all. */
  complete(): void {
    this.#before = undefined;
  }

  /** That session's client has a message, heard now (ms), unless that was heard before; not if it was in doubt. */
  noteProof(n: string, session: string, now: number): void {
    const facts = this.note(n);
    if (facts.has.has(session)) return;
    if (facts.suspected === session) facts.returned.add(session);
    else facts.has.set(session, this.#before?.get(n)?.has.get(session) ?? now);
  }

  /** The facts of a message, to be added to. */
  note(n: string): Facts {
    let facts = this.facts.get(n);
    if (facts === undefined) {
      facts = newFacts();
      const before = this.#before?.get(n);
      if (before !== undefined) {
        facts.suspected = before.suspected;
        facts.doubted = before.doubted;
      }
      this.facts.set(n, facts);
      this.#forgetOldest(this.facts);
    }
    return facts;
  }

  #forgetOldest(facts: Map<string, Facts>): void {
    if (facts.size > this.#most) for (const old of oldestBeyond(facts, this.#most)) facts.delete(old);
  }
}
