import type { Element } from '@xmpp/xml';
import { type Addresses, MalformedAddressError } from '../stanza/address.ts';
import { type Message, readMessage } from '../stanza/message.ts';
import { escapeAttribute, TooDeepError } from '../stanza/xml.ts';
import type { Acceptance } from './acceptance.ts';
import type { Passage, Route } from './passage.ts';
import type { Settlement } from './settlement.ts';

export interface InterceptorOptions {
  readonly addresses: Addresses;
  readonly acceptance: Acceptance;
  readonly settlement: Settlement;
  readonly passage: Passage;
  readonly maxStanzaBytes: number;
  readonly log: { warn(fields: object, message: string): void };
}

/** Where every message comes in: it tells what it is, and hands it on. */
export class Interceptor {
  readonly #options: InterceptorOptions;

  constructor(options: InterceptorOptions) {
    this.#options = options;
  }

  /** Takes one message stanza. Never throws, whatever is in it. */
  message(element: Element): void {
    const { passage, log } = this.#options;
    try {
      const route = this.#route(element);
      if (route !== undefined) this.#take(route, readMessage(element, route), element);
    } catch (error) {
      if (error instanceof MalformedAddressError) {
        passage.refuse(element, { condition: 'jid-malformed', text: error.message });
      } else if (error instanceof TooDeepError) {
        passage.refuse(element, { condition: 'policy-violation', text: error.message });
      } else {
        log.warn({ err: error, from: element.attrs.from }, 'A message could not be handled');
        passage.refuse(element, { condition: 'internal-server-error' });
      }
    }
  }

  /** Whose message it is and whom it is for; undefined when it goes no further. */
  #route(element: Element): Route | undefined {
    const { addresses, passage } = this.#options;
    const { from: fromText, to: toText } = element.attrs;
    if (!fromText || !toText) {
      passage.drop();
      return undefined;
    }
    const from = addresses.parse(fromText);
    const to = addresses.parse(toText);
    if (from.side === 'served' && to.side === 'proxied') return { from, to };
    if (from.side === 'foreign') {
      passage.refuse(element, { condition: 'forbidden', text: `Only users of ${addresses.servedDomain} are served` });
    } else if (from.side === 'served' && to.side === 'component' && readMessage(element).tracked) {
      passage.refuse(element, { condition: 'service-unavailable', text: 'Nobody reads messages to this address' });
    } else {
      // Receipts and errors for our own notices, the server's announcements, a stanza of ours that came back: whatever
      // we said to it could begin a loop.
      passage.drop();
    }
    return undefined;
  }

  #take(route: Route, message: Message, element: Element): void {
    const { acceptance, settlement, passage, maxStanzaBytes } = this.#options;
    if (isLarger(message, maxStanzaBytes)) {
      // An answer has the id too, and must not be larger than what it refuses.
      if (idBytes(message) > maxStanzaBytes) passage.drop();
      else
        passage.refuse(element, { condition: 'policy-violation', text: `A stanza may have ${maxStanzaBytes} bytes` });
    } else if (message.type === 'error') {
      settlement.error(route, message, element);
    } else if (message.type === 'groupchat') {
      passage.refuse(element, { condition: 'not-acceptable', text: 'Group chats do not pass through here' });
    } else {
      for (const id of message.receipts) settlement.receipt(route, id, message);
      for (const proof of message.proofs) settlement.proof(route, proof);
      if (message.tracked) acceptance.take(route, message, element);
      // What only went with a receipt would go on as an empty message, which servers store for who is away.
      else if (message.tells || message.receipts.length === 0) passage.pass(route, message);
    }
  }
}

/** What its ids take on the wire, escaped: they come back in what the proxy makes of them. */
function idBytes({ id = '', receipts }: Message): number {
  if (id.length < 64 && receipts.length === 0) return 0;
  let bytes = Buffer.byteLength(escapeAttribute(id));
  for (const one of receipts) bytes += 40 + Buffer.byteLength(escapeAttribute(one));
  return bytes;
}

function isLarger(message: Message, limit: number): boolean {
  const { inner, otherAttributes } = message;
  const ids = idBytes(message);
  const length = ids + inner.length + otherAttributes.length;
  // A character takes one to three bytes a UTF-16 unit, so that most stanzas need not be measured.
  return (
    length > limit || (length * 3 > limit && Buffer.byteLength(inner) + Buffer.byteLength(otherAttributes) > limit)
  );
}
