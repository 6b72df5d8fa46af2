import { MAX_RECEIPTS } from '../../protocol/elements.ts';
import { receipts } from './build.ts';
import type { Contacts } from './contacts.ts';
import { type DueReceipt, SEEN, type SeenEntry } from './entries.ts';
import type { ReceiptsEvents } from './events.ts';
import { bare } from './jid.ts';
import { asError, type Persistence } from './persistence.ts';
import { type ParsedMessage, readDelay } from './read.ts';
import { deduplicationKey, type SeenMessages } from './seen-messages.ts';
import type { AutoReceipt, Element, IncomingMessage, XmppClient } from './types.ts';

/** Takes a message for the application; it counts as received when this returns, or what it returns resolves. */
export type MessageHandler = (message: IncomingMessage) => void | Promise<void>;

export interface ReceiverOptions {
  readonly xmpp: XmppClient;
  readonly persistence: Persistence;
  readonly seen: SeenMessages;
  /** Resolves when it is known which addresses are behind the proxy. */
  readonly discovered: Promise<void>;
  readonly contacts: Contacts;
  readonly autoReceipt: AutoReceipt | undefined;
  readonly proxied: (jid: string) => boolean;
  /** Whether an address is one of the component's domain, so that the component reads what is sent to it. */
  readonly atComponent: (jid: string) => boolean;
  readonly emit: <K extends keyof ReceiptsEvents>(type: K, detail: ReceiptsEvents[K]) => void;
}

/** A receipt that is due, with the key of its message. */
type ReceiptEntry = readonly [key: string, owed: DueReceipt];

/** ms that a receipt waits for others. */
const MAX_RECEIPT_DELAY = 200;

/** The incoming queue: each message once to the application, and a receipt for it when the application has it. */
export class Receiver {
  readonly #options: ReceiverOptions;
  /** The keys of the messages that the handler has at the moment. */
  readonly #handling = new Set<string>();
  /** The end of each conversation's chain of messages: the next message waits for it, which keeps the order. */
  readonly #tails = new Map<string, Promise<void>>();
  /** The receipts in each stanza that was written, in case stream management gives it up. */
  readonly #receiptsOf = new WeakMap<Element, readonly ReceiptEntry[]>();
  /** Receipts that wait for others to the same address. */
  readonly #batches = new Map<string, ReceiptEntry[]>();
  /** Whether receipts to addresses of the component's domain may share a stanza. */
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
  take(stanza: Element, { asksReceipt }: ParsedMessage): void {
    const { seen } = this.#options;
    const key = deduplicationKey(stanza, (one) => seen.has(one) || this.#handling.has(one));
    if (key) {
      const known = seen.get(key);
      if (known) {
        // Its receipt got lost, or the copy was on its way already.
        if (known.confirmed && asksReceipt) this.#confirm(stanza, key);
        return;
      }
      if (this.#handling.has(key)) return;
      this.#handling.add(key);
    }
    const conversation = bare(stanza.attrs.from ?? '');
    const tail = (this.#tails.get(conversation) ?? Promise.resolve()).then(() =>
      this.#handle(stanza, key, asksReceipt),
    );
    this.#tails.set(conversation, tail);
    void tail.then(() => this.#tails.get(conversation) === tail && this.#tails.delete(conversation));
  }

  /** The stream is usable: receipts that are due are written. */
  flush(): void {
    for (const entry of this.#options.seen.owed()) this.#enqueueReceipt(entry);
  }

  /** Stream management gave a stanza up. */
  lost(stanza: Element): void {
    for (const entry of this.#receiptsOf.get(stanza) ?? []) this.#markDue(entry);
  }

  async #handle(stanza: Element, key: string | undefined, asksReceipt: boolean): Promise<void> {
    const { emit, discovered } = this.#options;
    await discovered;
    await this.#handlerReady;
    if (this.#closed) return;
    const message = this.#message(stanza, key, asksReceipt);
    try {
      await this.#handler?.(message);
    } catch (error) {
      // Without a receipt the message comes again.
      if (key) this.#handling.delete(key);
      emit('problem', { what: 'handler', error: asError(error) });
      return;
    }
    if (this.#closed) return;
    // The next message need not wait for the disk.
    void this.#handled(stanza, key, asksReceipt).then(() => emit('message', message));
  }

  async #handled(stanza: Element, key: string | undefined, asksReceipt: boolean): Promise<void> {
    const { seen, persistence } = this.#options;
    const confirmed = asksReceipt && (await this.#returnsReceiptTo(stanza.attrs.from ?? ''));
    if (!key) return;
    // In disabled mode the application may have confirmed it before it was done.
    const kept = this.#save(key, seen.get(key) ?? { at: Date.now(), confirmed });
    this.#handling.delete(key);
    // The key is stored before the receipt goes: else a copy of the message could be shown.
    await kept;
    if (confirmed) this.#confirm(stanza, key);
    persistence.delete(seen.evict().map((one) => SEEN + one));
  }

  async #returnsReceiptTo(from: string): Promise<boolean> {
    const { autoReceipt, proxied, contacts } = this.#options;
    const mode = autoReceipt ?? (proxied(from) ? 'always' : 'subscribed');
    return mode === 'always' || (mode === 'subscribed' && (await contacts.has(from)));
  }

  #message(stanza: Element, key: string | undefined, asksReceipt: boolean): IncomingMessage {
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
        if (!asksReceipt || !key) return;
        void this.#save(key, { at: Date.now(), confirmed: true }).then(() => this.#confirm(stanza, key));
      },
    };
  }

  #confirm(stanza: Element, key: string): void {
    const { from, id, type } = stanza.attrs;
    if (from && id) this.#enqueueReceipt([key, { to: from, id, type }]);
  }

  #enqueueReceipt(entry: ReceiptEntry): void {
    const { to } = entry[1];
    const first = this.#batches.size === 0;
    const batch = this.#batches.get(to) ?? [];
    batch.push(entry);
    this.#batches.set(to, batch);
    // One timer at a time: receipts that came after it was set go a little earlier than they must.
    if (!this.batch || !this.#options.atComponent(to) || batch.length >= MAX_RECEIPTS) this.#sendBatches();
    else if (first) setTimeout(() => this.#sendBatches(), MAX_RECEIPT_DELAY);
  }

  #sendBatches(): void {
    const batches = [...this.#batches.values()];
    this.#batches.clear();
    for (const batch of batches) void this.#write(batch);
  }

  async #write(entries: readonly ReceiptEntry[]): Promise<void> {
    const { xmpp, seen } = this.#options;
    const stanza = receipts(entries.map(([, owed]) => owed));
    this.#receiptsOf.set(stanza, entries);
    try {
      // While the stream is being opened or closed, a stanza would break it.
      if (xmpp.status !== 'online') throw new Error();
      await xmpp.send(stanza);
      for (const [key] of entries) {
        const entry = seen.get(key);
        if (entry?.owed) this.#save(key, { at: entry.at, confirmed: true });
      }
    } catch {
      this.lost(stanza);
    }
  }

  #markDue([key, owed]: ReceiptEntry): void {
    const entry = this.#options.seen.get(key);
    if (!entry || this.#closed) return;
    this.#save(key, { ...entry, owed });
  }

  #save(key: string, entry: SeenEntry): Promise<void> {
    const { seen, persistence } = this.#options;
    seen.set(key, entry);
    return persistence.save(SEEN + key, entry);
  }
}
