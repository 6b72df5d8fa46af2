import xml, { type Element } from '@xmpp/xml';
import { copyOf } from './stanza.ts';

export type Subscription = 'none' | 'to' | 'from' | 'both';
export type SubscriptionType = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed';

/** What a user and a contact are to each other (RFC 6121 appendix A). */
export interface Contact {
  readonly jid: string;
  /** The user sees the contact. */
  to: boolean;
  /** The contact sees the user. */
  from: boolean;
  /** The user has asked and got no answer. */
  asks: boolean;
  /** The contact's request, not answered yet. */
  request: Element | undefined;
  name: string | undefined;
  /** Whether the user put it there himself. */
  isKept: boolean;
}

/** What a stanza did. */
export interface Change {
  readonly subscription: boolean;
  /** Whether the user's clients are to be told. */
  readonly visible: boolean;
}

export function isSubscriptionType(type: string | undefined): type is SubscriptionType {
  return /^(un)?subscribed?$/.test(type ?? '');
}

/** A user's roster: RFC 6121 appendix A, with what Openfire does where that leaves a choice. */
export class Roster {
  readonly #contacts = new Map<string, Contact>();

  get contacts(): readonly Contact[] {
    return [...this.#contacts.values()];
  }

  get(jid: string): Contact | undefined {
    return this.#contacts.get(jid);
  }

  subscription(jid: string): Subscription {
    const contact = this.#contacts.get(jid);
    return contact === undefined ? 'none' : subscriptionOf(contact);
  }

  /** As if all that leads there had taken place. */
  put(jid: string, subscription: Subscription, name?: string): void {
    const contact = this.#open(jid);
    contact.to = subscription === 'to' || subscription === 'both';
    contact.from = subscription === 'from' || subscription === 'both';
    contact.isKept = true;
    contact.name = name ?? contact.name;
  }

  /** RFC 6121 section 2.3: adds a contact or names it. */
  keep(jid: string, name: string | undefined): void {
    Object.assign(this.#open(jid), { name, isKept: true });
  }

  delete(jid: string): Contact | undefined {
    const contact = this.#contacts.get(jid);
    this.#contacts.delete(jid);
    return contact;
  }

  /** The user says this to a contact (RFC 6121 appendix A.2). */
  outbound(type: SubscriptionType, jid: string): Change {
    return this.#change(type, jid, (contact) => {
      if (type === 'subscribe') contact.asks = !contact.to;
      else if (type === 'unsubscribe') contact.asks = contact.to = false;
      else {
        contact.from = type === 'subscribed';
        contact.request = undefined;
      }
    });
  }

  /** A contact says this to the user (RFC 6121 appendix A.3). */
  inbound(type: SubscriptionType, jid: string, stanza: Element): Change {
    return this.#change(type, jid, (contact) => {
      // RFC 6121 section 3.1.3: kept whole, and given to each session that logs in.
      if (type === 'subscribe') contact.request = contact.from ? undefined : copyOf(stanza);
      else if (type === 'subscribed') {
        contact.to ||= contact.asks;
        contact.asks = false;
      } else if (type === 'unsubscribe') {
        contact.from = false;
        contact.request = undefined;
      } else contact.to = contact.asks = false;
    });
  }

  /** Those that the user's clients see; a mere request is not in the roster yet (RFC 6121 section 3.1.3). */
  items(): Element[] {
    return this.contacts.filter(isListed).map(item);
  }

  item(jid: string): Element {
    const contact = this.#contacts.get(jid);
    return contact !== undefined && isListed(contact) ? item(contact) : xml('item', { jid, subscription: 'remove' });
  }

  #change(type: SubscriptionType, jid: string, act: (contact: Contact) => void): Change {
    // Only a request makes a contact of somebody.
    if (type !== 'subscribe' && !this.#contacts.has(jid)) return { subscription: false, visible: false };
    const contact = this.#open(jid);
    const before = { subscription: subscriptionOf(contact), item: item(contact).toString(), listed: isListed(contact) };
    act(contact);
    const visible = isListed(contact) && (!before.listed || item(contact).toString() !== before.item);
    return { subscription: subscriptionOf(contact) !== before.subscription, visible };
  }

  #open(jid: string): Contact {
    const known = this.#contacts.get(jid);
    if (known !== undefined) return known;
    const contact: Contact = {
      jid,
      to: false,
      from: false,
      asks: false,
      request: undefined,
      name: undefined,
      isKept: false,
    };
    this.#contacts.set(jid, contact);
    return contact;
  }
}

function subscriptionOf({ to, from }: Contact): Subscription {
  if (to && from) return 'both';
  return to ? 'to' : from ? 'from' : 'none';
}

function isListed(contact: Contact): boolean {
  // Once it was there it stays until it is removed.
  contact.isKept ||= contact.to || contact.from || contact.asks;
  return contact.isKept;
}

function item(contact: Contact): Element {
  const { jid, name } = contact;
  const ask = contact.asks ? 'subscribe' : undefined;
  return xml('item', { jid, name, subscription: subscriptionOf(contact), ask });
}
