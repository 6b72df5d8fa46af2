import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import tls from 'node:tls';
import xml, { type Element } from '@xmpp/xml';
import { Dialogue } from '../clients/dialogue.ts';
import { opened } from '../process/opened.ts';
import { WITHIN } from '../time/until.ts';

const NS_STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas';
const NS_SM = 'urn:xmpp:sm:3';
const NS_REGISTER = 'jabber:iq:register';

export interface RawClientOptions {
  readonly port: number;
  readonly domain: string;
  readonly username: string;
  readonly resource: string;
  /** `pw` when it is not given. */
  readonly password?: string;
  /** Encrypted (STARTTLS), with whatever certificate. */
  readonly tls?: boolean;
}

/**
 * A client that does nothing by itself: it acknowledges (XEP-0198) and answers pings only when the test says so. Stanzas are heard
 * as ever; what else comes (acknowledgement requests, answers of stream management) is in `nonzas`.
 */
export class RawClient extends Dialogue {
  override autoReceipt = false;
  readonly nonzas: Element[] = [];
  /** Stanzas since stream management was enabled: the true value of h. */
  handled = 0;
  /** To resume with. */
  smId = '';
  readonly #options: RawClientOptions;
  readonly #tcp: Socket;
  /** TCP's, or TLS' on it. */
  #socket: Socket;
  readonly #over: Promise<unknown>;
  #parser = new xml.Parser();
  #onNonza: (() => void) | undefined;
  #features: Element | undefined;

  private constructor(options: RawClientOptions) {
    super();
    this.#options = options;
    this.#tcp = net.connect({ port: options.port, host: '127.0.0.1', noDelay: true });
    this.#socket = this.#tcp;
    this.#over = new Promise((resolve) => this.#tcp.on('close', resolve));
    this.#hear();
    const closed = opened('a client', () => this.#tcp.destroy());
    this.#tcp.once('close', closed);
  }

  #hear(): void {
    this.#socket.on('error', () => {});
    this.#socket.setEncoding('utf8');
    this.#socket.on('data', (text: string) => this.#parser.write(text));
  }

  get jid(): string {
    const { username, domain, resource } = this.#options;
    return `${username}@${domain}/${resource}`;
  }

  /** Whether its connection is encrypted. */
  get tls(): boolean {
    return this.#options.tls === true;
  }

  /** Whether the server has offered it in this stream. */
  isOffered(name: string, namespace: string): boolean {
    return this.#features?.getChild(name, namespace) !== undefined;
  }

  /** Authenticated, with nothing bound. */
  static async authenticate(options: RawClientOptions): Promise<RawClient> {
    const client = new RawClient(options);
    await once(client.#tcp, 'connect');
    await client.#open();
    if (options.tls === true) await client.#startTls();
    const plain = Buffer.from(`\0${options.username}\0${options.password ?? 'pw'}`).toString('base64');
    client.write(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${plain}</auth>`);
    await client.nonza('success');
    await client.#open();
    return client;
  }

  /** Bound, and available unless the test says otherwise. */
  static async login(options: RawClientOptions, { sm = false, presence = true } = {}): Promise<RawClient> {
    const client = await RawClient.authenticate(options);
    const resource = xml('resource', {}, options.resource);
    await client.iq(xml('iq', { type: 'set' }, xml('bind', { xmlns: 'urn:ietf:params:xml:ns:xmpp-bind' }, resource)));
    if (sm) await client.#enableSm();
    if (presence) await client.goesAvailable();
    return client;
  }

  /** Makes the account (XEP-0077). */
  static async register(options: RawClientOptions): Promise<void> {
    const client = new RawClient(options);
    await once(client.#tcp, 'connect');
    await client.#open();
    const account = [xml('username', {}, options.username), xml('password', {}, options.password ?? 'pw')];
    const answer = await client.iq(xml('iq', { type: 'set' }, xml('query', { xmlns: NS_REGISTER }, ...account)));
    client.cut();
    if (answer.attrs.type !== 'result') throw new Error(`The account was not made: ${answer}`);
  }

  /** Deletes its own account, which ends the session. Openfire 4.2 leaves that of a client which is not available, so it is closed then. */
  async deletesAccount(): Promise<void> {
    const answered = this.iq(xml('iq', { type: 'set' }, xml('query', { xmlns: NS_REGISTER }, xml('remove'))));
    await Promise.race([answered, this.#over]);
    answered.catch(() => {});
    await this.leave();
  }

  /** Takes a session over that lost its connection, with what the client says it had. */
  static async resume(options: RawClientOptions, smId: string, h: number): Promise<RawClient> {
    const client = await RawClient.authenticate(options);
    client.handled = h;
    client.smId = smId;
    client.write(`<resume xmlns="${NS_SM}" previd="${smId}" h="${h}"/>`);
    const answer = await client.nonza('resumed', 'failed');
    if (answer.name === 'resumed') return client;
    client.cut();
    throw new Error(`${client.jid} was not resumed: ${answer}`);
  }

  async goesAvailable(): Promise<void> {
    await this.send(xml('presence'));
    await this.hears((el) => el.name === 'presence' && el.attrs.from === this.jid);
  }

  ack(h = this.handled): void {
    this.write(`<a xmlns="${NS_SM}" h="${h}"/>`);
  }

  /** The server's ping, to be answered later, or never. */
  ping(): Promise<Element> {
    return this.hears((el) => el.getChild('ping', 'urn:xmpp:ping') !== undefined);
  }

  answer({ attrs }: Element, type: 'result' | 'error' = 'result'): Promise<void> {
    const error = xml('error', { type: 'cancel' }, xml('service-unavailable', { xmlns: NS_STANZAS }));
    return this.send(xml('iq', { type, to: attrs.from, id: attrs.id }, ...(type === 'error' ? [error] : [])));
  }

  /** From now on acknowledges whatever came before each ping, and does not answer it. */
  acksPings(): void {
    this.listen((el) => {
      if (el.getChild('ping', 'urn:xmpp:ping') !== undefined) this.ack();
    });
  }

  /** Resolves when the server has handled what was sent before. */
  async handledBefore(): Promise<void> {
    const ping = xml('ping', { xmlns: 'urn:xmpp:ping' });
    await this.iq(xml('iq', { type: 'get', to: this.#options.domain }, ping));
  }

  /** The first such element that was not taken yet. Rejects when none comes in the time that anything may take. */
  async nonza(...names: readonly string[]): Promise<Element> {
    const what = `<${names.join('/> or <')}/> for ${this.jid}`;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`Waited ${WITHIN} ms in vain for ${what}`)), WITHIN);
    });
    const closed = this.#over.then(() => Promise.reject(new Error(`The connection ended before ${what}`)));
    closed.catch(() => {});
    try {
      for (;;) {
        const at = this.nonzas.findIndex((one) => names.includes(one.name));
        if (at >= 0) return this.nonzas.splice(at, 1)[0] as Element;
        const next = new Promise<void>((resolve) => {
          this.#onNonza = resolve;
        });
        await Promise.race([next, late, closed]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  /** Breaks the connection with a RST. */
  cut(): void {
    this.#tcp.resetAndDestroy();
  }

  /** Ends TCP and not the stream. */
  hangUp(): void {
    this.#socket.end();
  }

  /** Reads no more. */
  freeze(): void {
    this.#socket.pause();
  }

  /** Closes the stream in order. Who reads no more would not see the end of it. */
  async leave(): Promise<void> {
    this.#socket.resume();
    this.write('</stream:stream>');
    await this.#over;
  }

  protected override async transmit(stanza: string): Promise<void> {
    this.write(stanza);
  }

  async #startTls(): Promise<void> {
    this.write('<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>');
    await this.nonza('proceed');
    this.#tcp.removeAllListeners('data');
    const secured = tls.connect({ socket: this.#tcp, rejectUnauthorized: false });
    this.#socket = secured;
    this.#hear();
    await once(secured, 'secureConnect');
    await this.#open();
  }

  async #enableSm(): Promise<void> {
    this.write(`<enable xmlns="${NS_SM}" resume="true"/>`);
    this.smId = (await this.nonza('enabled')).attrs.id ?? '';
  }

  async #open(): Promise<void> {
    this.#parser = new xml.Parser();
    this.#parser.on('element', (element) => {
      if (/^(message|presence|iq)$/.test(element.name)) {
        this.handled += 1;
        this.take(element);
        return;
      }
      if (element.name === 'enabled') this.handled = 0;
      this.nonzas.push(element);
      this.#onNonza?.();
    });
    this.write(
      `<stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" to="${this.#options.domain}" version="1.0">`,
    );
    this.#features = await this.nonza('stream:features');
  }
}
