import { once } from 'node:events';
import { Link, type LinkTiming } from '../../../src/xmpp/connection/link.ts';
import type { LinkOptions } from '../../../src/xmpp/connection/options.ts';
import { ComponentPeer } from '../peer/component-peer.ts';

// What is done after a while is done soon; but nothing is given up that a machine may be slow at: the tests that are about
// that have limits of their own.
const FAST: Partial<LinkTiming> = {
  connectTimeout: 5_000,
  handshakeTimeout: 5_000,
  pingInterval: 20,
  pingTimeout: 5_000,
  backoffMin: 10,
  backoffMax: 40,
  deferFor: 20,
};

/** To a user, as the component sends it. */
export const message = (body: string) =>
  `<message from="bob@receipts.example.org" to="alice@example.org"><body>${body}</body></message>`;
/** From a user, as the server sends it. */
export const INBOUND = (body: string) =>
  `<message from="alice@example.org/phone" to="bob@receipts.example.org"><body>${body}</body></message>`;

/** Links to a scripted server; registers what opens it before each test and closes it after. */
export class LinkStage {
  peer!: ComponentPeer;
  logged: { level: string; fields: Record<string, unknown>; message: string }[] = [];
  readonly #links: Link<string>[] = [];

  constructor() {
    beforeEach(async () => {
      this.logged = [];
      this.peer = await ComponentPeer.listen();
    });
    afterEach(async () => {
      for (const one of this.#links.splice(0)) one.destroy();
      await this.peer.close();
    });
  }

  link(options: Partial<LinkOptions> = {}): Link<string> {
    const write = (level: string) => (fields: object, text: string) => {
      this.logged.push({ level, fields: fields as Record<string, unknown>, message: text });
    };
    const one = new Link<string>({
      service: options.service ?? this.peer.service,
      domain: 'receipts.example.org',
      secret: 'secret',
      serverDomain: 'example.org',
      log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
      ...options,
      timing: { ...FAST, ...options.timing },
    });
    this.#links.push(one);
    return one;
  }
}

/** Collects what is handed over, until all of it is there. */
export function handedOver(one: Link<string>): { tags: string[]; all(...tags: string[]): Promise<void> } {
  const tags: string[] = [];
  one.on('handedOver', (batch) => tags.push(...batch));
  return {
    tags,
    async all(...wanted) {
      while (!wanted.every((tag) => tags.includes(tag))) await once(one, 'handedOver');
    },
  };
}

/** Starts it, and has the first ping answered: no answer comes between what the test does from there on. */
export async function proved(one: Link<string>): Promise<void> {
  const first = once(one, 'proved');
  await one.start();
  await first;
}

/** The body of the next stanza. */
export const bodyOf = async (one: Link<string>) => (await once(one, 'stanza'))[0].getChildText('body');
