import { BATCH, type MessageState } from '../../protocol/elements.ts';
import * as NS from '../../protocol/namespaces.ts';
import { newId, toElement, toStanza } from './build.ts';
import { askStatus } from './discovery.ts';
import { type Item, OUT, toSaved, toTracked } from './entries.ts';
import type { ReceiptsEvents } from './events.ts';
import { bare } from './jid.ts';
import type { OutgoingQueue } from './outgoing.ts';
import { faultOf } from './outgoing-fault.ts';
import { asError, type Persistence } from './persistence.ts';
import { readFailure, type StatusUpdate } from './read.ts';
import type { Tree } from './tree.ts';
import { type Element, type Failure, type OutgoingMessage, SendError, type Tracked, type XmppClient } from './types.ts';

/** Resolves when the message is `stored`, or further; without the proxy and XEP-0198, when it is written. */
export type Sending = Promise<Tracked> & { readonly id: string };

/** ms. A timer can take no more than 24 days, and a message may be due never. */
const MAX_TIMER = 1_000_000;
/** ms. A message that the proxy stored less than this ago, and does not know, was lost with its Redis: it is sent again. */
const RESEND_UNKNOWN_WITHIN = 86_400_000;

/** Says that this session takes batches. It is in each message, since another client may have the session's address next. */
const TAKES_BATCHES: Tree = [BATCH, { xmlns: NS.own }];

export interface SenderOptions {
  readonly xmpp: XmppClient;
  readonly persistence: Persistence;
  readonly queue: OutgoingQueue;
  /** Whether the proxy may send batches. */
  readonly batch: boolean;
  /** Resolves when what the store had is in the queue. */
  readonly ready: Promise<void>;
  /** The proxy's domain. */
  readonly component: () => string | undefined;
  readonly proxied: (jid: string) => boolean;
  /** Whether an address is one of the component's domain. */
  readonly atComponent: (jid: string) => boolean;
  /** Whether an address is another user's of the server, whose messages a gate may hold, or refuse while it cannot. */
  readonly mayBeHeld: (jid: string) => boolean;
  /** A message passed the gate in the server unheld. */
  readonly onUnheld: () => void;
  readonly emit: <K extends keyof ReceiptsEvents>(type: K, detail: ReceiptsEvents[K]) => void;
}

/** The outgoing queue with a stream, a store and a clock. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #promises = new Map<string, { resolve(value: Tracked): void; reject(error: SendError): void }>();
  #open = false;
  #pumping = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  send(message: OutgoingMessage | Element): Sending {
    const { queue, persistence, ready } = this.#options;
    const given = 'attrs' in message ? message.attrs : message;
    const id = given.id || newId();
    const stanza = toStanza(message, id);
    const promise = new Promise<Tracked>((resolve, reject) => {
      const wrong =
        faultOf(stanza, given.to + id) ?? (queue.get(id) && { condition: 'conflict', text: 'Duplicate id' });
      if (wrong !== undefined) {
        reject(new SendError(id, { reason: 'rejected', ...wrong }));
        return;
      }
      const item = queue.add(id, given.to as string, stanza, Date.now());
      this.#promises.set(id, { resolve, reject });
      this.#changed(item);
      // Its place in the order is not known before the store has been read.
      ready
        .then(() => persistence.set(OUT + id, toSaved(item)))
        .then(
          () => {
            item.kept = true;
            this.pump();
          },
          (error: unknown) => this.#fail(item, { reason: 'not-kept', text: asError(error).message }),
        );
    });
    // An application that uses the events alone must not get an unhandled rejection.
    promise.catch(() => {});
    return Object.assign(promise, { id });
  }

  /** From now on messages are written; those that are due at once. */
  open(): void {
    this.#open = true;
    this.pump();
  }

  close(): void {
    this.#open = false;
    clearTimeout(this.#timer);
  }

  /** Writes what may be written. Does nothing while there is no stream, or while it does so already. */
  pump(): void {
    if (!this.#pumping) void this.#pump();
  }

  /**
   * Asks the proxy what became of messages.
   *
   * @param which those of which it may know, or only those that it has acknowledged
   * @param among by default all
   */
  async ask(which: 'in doubt' | 'stored', among: readonly Item[] = this.#options.queue.pending()): Promise<void> {
    const { xmpp, component, proxied } = this.#options;
    const asked = among.filter(
      ({ to, inDoubt, state }) => (which === 'stored' ? state === 'stored' : inDoubt) && proxied(to),
    );
    // Without a component no address is behind it.
    this.update(await askStatus(xmpp, component() as string, asked));
  }

  /** Applies what the proxy or a recipient says of messages, if the message was sent to the address that it names. */
  update(updates: readonly StatusUpdate[]): void {
    const { queue } = this.#options;
    for (const { id, to, state, durability } of updates) {
      const item = queue.get(id);
      if (item !== undefined && (to === undefined || bare(to) === bare(item.to)))
        this.#applyState(item, state, durability);
    }
  }

  /** A message of type `error`. */
  error(message: Element): void {
    const { queue, proxied, atComponent, mayBeHeld } = this.#options;
    const { id = '', from = '' } = message.attrs;
    const item = queue.get(id);
    if (item === undefined || bare(from) !== bare(item.to)) return;
    const failure = readFailure(message, proxied(from) || mayBeHeld(from), atComponent(from));
    if (failure !== undefined) this.#fail(item, failure);
    else {
      // While no gate holds, it counted as the server's, or as written.
      const wasTaken = item.storedBy !== 'proxy' && queue.requeue(item);
      queue.bounced(item, Date.now());
      if (wasTaken) this.#changed(item);
    }
    this.pump();
  }

  /** Stream management's acknowledgement of a stanza. */
  serverAck({ name, attrs }: Element): void {
    const { queue, proxied } = this.#options;
    const item = queue.get(attrs.id ?? '');
    if (name !== 'message' || item === undefined) return;
    const now = Date.now();
    if (proxied(item.to)) queue.serverAck(item, now);
    else if (queue.stored(item, 'server', now)) this.#changed(item);
    this.pump();
  }

  giveUp(): void {
    for (const item of this.#options.queue.overdue(Date.now())) this.#fail(item, { reason: 'abandoned' });
  }

  async #pump(): Promise<void> {
    const { queue, xmpp, proxied, atComponent, batch, emit } = this.#options;
    this.#pumping = true;
    let now = Date.now();
    try {
      while (this.#open) {
        now = Date.now();
        const item = queue.next(now);
        if (item?.stanza === undefined) break;
        if (item.inFlight && !atComponent(item.to) && !this.#managed(item)) {
          this.#passed(item, now);
          continue;
        }
        const before = item.state;
        queue.written(item, proxied(item.to), xmpp.streamManagement.enabled, now);
        try {
          await xmpp.send(toElement(batch && atComponent(item.to) ? [...item.stanza, TAKES_BATCHES] : item.stanza));
        } catch {
          // The stream is gone, which an event will say. What nobody acknowledges was taken for written, and is not.
          if (item.state !== 'sent' || !queue.requeue(item)) queue.writeFailed(item);
          break;
        }
        if (item.state !== before && item.state === 'sent') this.#changed(item);
        if (item.attempts > 1) emit('resend', toTracked(item));
      }
    } finally {
      this.#pumping = false;
    }
    // From the time of the last look: with a later one, what has become due since would be missed.
    this.#schedule(queue.nextDueAt(now));
  }

  /** Whether stream management still waits for the server's acknowledgement. */
  #managed({ id }: Item): boolean {
    return this.#options.xmpp.streamManagement.outbound_q.some(({ stanza }) => stanza.attrs.id === id);
  }

  /**
   * The server has had it for longer than a gate holds a message, and the component has not stored it: it went its
   * ordinary way. Other clients would show a copy.
   */
  #passed(item: Item, now: number): void {
    const { queue, xmpp, onUnheld } = this.#options;
    onUnheld();
    if (xmpp.streamManagement.enabled) queue.stored(item, 'server', now);
    else queue.unwitnessed(item);
    this.#changed(item);
  }

  /** @param at ms since 1970 */
  #schedule(at: number): void {
    clearTimeout(this.#timer);
    if (this.#open) this.#timer = setTimeout(() => this.pump(), Math.min(MAX_TIMER, Math.max(1, at - Date.now())));
  }

  #applyState(item: Item, state: MessageState, durability?: string): void {
    const { queue } = this.#options;
    const now = Date.now();
    let news = false;
    if (state === 'pending') news = queue.stored(item, 'proxy', now, durability);
    else if (state === 'delivered') news = queue.delivered(item, now);
    else if (state !== 'unknown') this.#fail(item, { reason: state });
    else if (item.state === 'stored' && item.storedBy !== 'server') {
      if ((item.storedAt ?? 0) + RESEND_UNKNOWN_WITHIN > now) news = queue.requeue(item);
      else this.#fail(item, { reason: 'forgotten' });
    }
    if (news) this.#changed(item);
  }

  #fail(item: Item, failure: Failure): void {
    if (this.#options.queue.failed(item, failure, Date.now())) this.#changed(item);
  }

  /** Reports a change, stores it, and writes the next messages. */
  #changed(item: Item): void {
    const { queue, persistence, emit } = this.#options;
    const { id, state } = item;
    const seen = toTracked(item);
    const promise = this.#promises.get(id);
    // Nobody acknowledges what is written without the component and stream management.
    const answered = state !== 'queued' && (state !== 'sent' || item.unwitnessed);
    if (state === 'failed') promise?.reject(new SendError(id, item.failure as Failure));
    else if (answered) promise?.resolve(seen);
    // A new message is stored by send(). That it was written need not be stored.
    if (answered || (state === 'queued' && item.inDoubt)) void persistence.save(OUT + id, toSaved(item));
    emit('state', seen);
    if (state !== 'queued' && state !== 'sent') {
      this.#promises.delete(id);
      emit(state, seen);
      persistence.delete(queue.evict().map((one) => OUT + one));
      this.pump();
    }
  }
}
