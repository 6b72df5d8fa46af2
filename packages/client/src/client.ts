import { STATUS, STATUS_MESSAGE } from '../../protocol/elements.ts';
import * as NS from '../../protocol/namespaces.ts';
import { Contacts } from './contacts.ts';
import { findComponent, hasFeature, readStatus } from './discovery.ts';
import { COMPONENT, OUT, toSaved, tracked } from './entries.ts';
import { type ReceiptsEvents, ReceiptsEventTarget } from './events.ts';
import { indexedDbStore } from './indexed-db-store.ts';
import { bare, domain } from './jid.ts';
import { Keeper } from './keeper.ts';
import { memoryStore } from './memory-store.ts';
import { OutgoingQueue } from './outgoing.ts';
import { readMessage } from './read.ts';
import { type MessageHandler, Receiver } from './receiver.ts';
import { Seen } from './seen.ts';
import { Sender, type Sending } from './sender.ts';
import { countAll, settled } from './stream-management.ts';
import type { Element, OutgoingMessage, ReceiptsOptions, Tracked, XmppClient } from './types.ts';
import { Watchers } from './watchers.ts';

const DAY = 86_400_000;
/** ms between looks for what was not told: an end that got lost on its way, a message to give up. */
const LOOK_EVERY = 600_000;

/** The two queues on top of an `@xmpp/client` client. Nothing that happens on the stream makes it throw. */
export class ReceiptsClient extends ReceiptsEventTarget {
  /** Resolves when the store has been read: {@link pending} is complete. */
  readonly ready: Promise<void>;
  readonly #xmpp: XmppClient;
  readonly #keeper: Keeper;
  readonly #queue: OutgoingQueue;
  readonly #seen: Seen;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #contacts: Contacts;
  readonly #askAfter: number;
  readonly #batch: boolean;
  readonly #leave: (() => void)[] = [];
  readonly #look: ReturnType<typeof setInterval>;
  readonly #watchers = new Watchers();
  #closed = false;
  #component: string | undefined;
  /** Whether the proxy's domain may still be looked for. */
  #search: boolean;
  /** Whether an address is behind the proxy is not known before. */
  #located: () => void = () => {};
  /** Counts sessions, so that what belongs to an earlier one is known. */
  #session = 0;
  /** ms since 1970; undefined before the first session. */
  #lastLive: number | undefined;

  constructor(xmpp: XmppClient, options: ReceiptsOptions = {}) {
    super();
    const { component, store, autoReceipt, maxInFlight = 32, remember = 10_000, askAfter = 60_000 } = options;
    const { resendAfter = 10_000, resendAtMost = 300_000, giveUpAfter = 8 * DAY, batch = true } = options;
    this.#xmpp = xmpp;
    this.#askAfter = askAfter;
    this.#component = component?.toLowerCase();
    this.#search = component === undefined;
    const tell = this.#tell.bind(this);
    this.#keeper = new Keeper(store ?? defaultStore(), tell);
    const backoff = { first: resendAfter, most: resendAtMost, factor: 0.8 + Math.random() * 0.4 };
    this.#queue = new OutgoingQueue({ maxInFlight, backoff, giveUpAfter, remember });
    this.#seen = new Seen(remember);
    this.#contacts = new Contacts(xmpp);
    const proxied = (jid: string) => this.#component !== undefined && domain(jid) === this.#component;
    const located = new Promise<void>((resolve) => {
      this.#located = resolve;
    });
    if (!this.#search) this.#located();
    const parts = { xmpp, keeper: this.#keeper, proxied, tell };
    this.#receiver = new Receiver({ ...parts, seen: this.#seen, located, contacts: this.#contacts, autoReceipt });
    this.#batch = batch;
    this.ready = this.#load();
    this.#sender = new Sender({
      ...parts,
      queue: this.#queue,
      batch,
      ready: this.ready,
      component: () => this.#component,
    });
    this.#listen();
    this.#look = setInterval(
      () => {
        this.#sender.giveUp();
        if (xmpp.status === 'online') void this.#sender.ask('stored');
      },
      Math.min(LOOK_EVERY, giveUpAfter),
    );
    // A process that has nothing else to do may end.
    (this.#look as { unref?(): void }).unref?.();
    if (xmpp.status === 'online') void this.#online(true);
  }

  /** The proxy's domain, if one was given or found. */
  get component(): string | undefined {
    return this.#component;
  }

  /**
   * Sends a message, now or when there is a stream. What it returns has the `id`, and resolves when the message is
   * `stored`; it rejects with a {@link SendError} when it failed before. The `failed` event tells of later failures.
   */
  send(message: OutgoingMessage | Element): Sending {
    return this.#sender.send(message);
  }

  /** Sets who takes the messages that come. Until then they wait, without a receipt. */
  receive(handler: MessageHandler): void {
    this.#receiver.handle(handler);
  }

  /** What is known of a message that was sent. */
  get(id: string): Tracked | undefined {
    const item = this.#queue.get(id);
    return item && tracked(item);
  }

  /** All that have not ended, in the order of sending. */
  pending(): Tracked[] {
    return this.#queue.pending().map(tracked);
  }

  /** A message's state now, and each change until it has ended. */
  watch(id: string): AsyncGenerator<Tracked, void, undefined> {
    return this.#watchers.watch(id, () => this.get(id));
  }

  /** Stops, and lets go of the stream, which goes on. What is not done is in the store. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#session += 1;
    clearInterval(this.#look);
    for (const leave of this.#leave.splice(0)) leave();
    this.#sender.close();
    this.#receiver.close();
    await this.ready;
    await this.#keeper.close();
  }

  #tell<K extends keyof ReceiptsEvents>(type: K, detail: ReceiptsEvents[K]): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
    if (type === 'state') this.#watchers.tell(detail as Tracked);
  }

  #listen(): void {
    const { streamManagement } = this.#xmpp;
    type Emitter = Pick<XmppClient, 'on' | 'removeListener'>;
    const on = (event: string, listener: (value: Element) => void, emitter: Emitter = this.#xmpp) => {
      emitter.on(event, listener);
      this.#leave.push(() => emitter.removeListener(event, listener));
    };
    countAll(this.#xmpp, on);
    on('online', () => void this.#online(true));
    // The library calls itself online just after it has told of this.
    on('resumed', () => queueMicrotask(() => void this.#online(false)), streamManagement);
    on('ack', (stanza) => this.#sender.atServer(stanza), streamManagement);
    on('fail', (stanza) => this.#receiver.lost(stanza), streamManagement);
    for (const event of ['disconnect', 'offline', 'closing']) on(event, () => this.#gone());
    // What the proxy tells of many messages is a request, so that it learns who took it. Nothing ends a registration.
    this.#xmpp.iqCallee?.set(NS.own, STATUS, async ({ stanza, element }, next) => {
      await this.ready;
      if (this.#closed || !this.#batch || stanza.attrs.from !== this.#component) return next();
      this.#sender.hear(readStatus(element.getChildren(STATUS_MESSAGE)));
      return true;
    });
    // In their order, and none before it is known what came before.
    on('stanza', (stanza) => void this.ready.then(() => this.#stanza(stanza)));
  }

  async #load(): Promise<void> {
    const { out, seen, component } = await this.#keeper.load();
    this.#queue.restore(out);
    this.#seen.restore(seen);
    if (this.#search && component !== undefined) {
      this.#setComponent(component);
      this.#located();
    }
  }

  #setComponent(component: string): void {
    this.#component = component;
    this.#search = false;
  }

  /** @param fresh whether it is a session of its own, and not the last one resumed */
  async #online(fresh: boolean): Promise<void> {
    this.#session += 1;
    const session = this.#session;
    const ended = () => session !== this.#session;
    const now = Date.now();
    const away = this.#lastLive === undefined || now - this.#lastLive > this.#askAfter;
    await this.ready;
    if (ended()) return;
    const own = bare(String(this.#xmpp.jid));
    this.#belongTo(own);
    if (fresh) {
      this.#contacts.forget();
      this.#queue.restart();
      await settled(this.#xmpp);
    } else {
      const watched = this.#xmpp.streamManagement.outbound_q.map(({ stanza }) => stanza.attrs.id ?? '');
      this.#queue.resume(new Set(watched), now);
    }
    if (ended()) return;
    this.#receiver.flush();
    await this.#find(domain(own));
    if (ended()) return;
    this.#located();
    if (fresh) this.#agreeOnBatches();
    if (fresh && away) await this.#sender.ask('in doubt');
    if (ended()) return;
    this.#lastLive = now;
    this.#sender.giveUp();
    this.#sender.open();
    // What the last session was told at its very end got lost with it.
    if (fresh && !away) await this.#sender.ask('stored');
  }

  #gone(): void {
    this.#session += 1;
    if (this.#lastLive !== undefined && this.#xmpp.status !== 'connecting') this.#lastLive = Date.now();
    this.#sender.close();
  }

  /** Nobody's messages go out in another's name. */
  #belongTo(own: string): void {
    const { claimed, others } = this.#queue.belongTo(own);
    for (const item of claimed) void this.#keeper.note(OUT + item.id, toSaved(item));
    if (others > 0) {
      const error = new Error(`${others} messages of another account than ${own}`);
      this.#tell('problem', { what: 'account', error });
    }
  }

  async #find(server: string): Promise<void> {
    const found = this.#search ? await findComponent(this.#xmpp, server) : undefined;
    if (found === undefined) return;
    this.#setComponent(found);
    void this.#keeper.note(COMPONENT, found);
  }

  /** Whether the proxy takes batches is asked in each session; that this client does is said in each message. */
  #agreeOnBatches(): void {
    if (!this.#batch || this.#component === undefined) return;
    void hasFeature(this.#xmpp, this.#component, NS.batch).then((agreed) => {
      this.#receiver.batch = agreed;
    });
  }

  #stanza(stanza: Element): void {
    const { from, type } = stanza.attrs;
    if (stanza.name === 'iq') this.#contacts.push(stanza);
    if (stanza.name !== 'message' || !from) return;
    if (type === 'error') {
      this.#sender.error(stanza);
      return;
    }
    const reading = readMessage(stanza, this.#component);
    this.#sender.hear(reading.words);
    if (reading.content) this.#receiver.take(stanza, reading);
  }
}

function defaultStore() {
  // Where a page has none, that is told as the store's failure; in Node nobody expects one.
  return 'indexedDB' in globalThis || 'document' in globalThis ? indexedDbStore() : memoryStore();
}

/** See {@link ReceiptsClient}. To be called before `xmpp.start()`, so that nothing is missed. */
export function receiptsClient(xmpp: XmppClient, options: ReceiptsOptions = {}): ReceiptsClient {
  return new ReceiptsClient(xmpp, options);
}
