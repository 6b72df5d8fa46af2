import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { Duplex } from 'node:stream';
import xml, { type Element } from '@xmpp/xml';
import { opened } from '../process/opened.ts';
import { parseStanza } from '../stanzas/xml.ts';
import type { BoshOptions } from './bosh-user.ts';
import { Dialogue } from './dialogue.ts';

const NS_FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing';
const [TEXT, CLOSE, PING, PONG] = [1, 8, 9, 10];

/** A client over WebSocket (RFC 7395), for Node.js versions that have none of their own. It answers all requests. */
export class WebSocketUser extends Dialogue {
  readonly #options: BoshOptions;
  readonly #socket: Duplex;
  readonly #nonzas: Element[] = [];
  #onNonza: (() => void) | undefined;
  #bytes = Buffer.alloc(0);
  #text = '';

  private constructor(options: BoshOptions, socket: Duplex) {
    super();
    this.#options = options;
    this.#socket = socket;
    this.autoReceipt = options.autoReceipt ?? true;
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => this.#read(data));
    socket.once(
      'close',
      opened('a WebSocket client', () => socket.destroy()),
    );
  }

  get jid(): string {
    const { username, domain, resource } = this.#options;
    return `${username}@${domain}/${resource}`;
  }

  /** Available. */
  static async login(options: BoshOptions): Promise<WebSocketUser> {
    const request = http.request(options.url.replace(/^ws/, 'http'), {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-key': randomBytes(16).toString('base64'),
        'sec-websocket-version': '13',
        'sec-websocket-protocol': 'xmpp',
      },
    });
    request.end();
    const [, socket, head] = (await once(request, 'upgrade')) as [unknown, Duplex, Buffer];
    const user = new WebSocketUser(options, socket);
    user.#read(head);
    const { domain, username, password, resource } = options;
    const open = () => user.transmit(`<open xmlns="${NS_FRAMING}" to="${domain}" version="1.0"/>`);
    await open();
    await user.#nonza('stream:features');
    const plain = Buffer.from(`\0${username}\0${password}`).toString('base64');
    await user.transmit(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${plain}</auth>`);
    await user.#nonza('success');
    await open();
    await user.#nonza('stream:features');
    const bind = xml('bind', { xmlns: 'urn:ietf:params:xml:ns:xmpp-bind' }, xml('resource', {}, resource));
    await user.iq(xml('iq', { type: 'set' }, bind));
    await user.send(xml('presence'));
    // Openfire 4.2 does not tell a client of its own presence.
    await user.iq(xml('iq', { type: 'get', to: domain }, xml('ping', { xmlns: 'urn:xmpp:ping' })));
    return user;
  }

  /** Ends the session in order. */
  async leave(_silently = false): Promise<void> {
    await this.transmit(`<close xmlns="${NS_FRAMING}"/>`);
    this.#socket.destroy();
  }

  protected override async transmit(stanza: string): Promise<void> {
    this.#write(TEXT, stanza.replace(/^<(message|presence|iq)/, '<$1 xmlns="jabber:client"'));
  }

  /** RFC 6455 section 5.2: in one frame, masked. */
  #write(opcode: number, text: string): void {
    const data = Buffer.from(text);
    const long = data.length > 125;
    const frame = Buffer.alloc((long ? 8 : 6) + data.length);
    frame[0] = 0x80 | opcode;
    frame[1] = 0x80 | (long ? 126 : data.length);
    if (long) frame.writeUInt16BE(data.length, 2);
    // The mask is zero: the rule is for proxies on the way, and there is none.
    data.copy(frame, long ? 8 : 6);
    this.#socket.write(frame);
  }

  #read(data: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, data]);
    for (;;) {
      const [first, second] = this.#bytes;
      if (first === undefined || second === undefined) return;
      const header = second === 126 ? 4 : second === 127 ? 10 : 2;
      if (this.#bytes.length < header) return;
      const length =
        second === 126 ? this.#bytes.readUInt16BE(2) : second === 127 ? Number(this.#bytes.readBigUInt64BE(2)) : second;
      if (this.#bytes.length < header + length) return;
      const text = this.#bytes.subarray(header, header + length).toString();
      this.#bytes = this.#bytes.subarray(header + length);
      const opcode = first & 15;
      if (opcode === CLOSE) this.#socket.destroy();
      else if (opcode === PING) this.#write(PONG, text);
      else if (opcode !== PONG) this.#message(text, first > 127);
    }
  }

  #message(text: string, whole: boolean): void {
    this.#text += text;
    if (!whole) return;
    const element = parseStanza(this.#text);
    this.#text = '';
    if (!/^(message|presence|iq)$/.test(element.name)) {
      this.#nonzas.push(element);
      this.#onNonza?.();
      return;
    }
    this.take(element);
    const { from, id, type } = element.attrs;
    if (element.name === 'iq' && (type === 'get' || type === 'set'))
      void this.send(xml('iq', { type: 'result', to: from, id }));
  }

  /** The next such element. */
  async #nonza(name: string): Promise<Element> {
    for (;;) {
      const at = this.#nonzas.findIndex((one) => one.name === name);
      if (at >= 0) return this.#nonzas.splice(at, 1)[0] as Element;
      await new Promise<void>((resolve) => {
        this.#onNonza = resolve;
      });
    }
  }
}
