import type { OutgoingStanza, Priority } from '../../../src/xmpp/connection/outgoing-stanza.ts';
import { SendQueue } from '../../../src/xmpp/connection/send-queue.ts';

/** How a server is at a time (ms since the beginning). */
export interface Pace {
  /** What it handles a second: stanzas and pings. */
  readonly perSecond: number;
  /** Of the path to it, both ways together, ms. */
  readonly roundTrip: number;
}

/** One that handles what it is given in order and at a pace, and a link to it, in a time of their own: no clock, no I/O. */
export class SimulatedServer {
  readonly outgoing: SendQueue<string>;
  /** Tags, in the order in which they were handled. */
  readonly handled: string[] = [];
  readonly handedOver: string[] = [];
  /** What each answered ping took, and when it was answered, ms. */
  readonly roundTrips: { readonly at: number; readonly took: number }[] = [];
  /** The most that was in flight, by the second. */
  readonly inFlight: number[] = [];
  pings = 0;
  now = 0;
  readonly #pace: (now: number) => Pace;
  /** What is on its way to it, or waits there: a stanza's tag, or a ping's id in brackets. */
  #queue: { readonly what: string; readonly arrives: number }[] = [];
  #answers: { readonly id: string; readonly arrives: number; readonly sentAt: number }[] = [];
  readonly #sentAt = new Map<string, number>();
  #pingedAt = 0;
  /** What it has time for, in stanzas. */
  #credit = 0;

  constructor(pace: (now: number) => Pace) {
    this.#pace = pace;
    this.outgoing = new SendQueue({
      pingEvery: 1000,
      maxWrite: 1 << 20,
      deferFor: 10_000,
      ping: () => {
        this.pings += 1;
        this.#pingedAt = this.now;
        this.#sentAt.set(`p${this.pings}`, this.now);
        return { id: `p${this.pings}`, xml: `[p${this.pings}]` };
      },
    });
    // A stream begins with a ping.
    this.#write(this.outgoing.ping(0));
  }

  send(tag: string, priority: Priority = 'normal', size = 300): OutgoingStanza<string> {
    const xml = `<${tag}${' '.repeat(Math.max(0, size - tag.length - 3))}/>`;
    const held = { xml, tag, done: false, priority, key: undefined };
    this.outgoing.push(held);
    return held;
  }

  /** Lets so many ms pass. */
  run(ms: number, each: (now: number) => void = () => {}): void {
    for (const end = this.now + ms; this.now < end; this.now += 1) {
      each(this.now);
      const { perSecond, roundTrip } = this.#pace(this.now);
      this.#handle(perSecond, roundTrip);
      this.#answer();
      this.#write(this.outgoing.next(this.now));
      // As the heartbeat does, every second.
      const due = this.outgoing.window.count > 0 && this.now - this.#pingedAt >= 1_000;
      if (due) this.#write(this.outgoing.ping(this.now));
      const second = Math.floor(this.now / 1000);
      this.inFlight[second] = Math.max(this.inFlight[second] ?? 0, this.outgoing.window.count);
    }
  }

  #write(text: string): void {
    const arrives = this.now + this.#pace(this.now).roundTrip / 2;
    for (const [, tag, ping] of text.matchAll(/<([^ /]+) *\/>|\[(p\d+)\]/g)) {
      this.#queue.push({ what: tag ?? `[${ping}`, arrives });
    }
  }

  #handle(perSecond: number, roundTrip: number): void {
    this.#credit = Math.min(this.#credit + perSecond / 1000, Math.max(1, perSecond / 1000));
    let taken = 0;
    for (; this.#credit >= 1; this.#credit -= 1) {
      const next = this.#queue[taken];
      if (next === undefined || next.arrives > this.now) break;
      taken += 1;
      if (!next.what.startsWith('[')) this.handled.push(next.what);
      else {
        const id = next.what.slice(1);
        this.#answers.push({ id, arrives: this.now + roundTrip / 2, sentAt: this.#sentAt.get(id) as number });
      }
    }
    if (taken > 0) this.#queue = this.#queue.slice(taken);
  }

  #answer(): void {
    const due = this.#answers.filter(({ arrives }) => arrives <= this.now);
    if (due.length === 0) return;
    this.#answers = this.#answers.filter(({ arrives }) => arrives > this.now);
    for (const { id, sentAt } of due) {
      this.roundTrips.push({ at: this.now, took: this.now - sentAt });
      for (const { tag } of this.outgoing.answered(id, this.now)?.handedOver ?? []) this.handedOver.push(tag as string);
    }
  }
}
