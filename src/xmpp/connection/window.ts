import { Fifo } from '../../util/fifo.ts';
import type { Amount } from './flow-control.ts';
import type { OutgoingStanza } from './outgoing-stanza.ts';

interface Ping {
  readonly id: string;
  readonly sentAt: number;
  /** How much was written on this stream before it. */
  readonly after: Amount;
  /** How much of that was in flight. */
  readonly used: Amount;
  /** When the first of what was written since the ping before it was. */
  readonly writtenSince: number;
}

/** What an answered ping proves. */
export interface Answer<T> {
  /** Oldest first. */
  readonly handedOver: OutgoingStanza<T>[];
  /** No stanza of these was written before, by the clock of {@link Window.pinged}. */
  readonly writtenSince: number;
  readonly ping: Pick<Ping, 'sentAt' | 'used'>;
}

const NOTHING: Amount = { count: 0, size: 0 };

/**
 * What was written on one stream and is not yet handed over. The server handles a component's stanzas in order, so an
 * answered ping (XEP-0199) proves that all stanzas written before it were handled. That the kernel accepted the bytes
 * does not.
 */
export class Window<T> {
  readonly #written = new Fifo<OutgoingStanza<T>>();
  readonly #pings = new Fifo<Ping>();
  /** All that was written on this stream. */
  #total: { count: number; size: number } = { ...NOTHING };
  #handedOver: Amount = NOTHING;
  #pinged: Amount = NOTHING;
  #writtenSince = 0;
  #lastAnswer = 0;

  /** Stanzas written and not handed over. */
  get count(): number {
    return this.#written.size;
  }

  /** Their size, in characters. */
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

  /** Since when the server owes an answer: the oldest open ping, or the latest answer if that is later. */
  get waitingSince(): number | undefined {
    const oldest = this.#pings.peek();
    // A server with a backlog answers late. A server that answers nothing is unreachable.
    return oldest === undefined ? undefined : Math.max(oldest.sentAt, this.#lastAnswer);
  }

  /** @param now see {@link pinged} */
  wrote(stanza: OutgoingStanza<T>, now: number): void {
    if (this.#total.count === this.#pinged.count) this.#writtenSince = now;
    this.#written.push(stanza);
    this.#total.count += 1;
    this.#total.size += stanza.xml.length;
  }

  /** @param now any monotonic clock, in ms */
  pinged(id: string, now: number): void {
    const after = { ...this.#total };
    const used = { count: this.count, size: this.size };
    this.#pings.push({ id, sentAt: now, after, used, writtenSince: this.#writtenSince });
    this.#pinged = after;
  }

  /**
   * Removes and returns the stanzas that the answer to a ping proves; `undefined` if no such ping is open. Earlier pings
   * count as answered: their answers may have gone to another connection of the same domain.
   */
  answered(id: string, now: number): Answer<T> | undefined {
    let ping: Ping | undefined;
    for (const open of this.#pings) if (open.id === id) ping = open;
    if (ping === undefined) return undefined;
    let writtenSince = now;
    for (let open = this.#pings.shift() as Ping; ; open = this.#pings.shift() as Ping) {
      // Of pings with nothing between them, the later ones know of the same.
      if (open.after.count > this.#handedOver.count && open.writtenSince < writtenSince)
        writtenSince = open.writtenSince;
      if (open === ping) break;
    }
    this.#lastAnswer = now;
    const handedOver: OutgoingStanza<T>[] = [];
    const count = ping.after.count - this.#handedOver.count;
    for (let i = 0; i < count; i += 1) handedOver.push(this.#written.shift() as OutgoingStanza<T>);
    this.#handedOver = ping.after;
    return { handedOver, writtenSince, ping };
  }

  /** The stream has ended: removes and returns all, oldest first. */
  takeAll(): OutgoingStanza<T>[] {
    const held = [...this.#written];
    this.#written.clear();
    this.#pings.clear();
    this.#total = { ...NOTHING };
    this.#handedOver = NOTHING;
    this.#pinged = NOTHING;
    return held;
  }

  [Symbol.iterator](): Iterator<OutgoingStanza<T>> {
    return this.#written[Symbol.iterator]();
  }
}
