/** An XML element as `@xmpp/client` has it; the part that is used here. */
export interface Element {
  readonly name: string;
  readonly attrs: Record<string, string>;
  readonly children: (Element | string)[];
  is(name: string, xmlns?: string): boolean;
  getName(): string;
  getNS(): string | undefined;
  getChild(name: string, xmlns?: string): Element | undefined;
  getChildren(name: string, xmlns?: string): Element[];
  getChildElements(): Element[];
  getChildText(name: string, xmlns?: string): string | null;
  toString(): string;
}

interface Emitter {
  on(event: string, listener: (value: Element) => void): unknown;
  removeListener(event: string, listener: (value: Element) => void): unknown;
}

/** A request that came: the stanza and its one child. */
interface Asked {
  readonly stanza: Element;
  readonly element: Element;
}

/** What is used of an `@xmpp/client` 0.14 client. */
export interface XmppClient extends Emitter {
  readonly status: string;
  readonly jid: { toString(): string } | null;
  readonly iqCaller: { request(stanza: Element, timeoutMs?: number): Promise<Element> };
  /** Answers requests; what gives nothing refuses. */
  readonly iqCallee?: {
    set(xmlns: string, name: string, handler: (context: Asked, next: () => unknown) => unknown): void;
  };
  /** XEP-0198. */
  readonly streamManagement: Emitter & {
    readonly enabled: boolean;
    inbound: number;
    readonly enableSent: boolean;
    readonly outbound_q: readonly { readonly stanza: Element }[];
  };
  send(stanza: Element): Promise<void>;
}

/** A message to be sent. For more than this has, give an element: its children and its `type` are kept. */
export interface OutgoingMessage {
  readonly to: string;
  readonly body?: string;
  /** By default one of its own. One that was used before is another copy of that message, and refused. */
  readonly id?: string;
  /** By default `chat`. */
  readonly type?: 'chat' | 'normal';
  readonly thread?: string;
  readonly children?: readonly Element[];
}

/**
 * `queued`: kept in the store, not written yet. `sent`: written to the stream, which proves nothing. `stored`: the proxy
 * has it, and will deliver it or tell of its failure; to an address without the proxy, the user's own server has it
 * (XEP-0198), which promises nothing more, and without XEP-0198 this state is passed over, as it is where the receipt comes
 * before the acknowledgement. `delivered`: the recipient's client returned a receipt. `failed`: see {@link Failure}.
 */
export type State = 'queued' | 'sent' | 'stored' | 'delivered' | 'failed';

/** How a message ended without a receipt. A receipt that comes later all the same still makes it `delivered`. */
export interface Failure {
  /**
   * `expired`: no confirmation in the time that the proxy gives a message. `unconfirmed`: it was handed over, and nobody
   * knows, since the recipient's client returns no receipts. `rejected`: refused for good, by the proxy, the recipient's
   * server or the recipient's client. `forgotten`: the proxy knows nothing of it any more. `abandoned`: it could not be
   * sent, or nothing was heard of it, for `giveUpAfter`. `not-kept`: the store did not take it, so it was not sent.
   */
  readonly reason: 'expired' | 'unconfirmed' | 'rejected' | 'forgotten' | 'abandoned' | 'not-kept';
  /** The error's condition (RFC 6120 section 8.3.3), if there was one. */
  readonly condition?: string;
  /** Words for a person. */
  readonly text?: string;
}

/** What is known of a message that was sent. Times are ms since 1970. */
export interface Tracked {
  readonly id: string;
  readonly to: string;
  readonly state: State;
  /** How often it was written. */
  readonly attempts: number;
  readonly queuedAt: number;
  readonly sentAt?: number;
  readonly storedAt?: number;
  /** Who has it: see {@link State}. */
  readonly storedBy?: 'proxy' | 'server';
  /**
   * What the proxy's store does with it, where the proxy says that: `memory`, `disk` (synced), or `replicas:` and how many
   * others have it too.
   */
  readonly durability?: string | undefined;
  /** When it was delivered or failed. */
  readonly endedAt?: number;
  readonly failure?: Failure;
}

/** A message that came, seen for the first time. */
export interface IncomingMessage {
  /** The same for every copy: a key for the application's own database. */
  readonly key: string;
  readonly id: string | undefined;
  /** Full JID. */
  readonly from: string;
  readonly body: string | null;
  /** When it was sent, if that was not now (XEP-0203). */
  readonly sentAt: Date | undefined;
  /** Whether it came through the proxy. */
  readonly proxied: boolean;
  readonly stanza: Element;
  /** Returns the receipt, for `autoReceipt: 'disabled'`. Without effect if none was asked for. */
  confirm(): void;
}

/** Something that did not work and that the library went on without. */
export interface Problem {
  /**
   * `store`: the store failed; what it should have kept is in memory alone. `entry`: an entry of the store made no sense
   * and was left out. `handler`: the application's handler failed, so that the message counts as not received.
   * `account`: the store has messages of another account; they stay there, unsent.
   */
  readonly what: 'store' | 'entry' | 'handler' | 'account';
  readonly error: Error;
}

/** Where messages and what is known of them are kept: a map from strings to JSON values. */
export interface Store {
  /**
   * All entries, once, before anything else. Something that cannot be read comes with the value `undefined`.
   * If it rejects, the library works from memory.
   */
  load(): Promise<Iterable<readonly [key: string, value: unknown]>>;
  /** Resolves when the value is safe. Not to be resolved out of order for one key. */
  set(key: string, value: unknown): Promise<void>;
  delete(key: string): Promise<void>;
  close(): Promise<void>;
}

/** As Smack's `DeliveryReceiptManager.AutoReceiptMode`. */
export type AutoReceipt = 'disabled' | 'subscribed' | 'always';

export interface ReceiptsOptions {
  /**
   * The proxy's domain, `receipts.example.org`. By default it is looked for among the server's items (XEP-0030), and
   * remembered in the store. `null`: there is none.
   */
  readonly component?: string | null;
  /** By default IndexedDB where there is one, else memory. One store is for one account. */
  readonly store?: Store;
  /** By default `always` for senders behind the proxy, `subscribed` for others. */
  readonly autoReceipt?: AutoReceipt;
  /** Messages that are on their way without being stored, at most; by default 32. */
  readonly maxInFlight?: number;
  /** ms without an acknowledgement before a message is sent again, doubled each time; by default 10,000. */
  readonly resendAfter?: number;
  /** ms; the longest wait between two attempts; by default 300,000. */
  readonly resendAtMost?: number;
  /** ms of absence after which the proxy is asked what became of messages before any is sent again; by default 60,000. */
  readonly askAfter?: number;
  /** ms after which a message of which nothing is heard fails; by default 8 days, a day more than the proxy's own time. */
  readonly giveUpAfter?: number;
  /**
   * Whether receipts and acknowledgements may share stanzas, at most 200 ms late, where the proxy does so too; by default
   * yes. It saves most of their traffic in a lively conversation.
   */
  readonly batch?: boolean;
  /** How many messages are remembered, each of those that came and those that ended; by default 10,000. */
  readonly remember?: number;
}

/** `send` rejects with this when a message failed before anybody stored it. */
export class SendError extends Error {
  override readonly name = 'SendError';
  constructor(
    readonly id: string,
    readonly failure: Failure,
  ) {
    super(`Message ${id} was not stored: ${failure.reason}${failure.text ? ` (${failure.text})` : ''}`);
  }
}
