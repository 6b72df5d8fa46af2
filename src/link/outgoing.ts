import type { Kill } from './errors.ts';
import { Fifo } from './fifo.ts';
import { Suspects } from './suspects.ts';
import { type Held, Window } from './window.ts';

export interface OutgoingOptions {
  /** Stanzas after which a ping goes along at once. */
  readonly pingEvery: number;
  /** About how much one {@link Outgoing.next} gives, in characters. */
  readonly maxWrite: number;
  /** A fresh ping: its id, and the stanza. */
  readonly ping: () => { id: string; xml: string };
}

/**
 * What is to be written, in order: first what an earlier stream has not handed over, then what is new. It outlives the
 * streams, and does no I/O.
 */
export class Outgoing<T> {
  readonly window = new Window<T>();
  readonly #suspects = new Suspects<Held<T>>();
  readonly #options: OutgoingOptions;
  /** To be written again. */
  readonly #again = new Fifo<Held<T>>();
  readonly #fresh = new Fifo<Held<T>>();
  #size = 0;

  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  /** Stanzas held in memory, written or not. */
  get count(): number {
    return this.window.size + this.#again.size + this.#fresh.size;
  }

  /** What they take, in characters. */
  get size(): number {
    return this.#size;
  }

  push(stanza: Held<T>): void {
    this.#fresh.push(stanza);
    this.#size += stanza.xml.length;
  }

  /** The text that may be written now, pings included; empty if there is none, or an answer must be awaited first. */
  next(now: number): string {
    const { maxWrite, pingEvery } = this.#options;
    const { window } = this;
    let text = '';
    while (text.length < maxWrite) {
      const from = this.#again.size > 0 ? this.#again : this.#fresh;
      const stanza = from.peek();
      if (stanza === undefined) break;
      if (stanza.done) {
        from.shift();
        this.#forget(stanza);
        continue;
      }
      // While anything is suspected, what is written is written alone.
      const alone = this.#suspects.any;
      if (alone && window.size > 0) break;
      from.shift();
      window.wrote(stanza);
      text += stanza.xml;
      if (alone || window.sincePing >= pingEvery) text += this.ping(now);
    }
    return text;
  }

  /** A ping's text; it hands over what was given out so far. */
  ping(now: number): string {
    const { id, xml } = this.#options.ping();
    this.window.pinged(id, now);
    return xml;
  }

  /** A ping was answered. Returns what is thereby handed over, or `undefined` for a ping that is not open. */
  answered(id: string, now: number): Held<T>[] | undefined {
    const handedOver = this.window.answered(id, now);
    for (const stanza of handedOver ?? []) this.#forget(stanza);
    return handedOver;
  }

  /**
   * The stream is gone.
   *
   * @param kill whether the server closed it for what it was given; `plain` when it said so
   * @returns the stanza that is now known to kill the link; it is out
   */
  lost(kill: Kill): Held<T> | undefined {
    const written = this.window.lost();
    const culprit = kill === 'no' ? undefined : this.#suspects.killed(written, kill === 'plain');
    const again = [...written.filter((stanza) => stanza !== culprit), ...this.#again];
    this.#again.clear();
    for (const stanza of again) this.#again.push(stanza);
    if (culprit !== undefined) this.#forget(culprit);
    return culprit;
  }

  /**
   * All that waits at the start of a new stream, in order: what an earlier one did not hand over, and what has come
   * since. That may have waited for long, too: whether it is still to be written is its owner's to say.
   */
  held(): Held<T>[] {
    for (const stanza of this.#fresh) this.#again.push(stanza);
    this.#fresh.clear();
    return [...this.#again].filter((stanza) => !stanza.done);
  }

  /** Replaces {@link held} by what its owner wants to be written again, in that order. */
  resume(again: readonly Held<T>[]): void {
    for (const stanza of this.#again) this.#size -= stanza.xml.length;
    this.#again.clear();
    for (const stanza of again) {
      this.#again.push(stanza);
      this.#size += stanza.xml.length;
    }
    this.#suspects.retain(again);
  }

  /** How many are neither handed over nor done. */
  unconfirmed(): number {
    let count = 0;
    for (const stanzas of [this.window, this.#again, this.#fresh]) {
      for (const stanza of stanzas) if (!stanza.done) count += 1;
    }
    return count;
  }

  #forget(stanza: Held<T>): void {
    this.#size -= stanza.xml.length;
    this.#suspects.clear(stanza);
  }
}
