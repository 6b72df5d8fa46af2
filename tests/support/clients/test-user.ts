import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type Client, client } from '@xmpp/client';
import xml, { type Element } from '@xmpp/xml';
import { opened } from '../process/opened.ts';
import { ContactDialogue } from './contact-dialogue.ts';
import { RECEIPT_CLIENT } from './request-dialogue.ts';

const NS_STREAMS = 'http://etherx.jabber.org/streams';
const NS_SM = 'urn:xmpp:sm:3';

export interface LoginOptions {
  readonly host: string;
  readonly port: number;
  readonly domain: string;
  readonly username: string;
  readonly password: string;
  readonly resource?: string;
  /** Whether to become available at once; by default yes. */
  readonly presence?: boolean;
  /** Whether to confirm what asks for it, as stock clients do; by default yes. */
  readonly autoReceipt?: boolean;
  /** What the client says it can (XEP-0030); by default one that returns receipts says so, another says nothing. */
  readonly features?: readonly string[];
  /** Hears all stanzas, those that come while it logs in, too. */
  readonly onStanza?: (stanza: Element) => void;
  /** Whether messages are kept for who asks for them when they have come; by default yes. For thousands, `onStanza` is enough. */
  readonly keepsMessages?: boolean;
  /** XEP-0198; by default no. */
  readonly streamManagement?: boolean;
}

/** Resolves when the server has handled all that belongs to it, presence included. */
export async function login(options: LoginOptions): Promise<TestUser> {
  const user = new TestUser(options);
  await user.start();
  return user;
}

/** A stock client: @xmpp/client over TCP. */
export class TestUser extends ContactDialogue {
  /** What the library reported as errors, which is no failure by itself. */
  readonly errors: unknown[] = [];
  readonly #client: Client;
  readonly #options: LoginOptions;
  #socket: Socket | undefined;
  #closed = () => {};
  #jid = '';

  constructor(options: LoginOptions) {
    super();
    this.#options = options;
    if (options.onStanza !== undefined) this.listen(options.onStanza);
    this.autoReceipt = options.autoReceipt ?? true;
    this.features = options.features ?? (this.autoReceipt ? RECEIPT_CLIENT : undefined);
    const { host, port, domain, resource, username, password } = options;
    this.#client = client({
      service: `xmpp://${host}:${port}`,
      domain,
      resource,
      // Its SCRAM in JavaScript takes a second; and in its Base64 a character is a byte.
      credentials: (authenticate) =>
        authenticate({ username: Buffer.from(username).toString('latin1'), password }, 'PLAIN'),
    });
    this.#client.reconnect.stop();
    this.#client.on('error', (error) => this.errors.push(error));
    this.#amend();
  }

  get jid(): string {
    return this.#jid || `${this.#options.username}@${this.#options.domain}`;
  }

  async start(): Promise<void> {
    const enabled = this.#options.streamManagement ? this.#streamManagementAnswer() : undefined;
    await startPatiently(this.#client);
    this.#jid = this.#client.jid.toString();
    await enabled;
    if (!(this.#options.presence ?? true)) return;
    // RFC 6121 section 2.2; who has not asked for the roster is told of no request and no change.
    await this.roster();
    await this.available();
  }

  /** Resolves when the server has handled it: offline messages are on their way. */
  available(): Promise<void> {
    return this.goesAvailable();
  }

  unavailable(): Promise<void> {
    return this.goesUnavailable();
  }

  /** Whether its stream is open. */
  get online(): boolean {
    return this.#client.status === 'online';
  }

  /** Calls back when its connection is gone, however that came about. Once. */
  onGone(listener: () => void): void {
    this.#client.once('disconnect', listener);
  }

  /**
   * Connects anew after its connection was lost, with the session that it had (XEP-0198 section 5), or with a new one where the server
   * has it no longer. Gives whether it was the same.
   */
  async resume(): Promise<boolean> {
    const { streamManagement, reconnect } = this.#client;
    let settle: (isSame: boolean) => void = () => {};
    const settled = new Promise<boolean>((resolve) => {
      settle = resolve;
    });
    const [onSame, onNew] = [() => settle(true), () => settle(false)];
    // Of a session that goes on the library says nothing else.
    streamManagement.once('resumed', onSame);
    this.#client.once('online', onNew);
    this.#client.once('disconnect', onNew);
    let isSame = false;
    try {
      isSame = await patiently(this.#client, async () => {
        await reconnect.reconnect();
        return settled;
      });
    } finally {
      streamManagement.off('resumed', onSame);
      this.#client.off('online', onNew);
      this.#client.off('disconnect', onNew);
    }
    if (!this.online) throw new Error('The connection was lost again');
    if (!isSame && (this.#options.presence ?? true)) {
      await this.roster();
      await this.available();
    }
    return isSame;
  }

  /** Closes the stream in order. */
  async offline(): Promise<void> {
    if (this.#socket === undefined || this.#socket.destroyed) return;
    // One who does not read would wait in vain for the server's goodbye.
    if (this.#socket.isPaused()) this.thaw();
    await this.#client.stop().catch(() => {});
    this.#socket.destroy();
  }

  /** Breaks the connection with a RST. */
  cut(): void {
    this.#socket?.resetAndDestroy();
  }

  /** Reads no more; the connection stays. */
  freeze(): void {
    this.#socket?.pause();
  }

  thaw(): void {
    this.#socket?.resume();
  }

  protected override transmit(stanza: string): Promise<void> {
    return this.#client.write(stanza);
  }

  override async send(stanza: Element | string): Promise<void> {
    // The library counts for stream management what goes through its own `send`, which takes longer than to write it.
    if (typeof stanza === 'string' || this.#isPlain(stanza)) await this.transmit(String(stanza));
    else await this.#client.send(stanza);
  }

  protected override keeps(stanza: Element): boolean {
    return stanza.name !== 'message' || (this.#options.keepsMessages ?? true);
  }

  /** A message that nobody counts, so that the library has nothing to do with it. */
  #isPlain({ name }: Element): boolean {
    return name === 'message' && !this.#options.streamManagement;
  }

  /** A server handles a client's stanzas in order, so an answer proves that the ones before are handled. */
  protected override async handled(): Promise<void> {
    await this.iq(xml('iq', { type: 'get', to: this.#options.domain }, xml('ping', { xmlns: 'urn:xmpp:ping' })));
  }

  async #streamManagementAnswer(): Promise<void> {
    for (;;) {
      const [element] = (await once(this.#client, 'nonza')) as [Element];
      if (element.is('enabled', NS_SM)) return;
      if (element.is('failed', NS_SM)) throw new Error(`Stream management: ${element}`);
    }
  }

  #amend(): void {
    const entity = this.#client;
    const attach = entity._attachSocket.bind(entity);
    entity._attachSocket = (socket) => {
      // Of the TLS one only the library's wrapping is seen here; it is left as it is.
      if ('setEncoding' in socket) {
        // The library decodes each chunk by itself, and breaks a character that two of them share.
        socket.setEncoding('utf8');
        socket.setNoDelay(true);
        this.#socket = socket;
        this.#closed();
        this.#closed = opened('a client', () => socket.destroy());
        socket.once('close', this.#closed);
      }
      attach(socket);
    };
    const onData = entity._onData.bind(entity);
    entity._onData = (data) => {
      // What comes after the end of the stream finds no parser any more.
      if (entity.parser !== null) onData(data);
    };
    const disconnect = entity.disconnect.bind(entity);
    // At a stream error the library does not wait for it, and what it rejects with then would end the process.
    entity.disconnect = () => disconnect().catch(() => {});
    const onElement = entity._onElement.bind(entity);
    entity._onElement = (element) => {
      if (element.is('features', NS_STREAMS)) this.#chooseFeatures(element);
      else if (/^(message|presence|iq)$/.test(element.name)) this.take(element);
      if (this.#isPlain(element)) return;
      // The library would answer a second time, with a refusal; but it must count them all for stream management.
      const isRequest = element.name === 'iq' && /^(get|set)$/.test(element.attrs.type ?? '');
      try {
        onElement(isRequest ? xml('iq', { type: 'result' }) : element);
      } catch (error) {
        this.errors.push(error);
      }
    };
  }

  /** The library takes whatever is offered; what it does not see it does not take. */
  #chooseFeatures(features: Element): void {
    const isLeftOut = (child: Element | string) =>
      typeof child !== 'string' &&
      ((child.is('sm', NS_SM) && !this.#options.streamManagement) ||
        (child.name === 'starttls' && child.getChild('required') === undefined));
    features.children = features.children.filter((child) => !isLeftOut(child));
  }
}

/** ms; the library waits 2 s for each step of its start, which a busy machine's server may take longer for. */
const PATIENCE = 60_000;

/** Connects an `@xmpp/client`, however long the server takes. What it does later it waits for as ever. */
export async function startPatiently(client: Client): Promise<void> {
  await patiently(client, () => client.start());
}

async function patiently<T>(client: Client, connect: () => Promise<T>): Promise<T> {
  const { timeout } = client;
  client.timeout = PATIENCE;
  try {
    return await connect();
  } finally {
    client.timeout = timeout;
  }
}
