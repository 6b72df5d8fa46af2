import * as NS from '../../protocol/namespaces.ts';
import { ask } from './discovery.ts';
import { bare } from './jid.ts';
import type { Element, XmppClient } from './types.ts';

/** ms; a roster may be long. */
const TIMEOUT = 30_000;

/** Who sees the user's presence (RFC 6121 section 2): asked for when it first matters. */
export class Contacts {
  readonly #xmpp: XmppClient;
  #asked: Promise<ReadonlySet<string>> | undefined;

  constructor(xmpp: XmppClient) {
    this.#xmpp = xmpp;
  }

  /** Whether this address has a subscription to the user's presence; false when the server does not say. */
  async has(jid: string): Promise<boolean> {
    this.#asked ??= this.#ask();
    return (await this.#asked).has(bare(jid));
  }

  /** The roster may have changed. */
  forget(): void {
    this.#asked = undefined;
  }

  /** A roster push (RFC 6121 section 2.1.6). A forged one makes the roster be asked for again, and no more. */
  push(iq: Element): void {
    if (iq.getChild('query', NS.roster) !== undefined && iq.attrs.type === 'set') this.forget();
  }

  async #ask(): Promise<ReadonlySet<string>> {
    try {
      const items = await ask(this.#xmpp, undefined, ['query', { xmlns: NS.roster }], 'item', TIMEOUT);
      const subscribed = items.filter(({ attrs }) => /^(from|both)$/.test(attrs.subscription ?? ''));
      return new Set(subscribed.map(({ attrs }) => bare(attrs.jid ?? '')));
    } catch {
      // Asked again at the next message.
      this.forget();
      return new Set();
    }
  }
}
