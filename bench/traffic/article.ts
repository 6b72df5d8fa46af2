import componentModule from '@xmpp/component';
import xml, { type Element } from '@xmpp/xml';
import { type Reconnecting, reconnecting } from '../../tests/support/client-library/library-user.ts';
import type { World } from '../../tests/support/stages/world.ts';
import { until } from '../../tests/support/time/until.ts';
import type { Stock } from '../variants/stock.ts';

/**
 * Reliable chat with a stanza for each step, nothing saved: a message and its acknowledgement, the forward and its
 * acknowledgement, the receipt and its acknowledgement, the receipt's forward and its acknowledgement. Eight, all of them
 * on a client's wire.
 */
const NS_RECEIPTS = 'urn:xmpp:receipts';
const NS_OWN = 'urn:openfire-receipts:0';
const DOMAIN = 'receipts2.localhost';

function word(name: 'received' | 'stored', to: string, id: string, from?: string): Element {
  const xmlns = name === 'stored' ? NS_OWN : NS_RECEIPTS;
  // The same words as the proxy's, and an id each, as clients give one.
  return xml('message', { type: 'chat', to, from, id: crypto.randomUUID() }, xml(name, { xmlns, id }));
}

/** The server's part: a component that stores nothing, as only its words are weighed. */
export async function startMiddleman(world: World): Promise<{ stop(): Promise<void> }> {
  const { componentPort, secret, domain } = world.xmpp;
  const service = `xmpp://127.0.0.1:${componentPort}`;
  const stock = componentModule.component({ service, domain: DOMAIN, password: secret }) as unknown as Stock & {
    stop(): Promise<void>;
  };
  const across = (jid: string, to: string) => jid.replace(/@[^/]*/, `@${to}`);
  stock.on('error', () => {});
  stock.middleware.use(({ stanza }, next) => {
    const { from = '', to = '', id = '' } = stanza.attrs;
    if (stanza.name !== 'message' || !to.includes('@')) return next();
    const received = stanza.getChild('received', NS_RECEIPTS)?.attrs.id;
    const forward = xml('message', { ...stanza.attrs, from: across(from, DOMAIN), to: across(to, domain) });
    forward.append(...stanza.children);
    void stock.send(word('stored', from, received ?? id, DOMAIN));
    void stock.send(forward);
    return undefined;
  });
  await stock.start();
  return stock;
}

/** A client that acknowledges each thing that it gets. */
export class Punctual {
  readonly done = new Set<string>();

  private constructor(
    readonly name: string,
    readonly connection: Reconnecting,
  ) {
    const { xmpp } = connection;
    xmpp.on('error', () => {});
    xmpp.on('online', () => void xmpp.send(xml('presence')).catch(() => {}));
    xmpp.on('stanza', (stanza) => this.#take(stanza));
  }

  static async login(world: World, name: string): Promise<Punctual> {
    const connection = await reconnecting(world, name, { resource: 'r', streamManagement: false });
    const one = new Punctual(name, connection);
    await connection.xmpp.start();
    return one;
  }

  get relay(): Reconnecting['relay'] {
    return this.connection.relay;
  }

  async write(_to: string, id: string, text: string): Promise<void> {
    const request = xml('request', { xmlns: NS_RECEIPTS });
    const to = `${_to.split('@')[0]}@${DOMAIN}`;
    await this.connection.xmpp.send(xml('message', { to, type: 'chat', id }, xml('body', {}, text), request));
  }

  async heardOf(id: string): Promise<void> {
    await until(() => this.done.has(id), { within: 20_000, what: `the receipt for ${id}` });
  }

  async close(): Promise<void> {
    this.connection.xmpp.reconnect.stop();
    await this.connection.xmpp.stop().catch(() => {});
    await this.connection.stop();
  }

  #take(stanza: Element): void {
    const { from = '', id = '' } = stanza.attrs;
    const { xmpp } = this.connection;
    const received = stanza.getChild('received', NS_RECEIPTS)?.attrs.id;
    if (stanza.name !== 'message' || stanza.getChild('stored', NS_OWN) !== undefined) return;
    if (received !== undefined) {
      this.done.add(received);
      void xmpp.send(word('stored', DOMAIN, received));
    } else if (stanza.getChild('body') !== undefined) {
      void xmpp.send(word('stored', DOMAIN, id));
      void xmpp.send(word('received', from, id));
    }
  }
}
