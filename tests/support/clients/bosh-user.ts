import { randomInt } from 'node:crypto';
import xml, { type Element } from '@xmpp/xml';
import { opened } from '../process/opened.ts';
import { Dialogue } from './dialogue.ts';

const NS_BOSH = 'http://jabber.org/protocol/httpbind';
const NS_XBOSH = 'urn:xmpp:xbosh';

export interface BoshOptions {
  readonly url: string;
  readonly domain: string;
  readonly username: string;
  readonly password: string;
  readonly resource: string;
  /** Whether to confirm what asks for it; by default yes. */
  readonly autoReceipt?: boolean;
}

/** A client over HTTP (XEP-0124, XEP-0206): one request waits at the server all the time, until it stops or leaves. */
export class BoshUser extends Dialogue {
  readonly #options: BoshOptions;
  readonly #abort = new AbortController();
  #rid = randomInt(1, 2 ** 40);
  #sid = '';
  /** What is written goes in one request at a time: servers keep few that come before their turn. */
  #writing: Promise<void> = Promise.resolve();
  readonly #nonzas: Element[] = [];

  private constructor(options: BoshOptions) {
    super();
    this.#options = options;
    this.autoReceipt = options.autoReceipt ?? true;
    this.#abort.signal.addEventListener(
      'abort',
      opened('a BOSH client', () => this.stop()),
    );
  }

  get jid(): string {
    const { username, domain, resource } = this.#options;
    return `${username}@${domain}/${resource}`;
  }

  /** Available, with its requests under way. */
  static async login(options: BoshOptions): Promise<BoshUser> {
    const user = new BoshUser(options);
    const { domain, username, password, resource } = options;
    const version = `xmlns:xmpp="${NS_XBOSH}" xmpp:version="1.0"`;
    await user.#post('', `to="${domain}" wait="60" hold="1" ver="1.6" xml:lang="en" ${version}`);
    const plain = Buffer.from(`\0${username}\0${password}`).toString('base64');
    await user.#post(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${plain}</auth>`);
    if (!user.#nonzas.some(({ name }) => name === 'success')) throw new Error(`No login: ${user.#nonzas.join('')}`);
    await user.#post('', `to="${domain}" xmlns:xmpp="${NS_XBOSH}" xmpp:restart="true"`);
    void user.#poll();
    const bind = xml('bind', { xmlns: 'urn:ietf:params:xml:ns:xmpp-bind' }, xml('resource', {}, resource));
    await user.iq(xml('iq', { type: 'set' }, bind));
    await user.send(xml('presence'));
    // Openfire 4.2 does not tell a client of its own presence.
    await user.iq(xml('iq', { type: 'get', to: domain }, xml('ping', { xmlns: 'urn:xmpp:ping' })));
    return user;
  }

  /**
   * Ends the session in order.
   *
   * @param silently with nothing in the request that ends it: with something in it Openfire 4.2 may keep the session for a minute
   */
  async leave(silently = false): Promise<void> {
    const last = silently ? '' : `<presence xmlns="jabber:client" type="unavailable"/>`;
    await this.#post(last, 'type="terminate"').catch(() => {});
    this.stop();
  }

  /** Asks no more, and says nothing of it: the server sees the session's end when its time is over. */
  stop(): void {
    this.#abort.abort();
  }

  protected override async transmit(stanza: string): Promise<void> {
    const inner = stanza.replace(/^<(\w+)/, '<$1 xmlns="jabber:client"');
    this.#writing = this.#writing.then(() => this.#post(inner));
    await this.#writing;
  }

  async #poll(): Promise<void> {
    while (!this.#abort.signal.aborted) await this.#post('').catch(() => this.stop());
  }

  /** Resolves when it is answered: what came with the answer has been taken by then. */
  async #post(inner: string, attributes = ''): Promise<void> {
    this.#rid += 1;
    const sid = this.#sid && ` sid="${this.#sid}"`;
    const body = `<body xmlns="${NS_BOSH}" rid="${this.#rid}"${sid} ${attributes}>${inner}</body>`;
    const headers = { 'content-type': 'text/xml; charset=utf-8' };
    const answer = await fetch(this.#options.url, { method: 'POST', headers, body, signal: this.#abort.signal });
    const parser = new xml.Parser();
    parser.on('start', ({ attrs }: Element) => {
      this.#sid ||= attrs.sid ?? '';
      if (attrs.type === 'terminate') this.stop();
    });
    parser.on('element', (element) => {
      if (/^(message|presence|iq)$/.test(element.name)) this.take(element);
      else this.#nonzas.push(element);
    });
    parser.write(await answer.text());
  }
}
