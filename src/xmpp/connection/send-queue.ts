import { FlowControl } from './flow-control.ts';
import type { Blame } from './link-problem.ts';
import type { OutgoingStanza, Priority } from './outgoing-stanza.ts';
import { PriorityQueue } from './priority-queue.ts';
import { Quarantine } from './quarantine.ts';
import { type Answer, Window } from './window.ts';

export interface SendQueueOptions {
  /** After so many stanzas a ping is sent, however large the window is. */
  readonly pingEvery: number;
  /** The size of one {@link SendQueue.next}, about, in characters. */
  readonly maxWrite: number;
  /** See {@link Quarantine}, ms. */
  readonly deferFor: number;
  /** Makes a ping: its id and its stanza. */
  readonly ping: () => { id: string; xml: string };
}

/**
 * Decides what is written next: by priority, within the window of flow control, and what an earlier stream did not hand over
 * before what is new. Lives longer than a stream. Does no I/O.
 */
export class SendQueue<T> {
  readonly window = new Window<T>();
  readonly flow = new FlowControl();
  readonly #quarantine: Quarantine<OutgoingStanza<T>>;
  readonly #queue = new PriorityQueue<T>();
  readonly #options: SendQueueOptions;
  /** Returned by {@link takeUnproved}, until {@link resume}. */
  #claiming: readonly OutgoingStanza<T>[] = [];
  /** Whether a ping of this stream was answered. */
  #proved = false;
  #size = 0;

  constructor(options: SendQueueOptions) {
    this.#options = options;
    this.#quarantine = new Quarantine(options.deferFor);
  }

  /** Stanzas held in memory, written or not. */
  get count(): number {
    return this.window.count + this.#queue.count + this.#quarantine.deferred.size + this.#claiming.length;
  }

  /** Their size, in characters. */
  get size(): number {
    return this.#size;
  }

  /** How many wait to be written. */
  get waiting(): Record<Priority, number> {
    return this.#queue.counts;
  }

  /** Whether nothing is in flight or waits, except what is deferred. */
  get idle(): boolean {
    return this.window.count + this.#queue.count + this.#claiming.length === 0;
  }

  /** When a deferred stanza is due, on the clock of {@link next}. */
  get dueAt(): number | undefined {
    return this.#quarantine.dueAt;
  }

  push(stanza: OutgoingStanza<T>): void {
    this.#queue.push(stanza);
    this.#size += stanza.xml.length;
  }

  /** The waiting stanza with this key. */
  find(key: string): OutgoingStanza<T> | undefined {
    return this.#queue.find(key);
  }

  /** The text that may be written now, with pings; empty if there is none, or a ping must be answered first. */
  next(now: number): string {
    const { maxWrite, pingEvery } = this.#options;
    const { window, flow } = this;
    this.#retryDeferred(now);
    let text = '';
    while (text.length < maxWrite && this.#mayWrite()) {
      const stanza = this.#quarantine.hasCandidates
        ? this.#queue.take((one) => this.#quarantine.isCandidate(one))
        : this.#queue.take();
      if (stanza === undefined) break;
      if (stanza.done) {
        this.#forget(stanza);
        continue;
      }
      window.wrote(stanza, now);
      text += stanza.xml;
      const { countSincePing, sizeSincePing } = window;
      const due = countSincePing >= pingEvery || flow.callsForPing(countSincePing, sizeSincePing, window.count);
      if (due || this.#quarantine.hasCandidates) text += this.ping(now);
    }
    // What waits for an answer must not wait for one that nobody has asked for.
    const stuck = this.#queue.count > 0 && window.countSincePing > 0 && window.waitingSince === undefined;
    if (stuck && !this.#mayWrite()) text += this.ping(now);
    return text;
  }

  /** The text of a ping. Its answer hands over everything that {@link next} has returned so far. */
  ping(now: number): string {
    const { id, xml } = this.#options.ping();
    this.window.pinged(id, now);
    return xml;
  }

  /** A ping was answered. Returns what that hands over, or `undefined` for a ping that is not open. */
  answered(id: string, now: number): Pick<Answer<T>, 'handedOver' | 'writtenSince'> | undefined {
    const answer: Answer<T> | undefined = this.window.answered(id, now);
    if (answer === undefined) return undefined;
    const { handedOver, ping } = answer;
    this.#proved = true;
    this.flow.answered(ping.used, ping.sentAt, now);
    for (const stanza of handedOver) this.#forget(stanza);
    return answer;
  }

  /**
   * The stream has ended.
   *
   * @param kill whether the server closed it because of a stanza; `named` if it named an error
   * @returns the stanza that is now known to end streams, if there is one; it is held no longer
   */
  streamEnded(kill: Blame, now: number): OutgoingStanza<T> | undefined {
    const written = this.window.takeAll();
    this.flow.reset();
    this.#proved = false;
    const culprit = kill === 'no' ? undefined : this.#quarantine.streamEnded(written, kill === 'named', now);
    if (culprit !== undefined) this.#forget(culprit);
    const { deferred } = this.#quarantine;
    this.#queue.putBack(written.filter((stanza) => stanza !== culprit && !deferred.has(stanza)));
    return culprit;
  }

  /**
   * Takes out all that waits at the start of a new stream, by priority and in order: what an earlier stream did not hand
   * over, and what was sent since. The owner decides what of it is still to be written, by {@link resume}.
   */
  takeUnproved(): OutgoingStanza<T>[] {
    const held = [...this.#queue.clear(), ...this.#quarantine.deferred.keys()];
    this.#claiming = held;
    return held.filter((stanza) => !stanza.done);
  }

  /** Puts back what is to be written of {@link takeUnproved}, in that order. */
  resume(again: readonly OutgoingStanza<T>[]): void {
    for (const stanza of this.#claiming) this.#size -= stanza.xml.length;
    this.#claiming = [];
    this.#quarantine.retain(again);
    for (const stanza of again) this.#size += stanza.xml.length;
    const waiting = again.filter((stanza) => !this.#quarantine.deferred.has(stanza));
    // A candidate must come soon, and in its order, as nothing else is written along with it.
    let last = waiting.length - 1;
    while (last >= 0 && !this.#quarantine.isCandidate(waiting[last] as OutgoingStanza<T>)) last -= 1;
    const first = new Set(waiting.slice(0, last + 1));
    this.#queue.putBack(waiting, (stanza) => first.has(stanza));
  }

  /** How many are neither handed over nor done. */
  countUnproved(): number {
    let count = 0;
    for (const stanzas of [this.window, this.#queue, this.#quarantine.deferred.keys(), this.#claiming]) {
      for (const stanza of stanzas) if (!stanza.done) count += 1;
    }
    return count;
  }

  #mayWrite(): boolean {
    const { window, flow } = this;
    if (this.#quarantine.hasCandidates) return window.count === 0 && this.#proved;
    return flow.allows(window.count, window.size);
  }

  #retryDeferred(now: number): void {
    const { dueAt } = this.#quarantine;
    if (dueAt === undefined || dueAt > now) return;
    const due = this.#quarantine.takeDue(now);
    for (const stanza of due) if (stanza.done) this.#forget(stanza);
    this.#queue.putBack(due.filter((stanza) => !stanza.done));
  }

  #forget(stanza: OutgoingStanza<T>): void {
    this.#size -= stanza.xml.length;
    this.#quarantine.release(stanza);
  }
}
