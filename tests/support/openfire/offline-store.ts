import xml, { type Element } from '@xmpp/xml';
import { copyOf } from './stanza.ts';

/** A user's offline storage: which messages it takes, and what becomes of the others. */
export class OfflineStore {
  readonly #domain: string;
  readonly #quota: number;
  #messages: Element[] = [];

  /**
   * @param domain the server's, which signs the delay
   * @param quota bytes
   */
  constructor(domain: string, quota: number) {
    this.#domain = domain;
    this.#quota = quota;
  }

  get messages(): readonly Element[] {
    return this.#messages;
  }

  put(message: Element): 'stored' | 'dropped' | 'full' {
    const { type = 'normal' } = message.attrs;
    if (type !== 'chat' && type !== 'normal') return 'dropped';
    if (message.getChild('no-store', 'urn:xmpp:hints') !== undefined) return 'dropped';
    // Of what has no body, chat states alone are not kept; receipts are.
    const isOnlyState = (child: Element) => child.getNS() === 'http://jabber.org/protocol/chatstates';
    if (message.getChildElements().every(isOnlyState)) return 'dropped';
    const used = this.#messages.reduce((sum, each) => sum + Buffer.byteLength(each.toString()), 0);
    if (used + Buffer.byteLength(message.toString()) > this.#quota) return 'full';
    const kept = copyOf(message);
    if (kept.getChild('delay', 'urn:xmpp:delay') === undefined) {
      kept.append(xml('delay', { xmlns: 'urn:xmpp:delay', from: this.#domain, stamp: new Date().toISOString() }));
    }
    this.#messages.push(kept);
    return 'stored';
  }

  /** Empties it, in order. */
  take(): Element[] {
    const messages = this.#messages;
    this.#messages = [];
    return messages;
  }
}
