import { Fifo } from '../../util/fifo.ts';
import type { Amount } from './flow-control.ts';

/**
 * What goes first while the server does not take all: `high` are answers to senders (acknowledgements, receipts, errors),
 * `low` is what can wait (further copies). Within each, order is kept for each owner.
 */
export type Priority = 'high' | 'normal' | 'low';

/**
 * What makes two stanzas say the same. As a function where the first of them is written: it is asked only when another one
 * comes while that waits, which hardly ever happens.
 */
export type Key = string | (() => string);

/** A stanza that the server has been given or is about to be, and has not yet proved to have handled. */
export interface Held<T> {
  readonly xml: string;
  readonly tag: T | undefined;
  /**
   * Set by its owner when it need not be written, or not again; set by the link when it has dropped it for want of memory,
   * and of one without a tag when the server has proved to have handled it.
   */
  done: boolean;
  readonly priority: Priority;
  /** While one with this key waits, a second is not needed. */
  readonly key: Key | undefined;
  /** The user on whose account it is written (a bare JID): those who wait take turns. Without one it is the proxy's own. */
  readonly owner?: string;
}

interface Ping {
  readonly id: string;
  readonly sentAt: number;
  /** All that had been written on this stream before it. */
  readonly after: Amount;
  /** How much of that was in flight. */
  readonly used: Amount;
}

/** What an answered ping proves. */
export interface Answer<T> {
  /** Oldest first. */
  readonly handedOver: Held<T>[];
  readonly ping: Pick<Ping, 'sentAt' | 'used'>;
}

const NOTHING: Amount = { count: 0, size: 0 };

/**
 * What was written on one stream and is not yet handed over. The server handles a component's stanzas in order, so an
 * answered ping (XEP-0199) proves that all that was written before it was handled; that the kernel took the bytes
 * proves nothing.
 */
export class Window<T> {
  readonly #written = new Fifo<Held<T>>();
  readonly #pings = new Fifo<Ping>();
  /** All that was written on this stream. */
  #total: { count: number; size: number } = { ...NOTHING };
  #handedOver: Amount = NOTHING;
  #pinged: Amount = NOTHING;
  #lastAnswer = 0;

  /** Stanzas written and not handed over. */
  get count(): number {
    return this.#written.size;
  }

  /** What they take, in characters. */
  get size(): number {
    return this.#total.size - this.#handedOver.size;
  }

  /** Stanzas written since the last ping. */
  get countSincePing(): number {
    return this.#total.count - this.#pinged.count;
  }

  /** What they take, in characters. */
  get sizeSincePing(): number {
    return this.#total.size - this.#pinged.size;
  }

  /** Since when an answer has been owed: the oldest open ping, or the latest answer if that is later. */
  get waitingSince(): number | undefined {
    const oldest = this.#pings.peek();
    // A server that works off a backlog answers late, but it answers; one that answers nothing is gone.
    return oldest === undefined ? undefined : Math.max(oldest.sentAt, this.#lastAnswer);
  }

  wrote(stanza: Held<T>): void {
    this.#written.push(stanza);
    this.#total.count += 1;
    this.#total.size += stanza.xml.length;
  }

  /** @param now any monotonic clock, in ms */
  pinged(id: string, now: number): void {
    const after = { ...this.#total };
    this.#pings.push({ id, sentAt: now, after, used: { count: this.count, size: this.size } });
    this.#pinged = after;
  }

  /**
   * Takes out what the answer to a ping hands over; `undefined` if no such ping is open. Earlier pings are answered with
   * it: their answers may have gone to another connection of the same domain.
   */
  answered(id: string, now: number): Answer<T> | undefined {
    let ping: Ping | undefined;
    for (const open of this.#pings) if (open.id === id) ping = open;
    if (ping === undefined) return undefined;
    while (this.#pings.shift() !== ping);
    this.#lastAnswer = now;
    const handedOver: Held<T>[] = [];
    const count = ping.after.count - this.#handedOver.count;
    for (let i = 0; i < count; i += 1) handedOver.push(this.#written.shift() as Held<T>);
    this.#handedOver = ping.after;
    return { handedOver, ping };
  }

  /** The stream is gone: takes out all, oldest first. */
  lost(): Held<T>[] {
    const held = [...this.#written];
    this.#written.clear();
    this.#pings.clear();
    this.#total = { ...NOTHING };
    this.#handedOver = NOTHING;
    this.#pinged = NOTHING;
    return held;
  }

  [Symbol.iterator](): Iterator<Held<T>> {
    return this.#written[Symbol.iterator]();
  }
}
