import type { Socket } from 'node:net';
import { type Client, client } from '@xmpp/client';
import xml, { type Element } from '@xmpp/xml';
import {
  type IncomingMessage,
  type ReceiptsClient,
  type ReceiptsOptions,
  receiptsClient,
} from '../../../packages/client/src/index.ts';
import { startPatiently } from '../clients/test-user.ts';
import { Relay } from '../peer/relay.ts';
import { opened } from '../process/opened.ts';
import type { World } from '../stages/world.ts';
import { until } from '../time/until.ts';

export interface LibraryUserOptions extends ReceiptsOptions {
  readonly resource?: string;
  /** Whether XEP-0198 is used; by default yes. */
  readonly streamManagement?: boolean;
  /** RFC 6121 section 4.7.2.3; by default none is said, which is 0. */
  readonly priority?: number;
}

/** A user with the client library, on an `@xmpp/client` that reconnects, through a relay that can be cut. */
export class LibraryUser {
  /** What the application saw, in its order. */
  readonly inbox: IncomingMessage[] = [];
  readonly problems: unknown[] = [];
  /** What the network loses on its way to this user. */
  loses: (element: Element) => boolean = () => false;

  private constructor(
    readonly name: string,
    readonly xmpp: Client,
    readonly receipts: ReceiptsClient,
    readonly connection: Reconnecting,
    priority: number,
  ) {
    receipts.receive((message) => void this.inbox.push(message));
    receipts.addEventListener('problem', ({ detail }) => this.problems.push(detail));
    const presence = () => xml('presence', {}, ...(priority === 0 ? [] : [xml('priority', {}, String(priority))]));
    xmpp.on('online', () => void xmpp.send(presence()).catch(() => {}));
    xmpp.on('error', () => {});
  }

  get relay(): Relay {
    return this.connection.relay;
  }

  /** Resolves when it is online, and the server has its presence. */
  static async login(world: World, name: string, options: LibraryUserOptions = {}): Promise<LibraryUser> {
    const user = await LibraryUser.prepare(world, name, options);
    await startPatiently(user.xmpp);
    // A server handles a client's stanzas in order.
    const ping = xml('iq', { type: 'get', to: world.xmpp.domain }, xml('ping', { xmlns: 'urn:xmpp:ping' }));
    await user.xmpp.iqCaller.request(ping);
    return user;
  }

  static async prepare(world: World, name: string, options: LibraryUserOptions = {}): Promise<LibraryUser> {
    const { resource, streamManagement = true, priority = 0, ...rest } = options;
    const connection = await reconnecting(world, name, { resource, streamManagement });
    const { xmpp } = connection;
    const user = new LibraryUser(name, xmpp, receiptsClient(xmpp, rest), connection, priority);
    connection.loses((element) => user.loses(element));
    return user;
  }

  bodies(): (string | null)[] {
    return this.inbox.map(({ body }) => body);
  }

  /** Resolves when the application has seen this. */
  async hears(body: string): Promise<IncomingMessage> {
    const heard = () => this.inbox.find((message) => message.body === body);
    return (await until(heard, { what: `"${body}"` })) as IncomingMessage;
  }

  /** As a tab that is killed: nothing is said to anybody. */
  async kill(): Promise<void> {
    this.xmpp.reconnect.stop();
    await this.receipts.close();
    await this.connection.stop();
  }

  /** In order. */
  async close(): Promise<void> {
    await this.receipts.close();
    await this.xmpp.stop().catch(() => {});
    await this.connection.stop();
  }
}

export interface Reconnecting {
  readonly xmpp: Client;
  readonly relay: Relay;
  /** Sets what the network loses on its way to this client. */
  loses(which: (element: Element) => boolean): void;
  /** Breaks the connection, and makes no other. */
  stop(): Promise<void>;
}

/** An `@xmpp/client` that reconnects at once, through a relay of its own. */
export async function reconnecting(
  world: World,
  name: string,
  { resource, streamManagement }: { readonly resource: string | undefined; readonly streamManagement: boolean },
): Promise<Reconnecting> {
  const { host, domain, c2sPort, passwords } = world.xmpp;
  const relay = await Relay.to(c2sPort, undefined, host);
  const xmpp = client({
    service: `xmpp://127.0.0.1:${relay.port}`,
    domain,
    resource,
    credentials: (authenticate) => authenticate({ username: name, password: passwords.get(name) ?? '' }, 'PLAIN'),
  });
  xmpp.reconnect.delay = 50;
  // While the server is away each of its streams waits 2 s for a header, and there is another one 50 ms later.
  xmpp.setMaxListeners(0);
  let lost: (element: Element) => boolean = () => false;
  withoutMisfits(xmpp, streamManagement, (element) => lost(element));
  const loses = (which: (element: Element) => boolean) => {
    lost = which;
  };
  const stop = async () => {
    closed();
    xmpp.reconnect.stop();
    await relay.close();
  };
  const closed = opened('a client', stop);
  return { xmpp, relay, loses, stop };
}

const isRequired = (child: Element | string) => typeof child !== 'string' && child.name === 'required';

/** What the XMPP library does not do on plain loopback. */
function withoutMisfits(xmpp: Client, streamManagement: boolean, loses: (element: Element) => boolean): void {
  const attach = xmpp._attachSocket.bind(xmpp);
  xmpp._attachSocket = (socket: Socket) => {
    // It decodes each chunk by itself, and breaks a character that two of them share.
    socket.setEncoding?.('utf8');
    socket.setNoDelay?.(true);
    attach(socket);
  };
  const onData = xmpp._onData.bind(xmpp);
  xmpp._onData = (data) => {
    if (xmpp.parser !== null) onData(data);
  };
  const onElement = xmpp._onElement.bind(xmpp);
  // The library takes whatever is offered. On loopback nobody listens, and a server's certificate is often its own.
  const isLeftOut = ({ name, children }: Element) =>
    (name === 'sm' && !streamManagement) || (name === 'starttls' && !children.some(isRequired));
  xmpp._onElement = (element) => {
    if (element.name === 'stream:features') {
      element.children = element.children.filter((child) => typeof child === 'string' || !isLeftOut(child));
    }
    if (!loses(element)) onElement(element);
  };
}
