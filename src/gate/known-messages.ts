import { type Facts, newFacts } from './facts.ts';

/** The outcomes of so many messages are kept: as many as a gate remembers by itself. */
const MOST_FACTS = 100_000;
/** So many messages that passed unheld are known, should they be sent again. */
const MOST_UNHELD = 20_000;
/** The same of receipts for messages that nobody had stored. */
const MOST_CONFIRMED = 20_000;

/** A receipt that its sender has had by himself: his JID, and the full one of the client that returned it. */
export interface HadReceipt {
  readonly to: string;
  readonly by: string;
}

export interface KnownUnheld {
  /** The recipient's at that time, by stream id. */
  readonly sessions: readonly string[];
  /** When (ms) it was told. */
  readonly toldAt: number;
  readonly receipt: HadReceipt | undefined;
}

/** What a gate has told of messages; of too many, the oldest are forgotten. */
export class KnownMessages {
  /** What became of those that it held, by the number that it gave them. */
  facts = new Map<string, Facts>();
  /** The same before the gate began to tell it again. */
  #before: Map<string, Facts> | undefined;
  /** Those that it let pass without holding them, `from to id` with bare JIDs. */
  readonly unheld = new Map<string, KnownUnheld>();
  /** Receipts for what was not stored when they came, by the same names: it was let go without us, and may be written again. */
  readonly #confirmed = new Map<string, HadReceipt>();

  /** The gate tells all again; `knows`: it remembers what it told before. */
  begin(knows: boolean): void {
    const before = knows ? (this.#before ?? new Map<string, Facts>()) : new Map<string, Facts>();
    if (knows) for (const [n, facts] of this.facts) before.set(n, facts);
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
      if (this.facts.size > MOST_FACTS) this.facts.delete(this.facts.keys().next().value as string);
    }
    return facts;
  }

  noteConfirmed(name: string, receipt: HadReceipt): void {
    this.#confirmed.set(name, receipt);
    if (this.#confirmed.size > MOST_CONFIRMED) this.#confirmed.delete(this.#confirmed.keys().next().value as string);
  }

  /** The receipt that the sender of what was let go without us has had for it. */
  receiptFor(name: string): HadReceipt | undefined {
    return this.#confirmed.get(name) ?? this.unheld.get(name)?.receipt;
  }

  noteUnheld(name: string, known: KnownUnheld): void {
    this.unheld.set(name, known);
    if (this.unheld.size > MOST_UNHELD) this.unheld.delete(this.unheld.keys().next().value as string);
  }
}
