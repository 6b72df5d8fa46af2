import type { Element } from '@xmpp/xml';
import { FairQueue } from '../util/fair-queue.ts';
import type { ReadPace } from './read-pace.ts';

/**
 * What may wait behind this queue, where senders take turns too. Where less may wait, hand-overs are recorded that a receipt
 * in the same call would have spared; more is only more for the garbage collector to copy.
 */
const BACKLOG = 1500;
/**
 * Stanzas that a sender of whom nothing waits here may have handled in a turn of the event loop all the same, while no more
 * than twice the backlog waits: behind this queue they are among the first, and here they would wait for a flood.
 */
const PASSES = 16;
/** Stanzas that are handled in one turn of the event loop, if they do not fill the backlog first. */
const AT_ONCE = 256;
/** How long nothing may move before all is handed on, ms: then what waits behind this queue decides what is refused. */
const STALLED_AFTER = 500;
/** Stanzas that wait here at the most; then all is handed on. */
const MOST = 50_000;
/** What handling a stanza costs, in the unit of the queue: their sizes matter where they are written. */
const COST = 256;

export interface IngressQueueOptions {
  /** Takes a stanza; never throws. */
  readonly handle: (stanza: Element) => void;
  /** How much of what has been handled waits for the store. */
  readonly backlog: () => number;
  /** Stanzas of one sender that may wait here; of further ones those that may be refused are. */
  readonly mostOfOne: number;
  /** Refuses a stanza if it may be refused; else it is to wait. */
  readonly refuse: (stanza: Element) => boolean;
  /** Is told whose each stanza is. */
  readonly pace?: ReadPace | undefined;
}

interface Waiting {
  readonly sender: string;
  readonly stanza: Element;
}

/** Whose stanza it is, as far as fairness goes: the bare JID as it is written. */
function senderOf({ attrs: { from } }: Element): string {
  if (from === undefined) return '';
  const slash = from.indexOf('/');
  return slash === -1 ? from : from.slice(0, slash);
}

/**
 * What the server sends waits here while the store is busy, so that senders take turns before anything is done for them:
 * one who sends ten thousand messages at once does not delay the others. Order is kept for each sender. How much of one
 * waits is bounded: whatever stays alive is copied by the garbage collector, and meanwhile nobody is served.
 */
export class IngressQueue {
  readonly #options: IngressQueueOptions;
  readonly #queue = new FairQueue<Waiting>({ owner: ({ sender }) => sender, cost: () => COST, plainUpTo: 0 });
  /** Stanzas that passed since the last {@link pump}, by their sender. */
  readonly #passed = new Map<string, number>();
  /** While true nothing waits here. */
  #bypassed = false;
  #moved = false;
  #timer: NodeJS.Timeout | undefined;
  #scheduled = false;

  constructor(options: IngressQueueOptions) {
    this.#options = options;
  }

  /** Stanzas that wait. */
  get size(): number {
    return this.#queue.size;
  }

  /** Takes what the server has sent. */
  take(stanza: Element): void {
    const { handle, mostOfOne, refuse, pace } = this.#options;
    if (pace !== undefined) pace.note(stanza.attrs.from);
    if (this.#queue.size === 0 && (this.#bypassed || !this.#isBusy)) {
      handle(stanza);
      return;
    }
    const sender = senderOf(stanza);
    const waiting = this.#queue.of(sender).count;
    if (waiting === 0 && this.#mayPass(sender)) {
      handle(stanza);
      return;
    }
    if (waiting >= mostOfOne && refuse(stanza)) return;
    this.#queue.push({ sender, stanza });
    if (this.#queue.size > MOST) this.release();
    else this.#timer ??= setInterval(() => this.#watch(), STALLED_AFTER).unref();
  }

  /** There may be room behind it: hands on what fits. */
  pump(): void {
    this.#bypassed = false;
    if (this.#passed.size > 0) this.#passed.clear();
    for (let left = AT_ONCE; left > 0 && this.#queue.size > 0 && !this.#isBusy; left -= 1) this.#handNext();
    if (this.#queue.size === 0) this.#rest();
    else if (!this.#isBusy && !this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.pump();
      });
    }
  }

  /** Hands on all that waits, and holds nothing back until the next {@link pump}. */
  release(): void {
    this.#bypassed = true;
    while (this.#queue.size > 0) this.#handNext();
    this.#rest();
  }

  get #isBusy(): boolean {
    return this.#options.backlog() >= BACKLOG;
  }

  #mayPass(sender: string): boolean {
    const passed = this.#passed.get(sender) ?? 0;
    if (passed >= PASSES || this.#options.backlog() >= 2 * BACKLOG) return false;
    this.#passed.set(sender, passed + 1);
    return true;
  }

  #handNext(): void {
    const { stanza } = this.#queue.shift() as Waiting;
    this.#moved = true;
    this.#options.handle(stanza);
  }

  #watch(): void {
    if (!this.#moved) this.release();
    this.#moved = false;
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
