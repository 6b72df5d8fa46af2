import type { Element } from '@xmpp/xml';
import { fitToWrite } from '../stanza/xml.ts';
import { Heartbeat, UNRESPONSIVE_FACTOR } from './heartbeat.ts';
import { blameOf, LinkProblem } from './link-problem.ts';
import type { LinkLog, LinkTiming } from './options.ts';
import type { CoalescingKey, OutgoingStanza, Priority } from './outgoing-stanza.ts';
import { PingStanzas } from './ping-stanzas.ts';
import { SendQueue } from './send-queue.ts';
import type { Stream } from './stream.ts';

/** Characters that one socket write takes, about. */
const MAX_WRITE = 1 << 20;
/** Bytes that may wait for the kernel; beyond, stanzas wait in order where they can still be withdrawn. */
const MAX_BACKLOG = 4 << 20;
/** The part of the memory that stanzas of a priority may fill: when many wait, there is room for what matters more. */
const MEMORY_SHARE: Record<Priority, number> = { high: 1, normal: 7 / 8, low: 1 / 2 };
/** ms between two lines about the same flood. */
const DROP_LOG_INTERVAL = 10_000;

export interface WriterOptions {
  readonly domain: string;
  readonly serverDomain: string;
  /** In characters. */
  readonly maxQueued: number;
  readonly timing: LinkTiming;
  readonly log: LinkLog;
}

/**
 * Writes to whichever stream there is, pings behind what it wrote, and keeps what the server has not proved to have
 * handled. It outlives the streams.
 */
export class Writer<T> {
  readonly queue: SendQueue<T>;
  /** Stanzas without a tag that were dropped because too much was held. */
  dropped = 0;
  /** When a ping of the current stream was last answered, ms since the epoch. */
  provedAt: number | undefined;
  readonly #options: WriterOptions;
  readonly #heartbeat: Heartbeat;
  readonly pings: PingStanzas;
  #stream: Stream | undefined;
  /** Whether stanzas may be written to it yet. */
  #open = false;
  #scheduled = false;
  /** Goes when something that was set aside is to be tried again. */
  #timer: NodeJS.Timeout | undefined;
  #lastWrite = Number.NEGATIVE_INFINITY;
  #dropLogged = Number.NEGATIVE_INFINITY;
  /** Set while {@link drain} waits. */
  #drained: (() => void) | undefined;

  constructor(options: WriterOptions) {
    const { domain, serverDomain, timing } = options;
    this.#options = options;
    this.pings = new PingStanzas(domain, serverDomain);
    const { pingEvery, deferFor } = timing;
    this.queue = new SendQueue({ pingEvery, deferFor, maxWrite: MAX_WRITE, ping: () => this.#newPing() });
    const { window } = this.queue;
    this.#heartbeat = new Heartbeat(timing, {
      outstanding: () => window.count > 0 || window.waitingSince !== undefined,
      waitingSince: () => window.waitingSince,
      heardAt: () => this.#stream?.heardAt ?? 0,
      ping: () => this.#stream?.write(this.queue.ping(performance.now())),
      onDead: (what) => this.#notAnswering(what),
    });
  }

  send(
    xml: string,
    tag: T | undefined,
    priority: Priority,
    key: CoalescingKey | undefined,
    owner: string,
  ): OutgoingStanza<T> {
    const waiting = typeof key === 'string' ? this.queue.find(key) : undefined;
    if (waiting !== undefined) return waiting;
    const held: OutgoingStanza<T> = { xml: fitToWrite(xml), tag, done: false, priority, key, owner };
    if (this.queue.size + held.xml.length > this.#options.maxQueued * MEMORY_SHARE[priority]) this.#drop(held);
    else {
      this.queue.push(held);
      this.schedule();
    }
    return held;
  }

  /**
   * There is a stream: keeps it alive, but writes no stanza before {@link open}. Pings at once, as only the answer shows
   * that the server routes what this component sends.
   */
  attach(stream: Stream): void {
    this.#stream = stream;
    stream.write(this.queue.ping(performance.now()));
    this.#heartbeat.start();
  }

  /** Writes what waits, and from now on what comes. */
  open(): void {
    this.#open = true;
    this.#flush();
  }

  /** The stream is gone. Returns the stanza that is now known to have killed it, if there is one. */
  detach(problem: LinkProblem): OutgoingStanza<T> | undefined {
    this.#stream = undefined;
    this.#open = false;
    this.provedAt = undefined;
    this.#heartbeat.stop();
    clearTimeout(this.#timer);
    const now = performance.now();
    return this.queue.streamEnded(blameOf(problem, now - this.#lastWrite), now);
  }

  /** All that is sent in one turn of the event loop is one write: a write for each costs more than all else. */
  schedule(): void {
    if (this.#scheduled || !this.#open) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush());
  }

  /** For how long (ms) an answer has been owed; undefined when none is. */
  get awaitingAnswerFor(): number | undefined {
    const since = this.queue.window.waitingSince;
    return since === undefined ? undefined : performance.now() - since;
  }

  /** Takes an answer, and returns the tags of what it hands over, and how long ago (ms) the first of that was written. */
  answer(element: Element): { readonly tags: T[]; readonly took: number } {
    const tags: T[] = [];
    if (!this.pings.isFromServer(element)) return { tags, took: 0 };
    const now = performance.now();
    const answer = this.queue.answered(element.attrs.id as string, now);
    if (answer === undefined) return { tags, took: 0 };
    this.provedAt = Date.now();
    for (const held of answer.handedOver) {
      if (held.tag === undefined) held.done = true;
      else if (!held.done) tags.push(held.tag);
    }
    if (this.queue.idle) this.#drained?.();
    else this.schedule();
    return { tags, took: now - answer.writtenSince };
  }

  /** Resolves when all is handed over, when the stream has ended, or after `timeout` ms. Pings for it at once. */
  async drain(timeout: number): Promise<void> {
    const stream = this.#stream;
    if (!this.#open || stream === undefined || this.queue.idle) return;
    let timer: NodeJS.Timeout | undefined;
    const drained = new Promise<void>((resolve) => {
      this.#drained = resolve;
      timer = setTimeout(resolve, timeout);
    });
    this.#flush();
    await Promise.race([drained, stream.closed]);
    clearTimeout(timer);
  }

  #flush(): void {
    this.#scheduled = false;
    const { window } = this.queue;
    const stream = this.#stream;
    while (this.#open && stream !== undefined && stream.backlog < MAX_BACKLOG) {
      const now = performance.now();
      let text = this.queue.next(now);
      if (text !== '') this.#lastWrite = now;
      const mayPing = this.#drained !== undefined || this.#heartbeat.mayPing(now);
      if (mayPing && window.countSincePing > 0) text += this.queue.ping(now);
      if (text === '') break;
      stream.write(text);
    }
    this.#heartbeat.arm();
    this.#tryAgainLater();
  }

  #tryAgainLater(): void {
    const { dueAt } = this.queue;
    if (dueAt === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.schedule(), Math.max(0, dueAt - performance.now()));
  }

  #newPing(): { id: string; xml: string } {
    this.#heartbeat.pinged(performance.now());
    return this.pings.next();
  }

  #notAnswering(what: 'silent' | 'unresponsive'): void {
    const { pingTimeout } = this.#options.timing;
    const seconds = (what === 'unresponsive' ? UNRESPONSIVE_FACTOR * pingTimeout : pingTimeout) / 1000;
    const though = what === 'unresponsive' ? ', though it writes' : '';
    this.#stream?.end(new LinkProblem('timeout', `The server has not answered a ping for ${seconds} s${though}`));
  }

  #drop(held: OutgoingStanza<T>): void {
    held.done = true;
    // A tagged one is its owner's to send again.
    if (held.tag !== undefined) return;
    this.dropped += 1;
    const now = performance.now();
    if (now - this.#dropLogged < DROP_LOG_INTERVAL) return;
    this.#dropLogged = now;
    this.#options.log.warn({ dropped: this.dropped, held: this.queue.count }, 'Too much is held: stanzas are lost');
  }
}
