// Runs in a page: an application as docs/client.md has it, which a test works through `globalThis.application`.
import { type Client, client } from '@xmpp/client';
import xml from '@xmpp/xml';
import {
  indexedDbStore,
  type ReceiptsClient,
  type ReceiptsOptions,
  receiptsClient,
} from '../../../packages/client/src/index.ts';

export interface Account {
  /** `ws://…` */
  readonly service: string;
  readonly domain: string;
  readonly username: string;
  readonly password: string;
}

export interface Seen {
  readonly id: string | undefined;
  readonly body: string | null;
}

export class Application {
  /** What the user was shown, in its order. */
  readonly shown: Seen[] = [];
  readonly problems: { what: string; text: string }[] = [];
  /** What was written to the stream, as text. */
  readonly written: string[] = [];
  #xmpp: Client | undefined;
  #receipts: ReceiptsClient | undefined;
  /** What the handler waits for. */
  #taking: Promise<void> = Promise.resolve();
  #goOn = () => {};
  readonly #news = new EventTarget();

  /** Makes the two, with the store that the library chooses. */
  prepare({ service, domain, username, password }: Account, options: ReceiptsOptions = {}): void {
    const xmpp = client({
      service,
      domain,
      credentials: (authenticate) => authenticate({ username, password }, 'PLAIN'),
    });
    xmpp.reconnect.delay = 50;
    xmpp.on('error', () => {});
    xmpp.on('send', (stanza) => void this.written.push(String(stanza)));
    xmpp.on('online', () => void xmpp.send(xml('presence')).catch(() => {}));
    xmpp.on('disconnect', () => this.#tell());
    const receipts = receiptsClient(xmpp, options);
    receipts.receive(async ({ id, body }) => {
      this.shown.push({ id, body });
      this.#tell();
      await this.#taking;
    });
    receipts.addEventListener('problem', ({ detail: { what, error } }) => {
      this.problems.push({ what, text: error.message });
    });
    receipts.addEventListener('state', () => this.#tell());
    this.#xmpp = xmpp;
    this.#receipts = receipts;
  }

  /** Resolves when it is online, and the server has its presence. */
  async login(): Promise<void> {
    await this.#xmpp?.start();
    await this.#xmpp?.iqCaller.request(xml('iq', { type: 'get' }, xml('ping', { xmlns: 'urn:xmpp:ping' })));
  }

  /** Resolves with the id, at once. */
  send(to: string, body: string): string {
    return this.#library.send({ to, body }).id;
  }

  /** Resolves when a message of this tab, or of one before, is in that state. */
  reaches(id: string, state: string): Promise<void> {
    return this.#until(() => this.#library.get(id)?.state === state);
  }

  attempts(id: string): number | undefined {
    return this.#library.get(id)?.attempts;
  }

  shows(body: string): Promise<void> {
    return this.#until(() => this.shown.some((one) => one.body === body));
  }

  /** From now on the handler does not come to an end. */
  hold(): void {
    this.#taking = new Promise((resolve) => {
      this.#goOn = resolve;
    });
  }

  release(): void {
    this.#goOn();
  }

  isCut(): Promise<void> {
    return this.#until(() => this.#xmpp?.status !== 'online');
  }

  /** What IndexedDB has of this origin. */
  async kept(): Promise<string> {
    return JSON.stringify(await indexedDbStore().load());
  }

  /** Puts something into IndexedDB behind the library's back. */
  keep(key: string, value: unknown): Promise<void> {
    return indexedDbStore().set(key, value);
  }

  get #library(): ReceiptsClient {
    if (this.#receipts === undefined) throw new Error('Nothing is prepared');
    return this.#receipts;
  }

  #tell(): void {
    this.#news.dispatchEvent(new Event('news'));
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise((resolve) => this.#news.addEventListener('news', resolve, { once: true }));
  }
}

Object.assign(globalThis, { application: new Application() });
