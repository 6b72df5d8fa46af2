import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import xml, { type Element } from '@xmpp/xml';
import { WITHIN } from '../time/until.ts';

const NS_RECEIPTS = 'urn:xmpp:receipts';
const NS_OWN = 'urn:openfire-receipts:0';

/** A body's text, or a condition. */
export type Match = string | ((stanza: Element) => boolean);

export interface Words {
  readonly id?: string;
  readonly type?: string;
  /** Whether to ask for a receipt (XEP-0184); by default yes. */
  readonly request?: boolean;
  readonly originId?: string;
  readonly extra?: readonly Element[];
}

/** Somebody in a test who says things and hears things, whatever carries them. */
export abstract class Dialogue {
  /** All stanzas that came, in their order. */
  readonly received: Element[] = [];
  /** Whether to confirm what asks for it, as a stock client does. */
  autoReceipt = true;
  readonly #unheard = new Set<Element>();
  readonly #news = new EventEmitter().setMaxListeners(0);

  abstract readonly jid: string;
  /** Puts it on the wire as it is. */
  protected abstract transmit(stanza: string): Promise<void>;

  get bare(): string {
    return this.jid.split('/', 1)[0] as string;
  }

  /** Resolves with the message's id when it is written. */
  async say(to: string, body: string, words: Words = {}): Promise<string> {
    const { id = randomUUID(), type = 'chat', request = true, originId, extra = [] } = words;
    const message = xml('message', { to, type, id }, xml('body', {}, body));
    if (request) message.append(xml('request', { xmlns: NS_RECEIPTS }));
    if (originId !== undefined) message.append(xml('origin-id', { xmlns: 'urn:xmpp:sid:0', id: originId }));
    message.append(...extra);
    await this.send(message);
    return id;
  }

  send(stanza: Element | string): Promise<void> {
    return this.transmit(stanza.toString());
  }

  /** Resolves with the answer, be it a result or an error. */
  async iq(request: Element): Promise<Element> {
    const id = request.attrs.id ?? randomUUID();
    request.attrs.id = id;
    await this.send(request);
    return this.hears(
      ({ name, attrs }) => name === 'iq' && attrs.id === id && /^(result|error)$/.test(attrs.type ?? ''),
    );
  }

  /** Resolves with the first stanza that matches and that no earlier call has had; waits for it if need be. */
  async hears(match: Match, { within = WITHIN } = {}): Promise<Element> {
    return this.#await(matcher(match), within, typeof match === 'string' ? `"${match}"` : `what ${match} wants`);
  }

  /** The proxy has the message with that id. */
  acknowledged(id: string, { within = WITHIN } = {}): Promise<Element> {
    return this.#await((el) => el.getChild('stored', NS_OWN)?.attrs.id === id, within, `the acknowledgement of ${id}`);
  }

  /** The recipient has it: a receipt, and not the acknowledgement, which comes from a domain. */
  delivered(id: string, { within = WITHIN } = {}): Promise<Element> {
    const match = (el: Element) =>
      el.getChild('received', NS_RECEIPTS)?.attrs.id === id && /@/.test(el.attrs.from ?? '');
    return this.#await(match, within, `the receipt for ${id}`);
  }

  failed(id: string, { within = WITHIN } = {}): Promise<Element> {
    const match = ({ name, attrs }: Element) => name === 'message' && attrs.type === 'error' && attrs.id === id;
    return this.#await(match, within, `the failure of ${id}`);
  }

  /** Takes the whole time. Where something else is known to come later, wait for that, and count. */
  async hearsNothing(match: Match, { for: time }: { for: number }): Promise<void> {
    const heard = await this.hears(match, { within: time }).catch(() => undefined);
    if (heard !== undefined) throw new Error(`${this.jid} was not to hear ${heard}`);
  }

  /** The texts of the messages that came, errors (which may quote one) excepted. */
  bodies(): string[] {
    const texts = this.received.filter(({ attrs }) => attrs.type !== 'error').map(body);
    return texts.filter((text) => text !== null);
  }

  count(match: Match): number {
    return this.received.filter(matcher(match)).length;
  }

  /** What matches and no call has had yet. */
  unheard(match: Match): Element[] {
    return [...this.#unheard].filter(matcher(match));
  }

  /** Tells of each stanza as it comes. */
  listen(listener: (stanza: Element) => void): void {
    this.#news.on('stanza', listener);
  }

  /** Whether it is kept for who asks for it when it has come. */
  protected keeps(_stanza: Element): boolean {
    return true;
  }

  /** For who brings what came. */
  protected take(stanza: Element): void {
    if (this.keeps(stanza)) {
      this.received.push(stanza);
      this.#unheard.add(stanza);
    }
    this.#news.emit('stanza', stanza);
    if (this.autoReceipt) this.#confirm(stanza);
  }

  /** XEP-0184 5.4: to the full JID that sent it, and never for an error. */
  #confirm(stanza: Element): void {
    const { id, from, type } = stanza.attrs;
    if (stanza.name !== 'message' || type === 'error' || !id || !from) return;
    if (stanza.getChild('request', NS_RECEIPTS) === undefined) return;
    const receipt = xml('message', { to: from, type, id: randomUUID() }, xml('received', { xmlns: NS_RECEIPTS, id }));
    this.send(receipt).catch(() => {});
  }

  #await(match: (stanza: Element) => boolean, within: number, what: string): Promise<Element> {
    return new Promise((resolve, reject) => {
      const look = (stanza: Element) => {
        if (!this.#unheard.has(stanza) || !match(stanza)) return false;
        this.#unheard.delete(stanza);
        leave();
        resolve(stanza);
        return true;
      };
      const giveUp = () => {
        leave();
        reject(new Error(`${this.jid} did not hear ${what} within ${within} ms. Heard so far:\n${this.#transcript()}`));
      };
      // A server that is reloaded may never answer what a test has asked it: when all tests are over, that keeps nobody waiting.
      const timer = setTimeout(giveUp, within).unref();
      const leave = () => {
        clearTimeout(timer);
        this.#news.off('stanza', look);
      };
      if (![...this.#unheard].some(look)) this.#news.on('stanza', look);
    });
  }

  #transcript(): string {
    const lines = this.received.map((el) => `${this.#unheard.has(el) ? '  ' : '✓ '}${el.toString().slice(0, 400)}`);
    return lines.join('\n') || '  nothing';
  }
}

function body(stanza: Element): string | null {
  return stanza.name === 'message' ? stanza.getChildText('body') : null;
}

function matcher(match: Match): (stanza: Element) => boolean {
  // An error may quote the text, and is not it.
  return typeof match === 'string' ? (el) => body(el) === match && el.attrs.type !== 'error' : match;
}
