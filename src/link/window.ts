import { Fifo } from './fifo.ts';

/** A stanza that the server has been given or is about to be, and has not yet proved to have handled. */
export interface Held<T> {
  readonly xml: string;
  readonly tag: T | undefined;
  /** Set by its owner when a resend is moot; set by the link when it has dropped it for want of memory. */
  done: boolean;
}

interface Ping {
  readonly id: string;
  readonly sentAt: number;
  /** How many stanzas had been written on this stream before it. */
  readonly after: number;
}

/**
 * What was written on one stream and is not yet handed over. The server handles a component's stanzas in order, so an
 * answered ping (XEP-0199) proves that all that was written before it was handled; that the kernel took the bytes
 * proves nothing.
 */
export class Window<T> {
  readonly #written = new Fifo<Held<T>>();
  readonly #pings = new Fifo<Ping>();
  #writtenCount = 0;
  #handedOverCount = 0;
  #pingedCount = 0;
  #lastAnswer = 0;

  /** Stanzas written and not handed over. */
  get size(): number {
    return this.#written.size;
  }

  /** Stanzas written since the last ping. */
  get sincePing(): number {
    return this.#writtenCount - this.#pingedCount;
  }

  /** Since when an answer has been owed: the oldest open ping, or the latest answer if that is later. */
  get waitingSince(): number | undefined {
    const oldest = this.#pings.peek();
    // A server that works off a backlog answers late, but it answers; one that answers nothing is gone.
    return oldest === undefined ? undefined : Math.max(oldest.sentAt, this.#lastAnswer);
  }

  wrote(stanza: Held<T>): void {
    this.#written.push(stanza);
    this.#writtenCount += 1;
  }

  /** @param now any monotonic clock, in ms */
  pinged(id: string, now: number): void {
    this.#pings.push({ id, sentAt: now, after: this.#writtenCount });
    this.#pingedCount = this.#writtenCount;
  }

  /**
   * Takes out what the answer to a ping hands over, oldest first; `undefined` if no such ping is open. Earlier pings
   * are answered with it: their answers may have gone to another connection of the same domain.
   */
  answered(id: string, now: number): Held<T>[] | undefined {
    let ping: Ping | undefined;
    for (const open of this.#pings) if (open.id === id) ping = open;
    if (ping === undefined) return undefined;
    while (this.#pings.shift() !== ping);
    this.#lastAnswer = now;
    const handedOver: Held<T>[] = [];
    for (; this.#handedOverCount < ping.after; this.#handedOverCount += 1) {
      handedOver.push(this.#written.shift() as Held<T>);
    }
    return handedOver;
  }

  /** The stream is gone: takes out all, oldest first. */
  lost(): Held<T>[] {
    const held = [...this.#written];
    this.#written.clear();
    this.#pings.clear();
    this.#writtenCount = 0;
    this.#handedOverCount = 0;
    this.#pingedCount = 0;
    return held;
  }

  [Symbol.iterator](): Iterator<Held<T>> {
    return this.#written[Symbol.iterator]();
  }
}
