import { EventEmitter } from 'node:events';
import type { Element } from '@xmpp/xml';

/** Who is at the other end of a fake stream. */
export interface FakeServer {
  /** A stanza that was written. */
  take(stanza: Element, from: FakeXmpp): void;
  /** The answer to a request; rejects as the library does for an error. */
  answer(request: Element, from: FakeXmpp): Element | Error;
}

/** What the library uses of an `@xmpp/client`, without a network: a test opens and cuts the stream. */
export class FakeXmpp extends EventEmitter {
  status = 'offline';
  jid: { toString(): string } | null = null;
  readonly written: Element[] = [];
  readonly streamManagement: EventEmitter & {
    enabled: boolean;
    enableSent: boolean;
    inbound: number;
    outbound_q: { stanza: Element }[];
  } = Object.assign(new EventEmitter(), { enabled: false, enableSent: false, inbound: 0, outbound_q: [] });
  readonly iqCaller = {
    request: async (stanza: Element): Promise<Element> => {
      if (this.status !== 'online') throw new Error('There is no stream');
      const answer = this.server.answer(stanza, this);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };

  readonly #handlers = new Map<
    string,
    (asked: { stanza: Element; element: Element }, next: () => unknown) => unknown
  >();
  readonly iqCallee = {
    set: (
      xmlns: string,
      name: string,
      handler: (asked: { stanza: Element; element: Element }, next: () => unknown) => unknown,
    ) => void this.#handlers.set(`${xmlns} ${name}`, handler),
  };

  constructor(
    readonly account: string,
    readonly server: FakeServer = { take: () => {}, answer: () => new Error('service-unavailable') },
  ) {
    super();
    this.setMaxListeners(0);
  }

  online(resource = 'r'): void {
    this.jid = { toString: () => `${this.account}/${resource}` };
    this.status = 'online';
    this.emit('online');
  }

  cut(): void {
    if (this.status !== 'online') return;
    this.status = 'disconnect';
    this.emit('disconnect');
  }

  async send(stanza: Element): Promise<void> {
    if (this.status !== 'online') throw new TypeError('There is no socket');
    this.written.push(stanza);
    this.server.take(stanza, this);
  }

  /** A request comes. Resolves with whether it is taken, or refused as one that nobody here understands. */
  async takes(stanza: Element): Promise<boolean> {
    const [element] = stanza.getChildElements();
    const handler = this.#handlers.get(`${element?.getNS()} ${element?.getName()}`);
    return Boolean(await handler?.({ stanza, element: element as Element }, () => undefined));
  }

  /** A stanza comes. */
  receives(stanza: Element): void {
    this.emit('element', stanza);
    this.emit('stanza', stanza);
  }
}
