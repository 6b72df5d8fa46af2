import { setTimeout as sleep } from 'node:timers/promises';
import xml, { type Element } from '@xmpp/xml';
import { memoryStore, type Store } from '../../packages/client/src/index.ts';
import { countAll } from '../../packages/client/src/stream-management.ts';
import { LibraryUser, type Reconnecting, reconnecting } from '../../tests/support/client-library/library-user.ts';
import type { Relay } from '../../tests/support/peer/relay.ts';
import type { World } from '../../tests/support/stages/world.ts';
import { until } from '../../tests/support/time/until.ts';

const NS_RECEIPTS = 'urn:xmpp:receipts';
const NS_SID = 'urn:xmpp:sid:0';
const NS_OWN = 'urn:openfire-receipts:0';
/** ms */
const TIMEOUT = 90_000;

/** What a client knows and does. */
export interface Kind {
  /** XEP-0198, with resumption. */
  readonly streamManagement: boolean;
  /** XEP-0184: asks for receipts and returns them. */
  readonly receipts: boolean;
  /** This project's client library. */
  readonly library: boolean;
  /** Whether the library may batch; by default yes. */
  readonly batch?: boolean;
}

/** Somebody at one end of a conversation, whose network can be hurt. */
export interface Person {
  readonly name: string;
  readonly relay: Relay;
  /** The texts that the application was given, in their order, copies included. */
  readonly seen: readonly string[];
  /** Resolves when it is written, or kept by the library; who has no connection writes when he has one again. */
  write(to: string, id: string, text: string): Promise<void>;
  /** Resolves when he is connected and the server has handled all that he has written. */
  back(): Promise<void>;
  /** Whether he was told that somebody has this message: the proxy, his server, or the recipient. */
  believes(id: string): boolean;
  /** Whether somebody is known to have it for good, so that nothing is to be waited for. */
  settled(id: string): boolean;
  /** The application ends without a word and starts anew on the same resource; the old connection stays open, and dead. */
  restarted(): Promise<Person>;
  close(): Promise<void>;
}

/** Logs somebody in. */
export function person(world: World, name: string, resource: string, kind: Kind): Promise<Person> {
  return kind.library
    ? LibraryPerson.login(world, name, resource, kind, memoryStore())
    : StockPerson.login(world, name, resource, kind);
}

/** Resolves when the server has handled his presence and all that he wrote before, whatever the network does meanwhile. */
async function handled({ xmpp }: Pick<Reconnecting, 'xmpp'>, domain: string): Promise<void> {
  const ping = async () => {
    if (xmpp.status !== 'online') return false;
    const request = xml('iq', { type: 'get', to: domain }, xml('ping', { xmlns: 'urn:xmpp:ping' }));
    return xmpp.iqCaller.request(request, 5000).then(
      () => true,
      () => false,
    );
  };
  await until(ping, { within: TIMEOUT, what: 'the server to answer' });
}

/**
 * A stock client: it shows what comes, each copy anew, and sends nothing again by itself but what stream management says that its
 * server did not handle.
 */
class StockPerson implements Person {
  readonly seen: string[] = [];
  readonly #told = new Set<string>();
  readonly #ticked = new Set<string>();
  #closed = false;

  private constructor(
    readonly world: World,
    readonly name: string,
    readonly resource: string,
    readonly kind: Kind,
    readonly connection: Reconnecting,
  ) {
    const { xmpp } = connection;
    xmpp.on('error', () => {});
    xmpp.on('online', () => void xmpp.send(xml('presence')).catch(() => {}));
    xmpp.on('stanza', (stanza: Element) => this.#take(stanza));
    if (!kind.streamManagement) return;
    // What is measured is XEP-0198, and not the stanzas that this XMPP library forgets to count.
    countAll(xmpp, (event, listener) => xmpp.on(event, listener));
    // Openfire resumes no session whose connection was reset: this library says what it had written there in vain. What has a receipt
    // was not in vain.
    xmpp.streamManagement.on('fail', (stanza: Element) => {
      const isOpen = !this.#ticked.has(stanza.attrs.id ?? '') && stanza.getChild('body') !== undefined;
      if (isOpen) void this.#writeWhenOnline(stanza).catch(() => {});
    });
    if (!kind.receipts) xmpp.streamManagement.on('ack', ({ attrs }: Element) => this.#told.add(attrs.id ?? ''));
  }

  static async login(world: World, name: string, resource: string, kind: Kind): Promise<Person> {
    const { streamManagement } = kind;
    const connection = await reconnecting(world, name, { resource, streamManagement });
    const one = new StockPerson(world, name, resource, kind, connection);
    await connection.xmpp.start();
    await one.back();
    return one;
  }

  get relay(): Relay {
    return this.connection.relay;
  }

  async write(to: string, id: string, text: string): Promise<void> {
    const message = xml('message', { to, type: 'chat', id }, xml('body', {}, text));
    message.append(xml('origin-id', { xmlns: NS_SID, id }));
    if (this.kind.receipts) message.append(xml('request', { xmlns: NS_RECEIPTS }));
    await this.#writeWhenOnline(message);
  }

  async #writeWhenOnline(message: Element): Promise<void> {
    const { xmpp } = this.connection;
    for (;;) {
      await until(() => xmpp.status === 'online', { within: TIMEOUT, what: `${this.name} to be connected` });
      try {
        await xmpp.send(message);
        return;
      } catch {
        // The connection is gone, and the client knows that this one was not written. Its status says so a little later.
        await sleep(20);
      }
    }
  }

  back(): Promise<void> {
    return handled(this.connection, this.world.xmpp.domain);
  }

  believes(id: string): boolean {
    return this.#told.has(id) || (!this.kind.receipts && !this.kind.streamManagement);
  }

  settled(id: string): boolean {
    return this.#ticked.has(id);
  }

  async restarted(): Promise<Person> {
    const { world, name, resource, kind } = this;
    this.connection.xmpp.reconnect.stop();
    this.relay.freeze();
    const next = await StockPerson.login(world, name, resource, kind);
    return new Successor(next, this);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.connection.xmpp.reconnect.stop();
    if (!this.relay.frozen) await this.connection.xmpp.stop().catch(() => {});
    await this.connection.stop();
  }

  #take(stanza: Element): void {
    const { from = '', id, type } = stanza.attrs;
    if (stanza.name !== 'message') return;
    if (type === 'error') {
      this.#told.delete(id ?? '');
      return;
    }
    const received = stanza.getChild('received', NS_RECEIPTS)?.attrs.id;
    const stored = stanza.getChild('stored', NS_OWN)?.attrs.id;
    if (stored !== undefined) this.#told.add(stored);
    else if (received !== undefined) {
      this.#told.add(received);
      this.#ticked.add(received);
    }
    const text = stanza.getChildText('body');
    if (text === null) return;
    this.seen.push(text);
    if (!this.kind.receipts || !id || stanza.getChild('request', NS_RECEIPTS) === undefined) return;
    const receipt = xml('message', { to: from, type: 'chat' }, xml('received', { xmlns: NS_RECEIPTS, id }));
    void this.connection.xmpp.send(receipt).catch(() => {});
  }
}

/** One with the client library. */
class LibraryPerson implements Person {
  private constructor(
    readonly world: World,
    readonly resource: string,
    readonly kind: Kind,
    readonly store: Store,
    readonly user: LibraryUser,
  ) {}

  static async login(world: World, name: string, resource: string, kind: Kind, store: Store): Promise<LibraryPerson> {
    const { streamManagement, batch = true } = kind;
    const quick = { batch, resendAfter: 2000, askAfter: 1000, component: world.xmpp.componentDomain };
    const user = await LibraryUser.login(world, name, { resource, streamManagement, store, ...quick });
    const one = new LibraryPerson(world, resource, kind, store, user);
    await one.back();
    return one;
  }

  get name(): string {
    return this.user.name;
  }

  get relay(): Relay {
    return this.user.relay;
  }

  get seen(): string[] {
    return this.user.bodies().map((body) => body ?? '');
  }

  async write(to: string, id: string, text: string): Promise<void> {
    this.user.receipts.send({ to, id, body: text });
  }

  back(): Promise<void> {
    return handled(this.user, this.world.xmpp.domain);
  }

  believes(id: string): boolean {
    const state = this.user.receipts.get(id)?.state;
    return state === 'stored' || state === 'delivered';
  }

  settled(id: string): boolean {
    const state = this.user.receipts.get(id)?.state;
    return state === 'delivered' || state === 'failed';
  }

  async restarted(): Promise<Person> {
    const { world, name, resource, kind, store, user } = this;
    user.xmpp.reconnect.stop();
    await user.receipts.close();
    this.relay.freeze();
    return new Successor(await LibraryPerson.login(world, name, resource, kind, store), this);
  }

  close(): Promise<void> {
    return this.relay.frozen ? this.user.kill() : this.user.close();
  }
}

/** An application that was started anew: its user has seen what either of them showed. */
class Successor implements Person {
  constructor(
    readonly next: Person,
    readonly before: Person,
  ) {}

  get name(): string {
    return this.next.name;
  }

  get relay(): Relay {
    return this.next.relay;
  }

  get seen(): string[] {
    return [...this.before.seen, ...this.next.seen];
  }

  write(to: string, id: string, text: string): Promise<void> {
    return this.next.write(to, id, text);
  }

  back(): Promise<void> {
    return this.next.back();
  }

  believes(id: string): boolean {
    return this.next.believes(id);
  }

  settled(id: string): boolean {
    return this.next.settled(id);
  }

  restarted(): Promise<Person> {
    return this.next.restarted();
  }

  async close(): Promise<void> {
    await this.before.close();
    await this.next.close();
  }
}
