import { randomBytes } from 'node:crypto';
import type { Element } from '@xmpp/xml';
import { attribute } from '../stanza/xml.ts';

/** How the ids of the link's pings begin, whichever process'. */
const PING = 'ping-';

/** The link's pings (XEP-0199) to the server's domain, and what is an answer to one. */
export class PingStanzas {
  /** Whether an answer to another process' ping has ever come here. */
  answersMisrouted = false;
  readonly #serverDomain: string;
  // The server maps answers by id alone, across components, so ours must not be anybody else's.
  readonly #prefix = `${PING}${randomBytes(9).toString('base64url')}-`;
  readonly #rest: string;
  #count = 0;

  constructor(domain: string, serverDomain: string) {
    this.#serverDomain = serverDomain.toLowerCase();
    this.#rest = `${attribute('from', domain)}${attribute('to', serverDomain)}><ping xmlns="urn:xmpp:ping"/></iq>`;
  }

  next(): { id: string; xml: string } {
    this.#count += 1;
    const id = `${this.#prefix}${this.#count.toString(36)}`;
    return { id, xml: `<iq type="get" id="${id}"${this.#rest}` };
  }

  /** Whether it is the answer to one of these. */
  isAnswer({ name, attrs: { id, type } }: Element): boolean {
    return name === 'iq' && (type === 'result' || type === 'error') && id?.startsWith(this.#prefix) === true;
  }

  /** Only the server's own answer proves anything: an id may leak. That it is an error proves as much. */
  isFromServer({ attrs: { from } }: Element): boolean {
    return from?.toLowerCase() === this.#serverDomain;
  }

  /** Looks at what is no answer to ours: a server that gives us others' answers gives ours to others. */
  observe(element: Element): void {
    const { name, attrs } = element;
    const { id, type } = attrs;
    if (name !== 'iq' || (type !== 'result' && type !== 'error') || !id?.startsWith(PING)) return;
    if (this.isFromServer(element)) this.answersMisrouted = true;
  }
}
