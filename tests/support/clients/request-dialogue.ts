import { createHash } from 'node:crypto';
import xml, { type Element } from '@xmpp/xml';
import { Dialogue } from './dialogue.ts';

const NS_CAPS = 'http://jabber.org/protocol/caps';
const NS_DISCO = 'http://jabber.org/protocol/disco#info';
const NS_PING = 'urn:xmpp:ping';
const NS_PUBSUB = 'http://jabber.org/protocol/pubsub';
const NS_RECEIPTS = 'urn:xmpp:receipts';
const NS_ROSTER = 'jabber:iq:roster';
const NS_STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

/** XEP-0115 section 3: where the client's features are described; any URI. */
const CAPS_NODE = 'https://client.example/';

/** What a request is answered with: a result's children, an error's condition, or nothing at all. */
export type Reply = readonly Element[] | { readonly error: string } | 'silence';

/** Somebody who asks and answers: IQs, what his client can do, and what he publishes. */
export abstract class RequestDialogue extends Dialogue {
  /** XEP-0030; undefined for a client that does not tell what it can. */
  features: readonly string[] | undefined;
  readonly #replies = new Map<string, (request: Element) => Reply>();

  /** Resolves when the server has handled what was sent; here, when that is at once. */
  protected async handled(): Promise<void> {}

  /** Sends a request; resolves with the answer, be it a result or an error. */
  asks(to: string | undefined, payload: Element, type: 'get' | 'set' = 'get'): Promise<Element> {
    return this.iq(xml('iq', { type, to }, payload));
  }

  /** From now on requests whose child has that namespace get this answer. */
  answers(xmlns: string, reply: Reply | ((request: Element) => Reply)): void {
    this.#replies.set(xmlns, typeof reply === 'function' ? reply : () => reply);
  }

  /** Says what the client can do (XEP-0030, and XEP-0115 in each presence); it can also be asked for it. */
  offers(...features: string[]): void {
    this.features = features;
  }

  /** XEP-0163 section 3: to oneself, for whoever may know. Resolves with the server's answer. */
  publishes(node: string, payload: Element, id = 'current'): Promise<Element> {
    const publish = xml('publish', { node }, xml('item', { id }, payload));
    return this.asks(undefined, xml('pubsub', { xmlns: NS_PUBSUB }, publish), 'set');
  }

  /** Asks for what somebody published (XEP-0060 section 6.5). */
  retrieves(from: string, node: string): Promise<Element> {
    return this.asks(from, xml('pubsub', { xmlns: NS_PUBSUB }, xml('items', { node })));
  }

  /** Hears that somebody published something (XEP-0163 section 4); resolves with the item. */
  async hearsOf(from: string, node: string): Promise<Element> {
    const items = (el: Element) => el.getChild('event', `${NS_PUBSUB}#event`)?.getChild('items');
    const event = await this.hears(
      (el) => isFrom(el, from) && items(el)?.attrs.node === node && items(el)?.getChild('item') !== undefined,
    );
    return items(event)?.getChild('item') as Element;
  }

  /** XEP-0115 section 4: for a presence; nothing for a client that does not tell what it can. */
  protected caps(): Element[] {
    if (this.features === undefined) return [];
    return [xml('c', { xmlns: NS_CAPS, hash: 'sha-1', node: CAPS_NODE, ver: verificationString(this.features) })];
  }

  protected override take(stanza: Element): void {
    super.take(stanza);
    const { type, id } = stanza.attrs;
    if (stanza.name !== 'iq' || (type !== 'get' && type !== 'set')) return;
    const reply = this.#replyTo(stanza);
    if (reply === 'silence') return;
    // `from` is the server's to write.
    const answer = { to: stanza.attrs.from, id };
    const iq =
      'error' in reply
        ? xml('iq', { ...answer, type: 'error' }, errorElement(reply.error))
        : xml('iq', { ...answer, type: 'result' }, [...reply]);
    this.send(iq).catch(() => {});
  }

  #replyTo(request: Element): Reply {
    const [question] = request.getChildElements();
    const xmlns = question?.getNS() ?? '';
    const own = this.#replies.get(xmlns);
    if (own !== undefined) return own(request);
    if (xmlns === NS_PING) return [];
    // RFC 6121 section 2.1.6: pushes come from the own account only.
    if (xmlns === NS_ROSTER) return isOwn(request, this.bare) ? [] : { error: 'service-unavailable' };
    if (xmlns === NS_DISCO && this.features !== undefined) return this.#discoInfo(question?.attrs.node);
    return { error: 'service-unavailable' };
  }

  #discoInfo(node: string | undefined): Reply {
    const features = this.features ?? [];
    if (node !== undefined && node !== `${CAPS_NODE}#${verificationString(features)}`)
      return { error: 'item-not-found' };
    const identity = xml('identity', IDENTITY);
    const children = features.map((feature) => xml('feature', { var: feature }));
    return [xml('query', { xmlns: NS_DISCO, node }, identity, children)];
  }
}

/** What a client that returns receipts says it can. */
export const RECEIPT_CLIENT = [NS_CAPS, NS_DISCO, NS_PING, NS_RECEIPTS];

const IDENTITY = { category: 'client', type: 'pc', name: 'Test' };

/** XEP-0115 section 5.1. */
export function verificationString(features: readonly string[], { category, type, name } = IDENTITY): string {
  const text = [`${category}/${type}//${name}`, ...[...features].sort()].map((part) => `${part}<`).join('');
  return createHash('sha1').update(text).digest('base64');
}

/** Whether it comes from that address, or from a resource of it if it has none itself. */
export function isFrom({ attrs }: Element, jid: string): boolean {
  const from = attrs.from ?? '';
  return from === jid || (!jid.includes('/') && from.startsWith(`${jid}/`));
}

function isOwn({ attrs }: Element, bare: string): boolean {
  return attrs.from === undefined || attrs.from === bare;
}

function errorElement(condition: string): Element {
  return xml('error', { type: 'cancel' }, xml(condition, { xmlns: NS_STANZAS }));
}
