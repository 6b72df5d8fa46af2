import type { Element } from '@xmpp/xml';
import type { AddressPolicy, Route, Traffic } from '../addressing/address-policy.ts';
import type { Quotas } from '../delivery/quotas.ts';
import { MalformedAddressError } from '../xmpp/stanza/address.ts';
import { readMessage } from '../xmpp/stanza/message.ts';
import { NS } from '../xmpp/stanza/namespaces.ts';
import { presenceType } from '../xmpp/stanza/presence.ts';
import type { Refuser } from '../xmpp/stanza/request-error.ts';
import { approximateSize, namespaceOf, TooDeepError } from '../xmpp/stanza/xml.ts';
import type { Handlers } from './ports.ts';

export interface RouterOptions {
  readonly addresses: AddressPolicy;
  readonly handlers: Handlers;
  readonly refuser: Refuser;
  readonly quotas: Pick<Quotas, 'isWithinRate' | 'refusal'>;
  readonly log: { warn(fields: object, message: string): void };
}

/** Where every stanza comes in: by its kind, and by what it is to us between its two addresses, it goes to its handler. */
export class Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** Takes one stanza. Never throws, whatever is in it; every request gets an answer (RFC 6120 section 8.2.3). */
  stanza(element: Element): void {
    try {
      this.#take(element);
    } catch (error) {
      this.#failed(element, error);
    }
  }

  /**
   * Refuses a stanza of somebody who sends too fast, before anything is done for it.
   *
   * @returns whether it was refused; receipts and all that answers something never are
   */
  refuseForRate(element: Element): boolean {
    const { refuser, quotas } = this.#options;
    const { name, attrs } = element;
    if (name === 'iq' ? attrs.type !== 'get' && attrs.type !== 'set' : name !== 'message' || attrs.type === 'error')
      return false;
    try {
      if (name === 'message') {
        const { receipts, impliedReceipts } = readMessage(element);
        if (receipts.length + impliedReceipts.length > 0) return false;
      }
      refuser.refuse(element, quotas.refusal('rate'));
      return true;
    } catch {
      // What is wrong with it is said when it is handled.
      return false;
    }
  }

  #take(element: Element): void {
    const { addresses, refuser } = this.#options;
    const { from, to } = element.attrs;
    if (!from || !to || (element.name === 'presence' && presenceType(element) === 'unknown')) {
      refuser.drop();
      return;
    }
    const route = { from: addresses.parse(from), to: addresses.parse(to) };
    if (element.name === 'message') this.#message(route, element);
    else if (element.name === 'presence') this.#presence(route, element);
    else if (element.name === 'iq') this.#iq(route, element);
    else refuser.drop();
  }

  #message(route: Route, element: Element): void {
    const { addresses, handlers, refuser } = this.#options;
    const traffic = addresses.classify(route.from, route.to);
    if (traffic === 'between-users') handlers.messages.take(route, element);
    else if (traffic === 'foreign') this.#forbid(element);
    else if (traffic === 'to-component' && readMessage(element).tracked) {
      refuser.refuse(element, { condition: 'service-unavailable', text: 'Nobody reads messages to this address' });
    } else if (traffic === 'to-component' && element.attrs.type !== 'error') {
      const to = addresses.formerly?.(route.to);
      if (to === undefined) refuser.drop();
      else handlers.messages.takeProofs({ from: route.from, to }, element);
    } else {
      // Receipts and errors for our own notices, the server's announcements, a stanza of ours that came back: whatever
      // we said to it could begin a loop.
      refuser.drop();
    }
  }

  #presence(route: Route, element: Element): void {
    const { addresses, handlers, refuser } = this.#options;
    const traffic = addresses.classify(route.from, route.to);
    const { type } = element.attrs;
    if (traffic === 'between-users' || traffic === 'to-component') handlers.presence.take(route, element);
    else if (traffic === 'foreign' && (type === 'subscribe' || type === 'probe')) this.#forbid(element);
    // The server's own, what came back to us, and what foreigners tell: an answer could begin a loop.
    else refuser.drop();
  }

  #iq(route: Route, element: Element): void {
    const { addresses, handlers, refuser, quotas } = this.#options;
    const { from, to } = route;
    const { type } = element.attrs;
    if (type === 'result' || type === 'error') handlers.iq.reply(element, to);
    else if (addresses.isComponent(to) && !isRosterSet(element)) {
      if (!addresses.isServed(from) || quotas.isWithinRate(from.bare, approximateSize(element))) {
        handlers.component.iq(element);
      } else refuser.refuse(element, quotas.refusal('rate'));
    } else this.#request(route, addresses.classify(from, to), element);
  }

  #request(route: Route, traffic: Traffic, element: Element): void {
    const { handlers, refuser } = this.#options;
    const { id, type } = element.attrs;
    const [child, ...others] = element.getChildElements();
    if (traffic === 'own') refuser.drop();
    else if (traffic === 'foreign') this.#forbid(element);
    else if (!id || (type !== 'get' && type !== 'set') || child === undefined || others.length > 0) {
      // RFC 6120 section 8.2.3: an id, get or set, and exactly one child.
      refuser.refuse(element, { condition: 'bad-request' });
    } else if (isRosterSet(element)) handlers.component.iq(element);
    else if (traffic !== 'between-users' || namespaceOf(child) === NS.roster) {
      // A roster is its owner's alone: to a client, this would look like a push from its own server.
      refuser.refuse(element, { condition: 'service-unavailable' });
    } else handlers.iq.request(route, element);
  }

  #forbid(element: Element): void {
    const { addresses, refuser } = this.#options;
    refuser.refuse(element, { condition: 'forbidden', text: `Only users of ${addresses.servedDomain} are served` });
  }

  #failed(element: Element, error: unknown): void {
    const { refuser, log } = this.#options;
    const { name, attrs } = element;
    if (error instanceof MalformedAddressError) {
      refuser.refuse(element, { condition: 'jid-malformed', text: error.message });
    } else if (error instanceof TooDeepError && name !== 'presence') {
      refuser.refuse(element, { condition: 'policy-violation', text: error.message });
    } else {
      log.warn({ err: error, from: attrs.from, stanza: name }, 'A stanza could not be handled');
      // Presence is not answered: its sender could do nothing about it.
      if (name === 'presence') refuser.drop();
      else refuser.refuse(element, { condition: 'internal-server-error' });
    }
  }
}

/** A roster push or removal that the server sends on a user's behalf (RFC 6121 section 2.1.6). */
function isRosterSet(element: Element): boolean {
  const [child] = element.getChildElements();
  return element.attrs.type === 'set' && child !== undefined && namespaceOf(child) === NS.roster;
}
