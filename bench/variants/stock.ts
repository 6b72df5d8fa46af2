import type { Socket } from 'node:net';
import componentModule from '@xmpp/component';
import xml, { type Element } from '@xmpp/xml';
import { ALICE, ALICE_PROXIED, BOB, BOB_PROXIED, COMPONENT, SECRET } from '../addresses.ts';
import type { Setting } from './child.ts';

/** A stanza as stock middleware hands it over; it has parsed both addresses. */
interface Context {
  readonly name: string;
  readonly stanza: Element;
}

/** The part of the stock component that is used here; src/xmpp/xmpp.d.ts declares only what the link overrides. */
export interface Stock {
  readonly socket: Socket | null;
  readonly middleware: { use(handler: (context: Context, next: () => Promise<unknown>) => unknown): void };
  start(): Promise<unknown>;
  send(element: Element): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: 'connect', listener: () => void): void;
}

/** How a design moves messages: what it does when one comes, and when its receipt comes. */
export interface Design {
  message(id: string, stanza: Element): Promise<void>;
  receipt(id: string, stanza: Element): Promise<void>;
}

/** Starts a stock `@xmpp/component` with `send()` and middleware, as its documentation has it, and a design on it. */
export async function startStock({ port }: Setting, design: (stock: Stock) => Design): Promise<void> {
  const stock = componentModule.component({
    service: `xmpp://127.0.0.1:${port}`,
    domain: COMPONENT,
    password: SECRET,
  }) as unknown as Stock;
  const { message, receipt } = design(stock);
  stock.on('error', (error) => {
    console.error(error);
    process.exit(1);
  });
  stock.middleware.use(({ name, stanza }, next) => {
    if (name !== 'message') return next();
    const received = stanza.getChild('received', 'urn:xmpp:receipts');
    const { id } = (received ?? stanza).attrs as { id: string };
    return received === undefined ? message(id, stanza) : receipt(id, stanza);
  });
  // It decodes each chunk by itself, and a character that two chunks share comes out as others that nobody wrote.
  stock.on('connect', () => stock.socket?.setEncoding('utf8'));
  await stock.start();
  // Without it a lone message waits for the answer to the write before it (Nagle, delayed acknowledgement), some 10 ms:
  // latency is compared with a relay that does not.
  stock.socket?.setNoDelay(true);
}

export function acknowledgement(id: string, stanza: Element): Element {
  const { from: alice, to: bob } = stanza.attrs;
  return xml(
    'message',
    { type: 'chat', from: COMPONENT, to: alice, id: `ack-${id}` },
    xml('stored', { xmlns: 'urn:openfire-receipts:0', id, to: bob }),
    xml('received', { xmlns: 'urn:xmpp:receipts', id }),
    xml('no-store', { xmlns: 'urn:xmpp:hints' }),
  );
}

/** The message as it came, but for its addresses. */
export function forward(stanza: Element): Element {
  Object.assign(stanza.attrs, { from: ALICE_PROXIED, to: BOB });
  return stanza;
}

export function deliveryReceipt(id: string, stanza: Element): Element {
  const { from } = stanza.attrs as { from: string };
  const bob = `${BOB_PROXIED}/${from.split('/')[1]}`;
  return xml(
    'message',
    { type: 'chat', from: bob, to: ALICE, id: `delivered-${id}` },
    xml('received', { xmlns: 'urn:xmpp:receipts', id }),
  );
}
