import { DURABILITY, STATUS, STATUS_MESSAGE } from '../../protocol/elements.ts';
import * as NS from '../../protocol/namespaces.ts';
import { Contacts } from './contacts.ts';
import { featuresOf, findComponent, readStatus } from './discovery.ts';
import { COMPONENT, OUT, toSaved, toTracked } from './entries.ts';
import { type ReceiptsEvents, ReceiptsEventTarget } from './events.ts';
import { indexedDbStore } from './indexed-db-store.ts';
import { bare, domain } from './jid.ts';
import { LaterQuestions } from './later-questions.ts';
import { memoryStore } from './memory-store.ts';
import { OutgoingQueue } from './outgoing.ts';
import { Persistence } from './persistence.ts';
import { readMessage, type StatusUpdate } from './read.ts';
import { type MessageHandler, Receiver } from './receiver.ts';
import { SeenMessages } from './seen-messages.ts';
import { Sender, type Sending } from './sender.ts';
import { countAll, streamManagementNegotiated } from './stream-management.ts';
import { Subscriptions } from './subscriptions.ts';
import type { Element, OutgoingMessage, ReceiptsOptions, Tracked, XmppClient } from './types.ts';

const DAY = 86_400_000;
/** ms between checks for messages to give up, and for endings whose notification got lost. */
const CHECK_INTERVAL = 600_000;

/** The two queues on top of an `@xmpp/client` client. No event of the stream makes it throw. */
export class ReceiptsClient extends ReceiptsEventTarget {
  /** Resolves when the store has been read: {@link pending} is complete. */
  readonly ready: Promise<void>;
  readonly #xmpp: XmppClient;
  readonly #persistence: Persistence;
  readonly #queue: OutgoingQueue;
  readonly #seen: SeenMessages;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #contacts: Contacts;
  readonly #askAfter: number;
  readonly #batch: boolean;
  readonly #unsubscribers: (() => void)[] = [];
  readonly #checkTimer: ReturnType<typeof setInterval>;
  readonly #subscriptions = new Subscriptions();
  readonly #later = new LaterQuestions((items) => {
    if (this.#xmpp.status === 'online') void this.#sender.ask('stored', items);
  });
  #closed = false;
  #component: string | undefined;
  /** Whether the proxy's domain is still to be discovered. */
  #discovering: boolean;
  /** Resolves the promise that the receiver waits for: only then is it known which addresses are behind the proxy. */
  #resolveDiscovered: () => void = () => {};
  /** The server's domain while a gate shows the component what its users write to each other's own addresses. */
  #heldDomain: string | undefined;
  /** A count of sessions: work that an earlier session began stops when it differs. */
  #session = 0;
  /** ms since 1970; undefined before the first session. */
  #lastOnline: number | undefined;

  constructor(xmpp: XmppClient, options: ReceiptsOptions = {}) {
    super();
    const { component, store, autoReceipt, maxInFlight = 32, remember = 10_000, askAfter = 60_000 } = options;
    const { resendAfter = 10_000, resendAtMost = 300_000, giveUpAfter = 8 * DAY, batch = true } = options;
    this.#xmpp = xmpp;
    this.#askAfter = askAfter;
    this.#component = component?.toLowerCase();
    this.#discovering = component === undefined;
    const emit = this.#emit.bind(this);
    this.#persistence = new Persistence(store ?? defaultStore(), emit);
    const backoff = { first: resendAfter, most: resendAtMost, factor: 0.8 + Math.random() * 0.4 };
    this.#queue = new OutgoingQueue({ maxInFlight, backoff, giveUpAfter, remember });
    this.#seen = new SeenMessages(remember);
    this.#contacts = new Contacts(xmpp);
    const atComponent = (jid: string) => domain(jid) === this.#component;
    const proxied = (jid: string) => atComponent(jid) || this.#isHeld(jid);
    const discovered = new Promise<void>((resolve) => {
      this.#resolveDiscovered = resolve;
    });
    if (component === null) this.#resolveDiscovered();
    const parts = { xmpp, persistence: this.#persistence, proxied, atComponent, emit };
    this.#receiver = new Receiver({ ...parts, seen: this.#seen, discovered, contacts: this.#contacts, autoReceipt });
    this.#batch = batch;
    this.ready = this.#load();
    this.#sender = new Sender({
      ...parts,
      queue: this.#queue,
      batch,
      ready: this.ready,
      component: () => this.#component,
      mayBeHeld: (jid) => this.#mayBeHeld(jid, domain(String(this.#xmpp.jid))),
      onUnheld: () => {
        this.#heldDomain = undefined;
      },
    });
    this.#listen();
    this.#checkTimer = setInterval(
      () => {
        this.#sender.giveUp();
        if (xmpp.status === 'online') void this.#sender.ask('stored');
      },
      Math.min(CHECK_INTERVAL, giveUpAfter),
    );
    // The timer alone does not keep a process running.
    (this.#checkTimer as { unref?(): void }).unref?.();
    if (xmpp.status === 'online') void this.#online(true);
  }

  /** The proxy's domain, if one was given or found. */
  get component(): string | undefined {
    return this.#component;
  }

  /**
   * Sends a message, now or when there is a stream. What it returns has the `id`, and resolves when the message is
   * `stored` or further; it rejects with a {@link SendError} when it failed before. The `failed` event tells of later failures.
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
    return item && toTracked(item);
  }

  /** All that have not ended, in the order of sending. */
  pending(): Tracked[] {
    return this.#queue.pending().map(toTracked);
  }

  /** A message's state now, and each change until it has ended. */
  watch(id: string): AsyncGenerator<Tracked, void, undefined> {
    return this.#subscriptions.watch(id, () => this.get(id));
  }

  /** Stops, and lets go of the stream, which goes on. What is not done is in the store. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#session += 1;
    clearInterval(this.#checkTimer);
    for (const unsubscribe of this.#unsubscribers.splice(0)) unsubscribe();
    this.#sender.close();
    this.#later.end();
    this.#receiver.close();
    await this.ready;
    await this.#persistence.close();
  }

  #emit<K extends keyof ReceiptsEvents>(type: K, detail: ReceiptsEvents[K]): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
    if (type === 'state') this.#subscriptions.notify(detail as Tracked);
  }

  #listen(): void {
    const { streamManagement } = this.#xmpp;
    type Emitter = Pick<XmppClient, 'on' | 'removeListener'>;
    const on = (event: string, listener: (value: Element) => void, emitter: Emitter = this.#xmpp) => {
      emitter.on(event, listener);
      this.#unsubscribers.push(() => emitter.removeListener(event, listener));
    };
    countAll(this.#xmpp, on);
    on('online', () => void this.#online(true));
    // @xmpp/client sets its status to online right after this event.
    on('resumed', () => queueMicrotask(() => void this.#online(false)), streamManagement);
    on('ack', (stanza) => this.#sender.serverAck(stanza), streamManagement);
    on('fail', (stanza) => this.#receiver.lost(stanza), streamManagement);
    for (const event of ['disconnect', 'offline', 'closing']) on(event, () => this.#disconnected());
    // A batch is a request, so that the proxy learns whether it was taken. A handler cannot be unregistered.
    this.#xmpp.iqCallee?.set(NS.own, STATUS, async ({ stanza, element }, next) => {
      await this.ready;
      if (this.#closed || !this.#batch || stanza.attrs.from !== this.#component) return next();
      const durability = element.attrs[DURABILITY];
      this.#sender.update(readStatus(element.getChildren(STATUS_MESSAGE)).map((one) => ({ ...one, durability })));
      return true;
    });
    // In order, and only after the store has been read: it knows which messages came before.
    on('stanza', (stanza) => void this.ready.then(() => this.#stanza(stanza)));
  }

  async #load(): Promise<void> {
    const { out, seen, component } = await this.#persistence.load();
    this.#queue.restore(out);
    this.#seen.restore(seen);
    if (this.#discovering && component !== undefined) this.#setComponent(component);
  }

  #setComponent(component: string): void {
    this.#component = component;
    this.#discovering = false;
  }

  /** @param newSession false when the last session was resumed (XEP-0198) */
  async #online(newSession: boolean): Promise<void> {
    this.#session += 1;
    const session = this.#session;
    const ended = () => session !== this.#session;
    const now = Date.now();
    const away = this.#lastOnline === undefined || now - this.#lastOnline > this.#askAfter;
    await this.ready;
    if (ended()) return;
    const own = bare(String(this.#xmpp.jid));
    this.#claimStore(own);
    if (newSession) {
      this.#contacts.forget();
      this.#queue.restart();
      await streamManagementNegotiated(this.#xmpp);
    } else {
      const managed = this.#xmpp.streamManagement.outbound_q.map(({ stanza }) => stanza.attrs.id ?? '');
      this.#queue.resume(new Set(managed), now);
    }
    if (ended()) return;
    this.#receiver.flush();
    await this.#discover(domain(own));
    if (ended()) return;
    if (newSession) await this.#readFeatures(domain(own));
    if (ended()) return;
    this.#resolveDiscovered();
    if (newSession && away) await this.#sender.ask('in doubt');
    if (ended()) return;
    this.#lastOnline = now;
    this.#sender.giveUp();
    if (newSession) this.#later.begin(this.#queue.pending().filter(({ inDoubt }) => inDoubt));
    this.#sender.open();
    // Notifications at the very end of the last session may be lost.
    if (newSession && !away) await this.#sender.ask('stored');
  }

  #disconnected(): void {
    this.#session += 1;
    if (this.#lastOnline !== undefined && this.#xmpp.status !== 'connecting') this.#lastOnline = Date.now();
    this.#sender.close();
  }

  /** Messages of another account stay in the store, and are not sent from this one. */
  #claimStore(own: string): void {
    const { claimed, others } = this.#queue.claimFor(own);
    for (const item of claimed) void this.#persistence.save(OUT + item.id, toSaved(item));
    if (others > 0) {
      const error = new Error(`${others} messages of another account than ${own}`);
      this.#emit('problem', { what: 'account', error });
    }
  }

  async #discover(server: string): Promise<void> {
    const found = this.#discovering ? await findComponent(this.#xmpp, server) : undefined;
    if (found === undefined) return;
    this.#setComponent(found);
    void this.#persistence.save(COMPONENT, found);
  }

  /**
   * The proxy is asked in each session whether it takes batches (this client's support is in each of its messages), and
   * whether a gate holds messages for it.
   */
  async #readFeatures(server: string): Promise<void> {
    if (this.#component === undefined) return;
    const features = await featuresOf(this.#xmpp, this.#component);
    this.#receiver.batch = this.#batch && features.includes(NS.batch);
    this.#heldDomain = features.includes(NS.transparent) ? server : undefined;
  }

  /** Whether a gate holds what is written to this address. */
  #isHeld(jid: string): boolean {
    return this.#heldDomain !== undefined && this.#mayBeHeld(jid, this.#heldDomain);
  }

  /** Whether a gate of this server is for messages to this address: none to the server, and none to oneself. */
  #mayBeHeld(jid: string, server: string): boolean {
    return domain(jid) === server && jid.includes('@') && bare(jid) !== bare(String(this.#xmpp.jid));
  }

  #stanza(stanza: Element): void {
    const { from, type } = stanza.attrs;
    if (stanza.name === 'iq') this.#contacts.push(stanza);
    if (stanza.name !== 'message' || !from) return;
    if (type === 'error') {
      this.#sender.error(stanza);
      return;
    }
    const parsed = readMessage(stanza, this.#component);
    // It holds again what passed unheld before.
    const server = domain(String(this.#xmpp.jid));
    const stored = ({ to = '', state }: StatusUpdate) => state === 'pending' && domain(to) === server;
    if (from.toLowerCase() === this.#component && parsed.updates.some(stored)) this.#heldDomain = server;
    this.#sender.update(parsed.updates);
    if (parsed.content) this.#receiver.take(stanza, parsed);
  }
}

function defaultStore() {
  // In a page without IndexedDB, opening it fails, and that is reported as a problem. In Node memory is the usual store.
  return 'indexedDB' in globalThis || 'document' in globalThis ? indexedDbStore() : memoryStore();
}

/** See {@link ReceiptsClient}. To be called before `xmpp.start()`, so that nothing is missed. */
export function receiptsClient(xmpp: XmppClient, options: ReceiptsOptions = {}): ReceiptsClient {
  return new ReceiptsClient(xmpp, options);
}
