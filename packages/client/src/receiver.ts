import { MAX_RECEIPTS } from '../../protocol/elements.ts';
import { receipts } from './build.ts';
import type { Contacts } from './contacts.ts';
import { type Owed, SEEN, type SeenEntry } from './entries.ts';
import type { ReceiptsEvents } from './events.ts';
import { bare } from './jid.ts';
import { asError, type Keeper } from './keeper.ts';
import { type Reading, readDelay } from './read.ts';
import { copyKey, type Seen } from './seen.ts';
import type { AutoReceipt, Element, IncomingMessage, XmppClient } from './types.ts';

/** Takes a message for the application; it counts as received when this returns, or what it returns resolves. */
export type MessageHandler = (message: IncomingMessage) => void | Promise<void>;

export interface ReceiverOptions {
  readonly xmpp: XmppClient;
  readonly keeper: Keeper;
  readonly seen: Seen;
  /** Resolves when it is known who is behind the proxy. */
  readonly located: Promise<void>;
  readonly contacts: Contacts;
  readonly autoReceipt: AutoReceipt | undefined;
  readonly proxied: (jid: string) => boolean;
  readonly tell: <K extends keyof ReceiptsEvents>(type: K, detail: ReceiptsEvents[K]) => void;
}

/** A receipt that is owed, by the key of what it is for. */
type Debt = readonly [key: string, owed: Owed];

/** ms that a receipt waits for others. */
const LATE = 200;

/** The incoming queue: each message once to the application, and a receipt for it when the application has it. */
export class Receiver {
  readonly #options: ReceiverOptions;
  /** The keys of what the handler has at the moment. */
  readonly #taking = new Set<string>();
  /** The last message of each conversation: the next waits for it, so that their order is kept. */
  readonly #tails = new Map<string, Promise<void>>();
  /** So that a receipt that stream management gives up is known again. */
  readonly #written = new WeakMap<Element, readonly Debt[]>();
  /** Receipts that wait for others to the same address. */
  readonly #batches = new Map<string, Debt[]>();
  /** Whether receipts to proxied addresses may share a stanza. */
  batch = false;
  #handler: MessageHandler | undefined;
  #handlerSet: () => void = () => {};
  #handlerReady = new Promise<void>((resolve) => {
    this.#handlerSet = resolve;
  });
  #closed = false;

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /** Sets who takes messages. What came before waits for it, without a receipt. */
  handle(handler: MessageHandler): void {
    this.#handler = handler;
    this.#handlerSet();
  }

  close(): void {
    this.#sendBatches();
    this.#closed = true;
  }

  /** A message with content. */
  take(stanza: Element, { asks }: Reading): void {
    const { seen } = this.#options;
    const key = copyKey(stanza, (one) => seen.has(one) || this.#taking.has(one));
    if (key) {
      const known = seen.get(key);
      if (known) {
        // Its receipt got lost, or the copy was on its way already.
        if (known.confirmed && asks) this.#confirm(stanza, key);
        return;
      }
      if (this.#taking.has(key)) return;
      this.#taking.add(key);
    }
    const conversation = bare(stanza.attrs.from ?? '');
    const tail = (this.#tails.get(conversation) ?? Promise.resolve()).then(() => this.#handOver(stanza, key, asks));
    this.#tails.set(conversation, tail);
    void tail.then(() => this.#tails.get(conversation) === tail && this.#tails.delete(conversation));
  }

  /** A stream lives: what is owed is written. */
  flush(): void {
    for (const debt of this.#options.seen.owed()) this.#pay(debt);
  }

  /** Stream management gave a stanza up. */
  lost(stanza: Element): void {
    for (const debt of this.#written.get(stanza) ?? []) this.#owe(debt);
  }

  async #handOver(stanza: Element, key: string | undefined, asks: boolean): Promise<void> {
    const { tell, located } = this.#options;
    await located;
    await this.#handlerReady;
    if (this.#closed) return;
    const message = this.#message(stanza, key, asks);
    try {
      await this.#handler?.(message);
    } catch (error) {
      // Not taken: without a receipt it comes again.
      if (key) this.#taking.delete(key);
      tell('problem', { what: 'handler', error: asError(error) });
      return;
    }
    if (this.#closed) return;
    // The next message need not wait for the disk.
    void this.#taken(stanza, key, asks).then(() => tell('message', message));
  }

  async #taken(stanza: Element, key: string | undefined, asks: boolean): Promise<void> {
    const { seen, keeper } = this.#options;
    const confirmed = asks && (await this.#isToBeConfirmed(stanza.attrs.from ?? ''));
    if (!key) return;
    // In disabled mode the application may have confirmed it before it was done.
    const kept = this.#note(key, seen.get(key) ?? { at: Date.now(), confirmed });
    this.#taking.delete(key);
    // What is confirmed must be known again, or a copy would be shown.
    await kept;
    if (confirmed) this.#confirm(stanza, key);
    keeper.delete(seen.superfluous().map((one) => SEEN + one));
  }

  async #isToBeConfirmed(from: string): Promise<boolean> {
    const { autoReceipt, proxied, contacts } = this.#options;
    const mode = autoReceipt ?? (proxied(from) ? 'always' : 'subscribed');
    return mode === 'always' || (mode === 'subscribed' && (await contacts.has(from)));
  }

  #message(stanza: Element, key: string | undefined, asks: boolean): IncomingMessage {
    const { proxied } = this.#options;
    const from = stanza.attrs.from ?? '';
    return {
      key: key ?? '',
      id: stanza.attrs.id,
      from,
      body: stanza.getChildText('body'),
      sentAt: readDelay(stanza),
      proxied: proxied(from),
      stanza,
      confirm: () => {
        if (!asks || !key) return;
        void this.#note(key, { at: Date.now(), confirmed: true }).then(() => this.#confirm(stanza, key));
      },
    };
  }

  #confirm(stanza: Element, key: string): void {
    const { from, id, type } = stanza.attrs;
    if (from && id) this.#pay([key, { to: from, id, type }]);
  }

  #pay(debt: Debt): void {
    const { to } = debt[1];
    const first = this.#batches.size === 0;
    const batch = this.#batches.get(to) ?? [];
    batch.push(debt);
    this.#batches.set(to, batch);
    // One timer at a time; where it finds others than those that it was set for, they go a little earlier.
    if (!this.batch || !this.#options.proxied(to) || batch.length >= MAX_RECEIPTS) this.#sendBatches();
    else if (first) setTimeout(() => this.#sendBatches(), LATE);
  }

  #sendBatches(): void {
    const batches = [...this.#batches.values()];
    this.#batches.clear();
    for (const batch of batches) void this.#write(batch);
  }

  async #write(debts: readonly Debt[]): Promise<void> {
    const { xmpp, seen } = this.#options;
    const stanza = receipts(debts.map(([, owed]) => owed));
    this.#written.set(stanza, debts);
    try {
      // Before and after it the stream is being opened or closed, and a stanza would break that.
      if (xmpp.status !== 'online') throw new Error();
      await xmpp.send(stanza);
      for (const [key] of debts) {
        const entry = seen.get(key);
        if (entry?.owed) this.#note(key, { at: entry.at, confirmed: true });
      }
    } catch {
      this.lost(stanza);
    }
  }

  #owe([key, owed]: Debt): void {
    const entry = this.#options.seen.get(key);
    if (!entry || this.#closed) return;
    this.#note(key, { ...entry, owed });
  }

  #note(key: string, entry: SeenEntry): Promise<void> {
    const { seen, keeper } = this.#options;
    seen.set(key, entry);
    return keeper.note(SEEN + key, entry);
  }
}
