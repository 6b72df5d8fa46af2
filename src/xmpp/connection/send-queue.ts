import type { Kill } from './errors.ts';
import { FlowControl } from './flow-control.ts';
import { Lanes } from './priority-queue.ts';
import { Suspects } from './quarantine.ts';
import { type Answer, type Held, type Priority, Window } from './window.ts';

export interface OutgoingOptions {
  /** Stanzas after which a ping goes along at once, however large the window is. */
  readonly pingEvery: number;
  /** About how much one {@link Outgoing.next} gives, in characters. */
  readonly maxWrite: number;
  /** See {@link Suspects}, ms. */
  readonly asideFor: number;
  /** A fresh ping: its id, and the stanza. */
  readonly ping: () => { id: string; xml: string };
}

/**
 * What is to be written, and when: by priority, as far as flow control allows, and what an earlier stream has not handed
 * over before what is new. It outlives the streams, and does no I/O.
 */
export class Outgoing<T> {
  readonly window = new Window<T>();
  readonly flow = new FlowControl();
  readonly #suspects: Suspects<Held<T>>;
  readonly #lanes = new Lanes<T>();
  readonly #options: OutgoingOptions;
  /** Given out by {@link held}, and not yet back. */
  #asked: readonly Held<T>[] = [];
  /** Whether a ping of this stream was answered. */
  #proved = false;
  #size = 0;

  constructor(options: OutgoingOptions) {
    this.#options = options;
    this.#suspects = new Suspects(options.asideFor);
  }

  /** Stanzas held in memory, written or not. */
  get count(): number {
    return this.window.count + this.#lanes.count + this.#suspects.aside.size + this.#asked.length;
  }

  /** What they take, in characters. */
  get size(): number {
    return this.#size;
  }

  /** How many wait to be written. */
  get waiting(): Record<Priority, number> {
    return this.#lanes.counts;
  }

  /** Whether nothing is in flight or waits, but for what is set aside. */
  get idle(): boolean {
    return this.window.count + this.#lanes.count + this.#asked.length === 0;
  }

  /** When something that was set aside is to be tried again, in the time that {@link next} is given. */
  get dueAt(): number | undefined {
    return this.#suspects.dueAt;
  }

  push(stanza: Held<T>): void {
    this.#lanes.push(stanza);
    this.#size += stanza.xml.length;
  }

  /** The stanza that waits under this key. */
  find(key: string): Held<T> | undefined {
    return this.#lanes.find(key);
  }

  /** The text that may be written now, pings included; empty if there is none, or an answer must be awaited first. */
  next(now: number): string {
    const { maxWrite, pingEvery } = this.#options;
    const { window, flow } = this;
    this.#tryAgain(now);
    let text = '';
    while (text.length < maxWrite && this.#mayWrite()) {
      const stanza = this.#suspects.any ? this.#lanes.take((one) => this.#suspects.has(one)) : this.#lanes.take();
      if (stanza === undefined) break;
      if (stanza.done) {
        this.#forget(stanza);
        continue;
      }
      window.wrote(stanza);
      text += stanza.xml;
      const { countSincePing, sizeSincePing } = window;
      const due = countSincePing >= pingEvery || flow.callsForPing(countSincePing, sizeSincePing, window.count);
      if (due || this.#suspects.any) text += this.ping(now);
    }
    // What waits for an answer must not wait for one that nobody has asked for.
    const stuck = this.#lanes.count > 0 && window.countSincePing > 0 && window.waitingSince === undefined;
    if (stuck && !this.#mayWrite()) text += this.ping(now);
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
    const answer: Answer<T> | undefined = this.window.answered(id, now);
    if (answer === undefined) return undefined;
    const { handedOver, ping } = answer;
    this.#proved = true;
    this.flow.answered(ping.used, ping.sentAt, now);
    for (const stanza of handedOver) this.#forget(stanza);
    return handedOver;
  }

  /**
   * The stream is gone.
   *
   * @param kill whether the server closed it for what it was given; `named` when it said so
   * @returns the stanza that is now known to kill the link; it is out
   */
  lost(kill: Kill, now: number): Held<T> | undefined {
    const written = this.window.lost();
    this.flow.reset();
    this.#proved = false;
    const culprit = kill === 'no' ? undefined : this.#suspects.killed(written, kill === 'named', now);
    if (culprit !== undefined) this.#forget(culprit);
    const { aside } = this.#suspects;
    this.#lanes.putBack(written.filter((stanza) => stanza !== culprit && !aside.has(stanza)));
    return culprit;
  }

  /**
   * All that waits at the start of a new stream, by priority and in order: what an earlier one did not hand over, and what
   * has come since. That may have waited for long, too: whether it is still to be written is its owner's to say, by
   * {@link resume}.
   */
  held(): Held<T>[] {
    const held = [...this.#lanes.clear(), ...this.#suspects.aside.keys()];
    this.#asked = held;
    return held.filter((stanza) => !stanza.done);
  }

  /** Replaces {@link held} by what its owner wants to be written again, in that order. */
  resume(again: readonly Held<T>[]): void {
    for (const stanza of this.#asked) this.#size -= stanza.xml.length;
    this.#asked = [];
    this.#suspects.retain(again);
    for (const stanza of again) this.#size += stanza.xml.length;
    const waiting = again.filter((stanza) => !this.#suspects.aside.has(stanza));
    // A suspect must come soon, and in its order, as nothing else is written along with it.
    let last = waiting.length - 1;
    while (last >= 0 && !this.#suspects.has(waiting[last] as Held<T>)) last -= 1;
    const first = new Set(waiting.slice(0, last + 1));
    this.#lanes.putBack(waiting, (stanza) => first.has(stanza));
  }

  /** How many are neither handed over nor done. */
  unconfirmed(): number {
    let count = 0;
    for (const stanzas of [this.window, this.#lanes, this.#suspects.aside.keys(), this.#asked]) {
      for (const stanza of stanzas) if (!stanza.done) count += 1;
    }
    return count;
  }

  #mayWrite(): boolean {
    const { window, flow } = this;
    if (this.#suspects.any) return window.count === 0 && this.#proved;
    return flow.allows(window.count, window.size);
  }

  #tryAgain(now: number): void {
    const { dueAt } = this.#suspects;
    if (dueAt === undefined || dueAt > now) return;
    const due = this.#suspects.due(now);
    for (const stanza of due) if (stanza.done) this.#forget(stanza);
    this.#lanes.putBack(due.filter((stanza) => !stanza.done));
  }

  #forget(stanza: Held<T>): void {
    this.#size -= stanza.xml.length;
    this.#suspects.clear(stanza);
  }
}
