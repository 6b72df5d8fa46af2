import { BATCH, type MessageState } from '../../protocol/elements.ts';
import * as NS from '../../protocol/namespaces.ts';
import { newId, toElement, toStanza } from './build.ts';
import { askStatus } from './discovery.ts';
import { type Item, OUT, toSaved, tracked } from './entries.ts';
import type { ReceiptsEvents } from './events.ts';
import { bare } from './jid.ts';
import { asError, type Keeper } from './keeper.ts';
import type { OutgoingQueue } from './outgoing.ts';
import { readFailure, type Word } from './read.ts';
import { clean, type Tree } from './tree.ts';
import { type Element, type Failure, type OutgoingMessage, SendError, type Tracked, type XmppClient } from './types.ts';

/** Resolves when the message is `stored`, or further; without the proxy and XEP-0198, when it is written. */
export type Sending = Promise<Tracked> & { readonly id: string };

/** Characters. Servers end a stream at a stanza that is too large (Prosody beyond 256 KiB), and would again at each copy. */
const LARGEST = 200_000;
/** ms. Timers take no more than 24 days, and a queue may have to sleep for ever. */
const LONGEST_SLEEP = 1_000_000;
/** ms. A message that the proxy stored, and knows nothing of within this time, got lost with its Redis. */
const REMEMBERED = 86_400_000;

/** Says that this session may be told of many messages at once. In each message: another client may have it next. */
const MARK: Tree = [BATCH, { xmlns: NS.own }];

export interface SenderOptions {
  readonly xmpp: XmppClient;
  readonly keeper: Keeper;
  readonly queue: OutgoingQueue;
  /** Whether the proxy may tell of many messages at once. */
  readonly batch: boolean;
  /** Resolves when what the store had is in the queue. */
  readonly ready: Promise<void>;
  /** The proxy's domain. */
  readonly component: () => string | undefined;
  readonly proxied: (jid: string) => boolean;
  readonly tell: <K extends keyof ReceiptsEvents>(type: K, detail: ReceiptsEvents[K]) => void;
}

/** The outgoing queue with a stream, a store and a clock. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #waiting = new Map<string, { resolve(value: Tracked): void; reject(error: SendError): void }>();
  #open = false;
  #pumping = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  send(message: OutgoingMessage | Element): Sending {
    const { queue, keeper, ready } = this.#options;
    const given = 'attrs' in message ? message.attrs : message;
    const id = given.id || newId();
    const stanza = toStanza(message, id);
    const promise = new Promise<Tracked>((resolve, reject) => {
      const wrong = unfit(stanza, given.to + id) ?? (queue.get(id) && { condition: 'conflict', text: 'Duplicate id' });
      if (wrong !== undefined) {
        reject(new SendError(id, { reason: 'rejected', ...wrong }));
        return;
      }
      const item = queue.add(id, given.to as string, stanza, Date.now());
      this.#waiting.set(id, { resolve, reject });
      this.#changed(item);
      // Its place in the order is not known before the store has been read.
      ready
        .then(() => keeper.set(OUT + id, toSaved(item)))
        .then(
          () => {
            item.kept = true;
            this.pump();
          },
          (error: unknown) => this.#fail(item, { reason: 'not-kept', text: asError(error).message }),
        );
    });
    // Who does not wait for it is told by the events, and must not be hurt.
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
   */
  async ask(which: 'in doubt' | 'stored'): Promise<void> {
    const { queue, xmpp, component, proxied } = this.#options;
    const asked = queue
      .pending()
      .filter(({ to, inDoubt, state }) => (which === 'stored' ? state === 'stored' : inDoubt) && proxied(to));
    const domain = component();
    if (asked.length === 0 || domain === undefined) return;
    this.hear(await askStatus(xmpp, domain, asked));
  }

  /** What somebody says of messages. It counts if it is about a message to whom he says, or is. */
  hear(words: readonly Word[]): void {
    const { queue } = this.#options;
    for (const { id, to, state } of words) {
      const item = queue.get(id);
      if (item !== undefined && (to === undefined || bare(to) === bare(item.to))) this.#learn(item, state);
    }
  }

  /** A message of type `error`. */
  error(message: Element): void {
    const { queue, proxied } = this.#options;
    const { id = '', from = '' } = message.attrs;
    const item = queue.get(id);
    if (item === undefined || bare(from) !== bare(item.to)) return;
    const failure = readFailure(message, proxied(from));
    if (failure !== undefined) this.#fail(item, failure);
    else queue.bounced(item, Date.now());
    this.pump();
  }

  /** Stream management's acknowledgement of a stanza. */
  atServer({ name, attrs }: Element): void {
    const { queue, proxied } = this.#options;
    const item = queue.get(attrs.id ?? '');
    if (name !== 'message' || item === undefined) return;
    const now = Date.now();
    if (proxied(item.to)) queue.atServer(item, now);
    else if (queue.stored(item, 'server', now)) this.#changed(item);
    this.pump();
  }

  giveUp(): void {
    for (const item of this.#options.queue.overdue(Date.now())) this.#fail(item, { reason: 'abandoned' });
  }

  async #pump(): Promise<void> {
    const { queue, xmpp, proxied, batch, tell } = this.#options;
    this.#pumping = true;
    let now = Date.now();
    try {
      while (this.#open) {
        now = Date.now();
        const item = queue.next(now);
        if (item?.stanza === undefined) break;
        const before = item.state;
        queue.written(item, proxied(item.to), xmpp.streamManagement.enabled, now);
        try {
          await xmpp.send(toElement(batch && proxied(item.to) ? [...item.stanza, MARK] : item.stanza));
        } catch {
          // The stream is gone, and will say so. Without a witness it was taken for written.
          if (item.state !== 'sent' || !queue.unstored(item)) queue.unwritten(item);
          break;
        }
        if (item.state !== before && item.state === 'sent') this.#changed(item);
        if (item.attempts > 1) tell('resend', tracked(item));
      }
    } finally {
      this.#pumping = false;
    }
    // As of the last look: what has become due since would be slept over.
    this.#sleep(queue.wakeAt(now));
  }

  /** @param at ms since 1970 */
  #sleep(at: number): void {
    clearTimeout(this.#timer);
    if (this.#open) this.#timer = setTimeout(() => this.pump(), Math.min(LONGEST_SLEEP, Math.max(1, at - Date.now())));
  }

  #learn(item: Item, state: MessageState): void {
    const { queue } = this.#options;
    const now = Date.now();
    let news = false;
    if (state === 'pending') news = queue.stored(item, 'proxy', now);
    else if (state === 'delivered') news = queue.delivered(item, now);
    else if (state !== 'unknown') this.#fail(item, { reason: state });
    else if (item.state === 'stored') {
      if ((item.storedAt ?? 0) + REMEMBERED > now) news = queue.unstored(item);
      else this.#fail(item, { reason: 'forgotten' });
    }
    if (news) this.#changed(item);
  }

  #fail(item: Item, failure: Failure): void {
    if (this.#options.queue.failed(item, failure, Date.now())) this.#changed(item);
  }

  /** Tells of a change, keeps it, and lets the next ones go. */
  #changed(item: Item): void {
    const { queue, keeper, tell } = this.#options;
    const { id, state } = item;
    const seen = tracked(item);
    const waiting = this.#waiting.get(id);
    if (state === 'failed') waiting?.reject(new SendError(id, item.failure as Failure));
    else if (state !== 'queued' && (state !== 'sent' || item.unwitnessed)) waiting?.resolve(seen);
    // Who was answered is not answered again. What is queued for the first time is on its way to the store.
    if (state === 'queued' ? item.inDoubt : state !== 'sent' || item.unwitnessed)
      void keeper.note(OUT + id, toSaved(item));
    tell('state', seen);
    if (state === 'stored' || state === 'delivered' || state === 'failed') {
      this.#waiting.delete(id);
      tell(state, seen);
      keeper.delete(queue.superfluous().map((one) => OUT + one));
      this.pump();
    }
  }
}

/**
 * Why a stanza cannot be sent.
 *
 * @param names the address and the id as they were given: an element's attributes have been cleaned
 */
function unfit(stanza: Tree, names: string): Pick<Failure, 'condition' | 'text'> | undefined {
  const [name, { to, type }] = stanza;
  // No address or id is made another one by leaving out what cannot be sent.
  if (name !== 'message' || !to || clean(names) !== names || (type !== 'chat' && type !== 'normal')) {
    return { condition: 'bad-request', text: 'Not a chat message to anybody' };
  }
  if (JSON.stringify(stanza).length > LARGEST) return { condition: 'policy-violation', text: 'Too large' };
  return undefined;
}
