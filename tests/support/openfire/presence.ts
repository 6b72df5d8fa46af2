import { randomUUID } from 'node:crypto';
import xml, { type Element } from '@xmpp/xml';
import type { OpenfireVersion } from './openfire.ts';
import { type Contact, isSubscriptionType, type Roster, type SubscriptionType } from './roster.ts';
import { addressOf, bareOf, copyOf, resultFor } from './stanza.ts';
import type { OpenfireUser } from './user.ts';

const NS_ROSTER = 'jabber:iq:roster';
const NS_STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

/** What presence needs of the server. */
export interface PresenceHome {
  readonly domain: string;
  readonly version: OpenfireVersion;
  readonly answersProbesOfOffline: boolean;
  route(stanza: Element): void;
}

/** A user as presence sees him. */
export interface PresentAccount {
  readonly bare: string;
  readonly roster: Roster;
  readonly sessions: ReadonlyMap<string, OpenfireUser>;
}

/** Who is there, who may know it, and who is told: RFC 6121 sections 3 and 4 as Openfire does it. */
export class OpenfirePresence {
  readonly #home: PresenceHome;

  constructor(home: PresenceHome) {
    this.#home = home;
  }

  /** From a client, as it wrote it. */
  takeFrom(user: OpenfireUser, account: PresentAccount, stanza: Element): void {
    const { to, type } = stanza.attrs;
    if (isSubscriptionType(type)) {
      if (to !== undefined) this.#subscription(account, type, stanza);
    } else if (to === undefined) {
      if (type === undefined) this.#available(user, account, stanza);
      else if (type === 'unavailable') this.leave(user, account, stanza);
    } else {
      // Whoever is told in the roster's way needs not be remembered.
      if (type === undefined && account.roster.get(bareOf(to))?.from !== true) user.directed.add(to);
      if (type === 'unavailable') user.directed.delete(to);
      this.#home.route(stanza);
    }
  }

  /** For a user of ours; whether anybody heard it. */
  deliver(account: PresentAccount, stanza: Element): boolean {
    const { type, to } = stanza.attrs;
    if (isSubscriptionType(type)) return this.#inbound(account, type, stanza);
    if (type === 'probe') {
      this.#answerProbe(account, stanza);
      return true;
    }
    const { resource } = addressOf(to);
    const present = available(account);
    const receivers = resource === '' ? present : present.filter((user) => user.jid === to);
    for (const user of receivers) user.accept(stanza);
    return receivers.length > 0;
  }

  /** A session ends or hides: all who were told that it is there are told that it is not. */
  leave(user: OpenfireUser, account: PresentAccount, stanza = xml('presence', { type: 'unavailable' })): void {
    stanza.attrs.from = user.jid;
    if (user.isAvailable) this.#broadcast(account, stanza);
    for (const to of user.directed) this.#route(stanza, { to });
    user.directed.clear();
    user.isAvailable = false;
  }

  /** RFC 6121 section 2: a client asks for the roster or changes it. */
  rosterRequest(user: OpenfireUser, account: PresentAccount, request: Element): void {
    const { roster } = account;
    const query = request.getChild('query', NS_ROSTER) as Element;
    const item = query.getChild('item');
    const jid = bareOf(item?.attrs.jid ?? '').toLowerCase();
    if (request.attrs.type === 'get') {
      user.accept(resultFor(request, xml('query', { xmlns: NS_ROSTER }, roster.items())));
      return;
    }
    if (item?.attrs.subscription === 'remove') this.#remove(user, account, jid);
    else {
      roster.keep(jid, item?.attrs.name);
      this.#push(account, jid);
    }
    user.accept(resultFor(request));
  }

  #available(user: OpenfireUser, account: PresentAccount, stanza: Element): void {
    const isNew = !user.isAvailable;
    stanza.attrs.from = user.jid;
    user.appears(stanza);
    this.#broadcast(account, stanza);
    if (!isNew) return;
    for (const contact of account.roster.contacts) {
      // Again at each login, until it is answered.
      if (contact.request !== undefined) user.accept(contact.request);
      if (contact.to) this.#route(xml('presence', { type: 'probe' }), { from: user.jid, to: contact.jid });
    }
  }

  /** To all who may see it. (To the user's own other clients too, really; no component sees that.) */
  #broadcast({ roster }: PresentAccount, stanza: Element): void {
    for (const { jid, from } of roster.contacts) if (from) this.#route(stanza, { to: jid });
  }

  #subscription(account: PresentAccount, type: SubscriptionType, stanza: Element): void {
    const { bare, roster } = account;
    const to = bareOf(stanza.attrs.to);
    // RFC 6121 section 3: stamped with the bare address, and sent to one.
    Object.assign(stanza.attrs, { from: bare, to });
    if (to === this.#home.domain) {
      if (type === 'subscribe') this.#route(xml('presence', { type: 'unsubscribed' }), { from: to, to: bare });
      return;
    }
    // Openfire 5: a client that already sees the contact only confirms that it knows, which would begin a loop.
    if (type === 'subscribe' && roster.get(to)?.to && this.#home.version === '5.1.1') return;
    if (roster.outbound(type, to).visible) this.#push(account, to);
    this.#home.route(stanza);
    if (type === 'subscribed') this.#tellPresence(account, to);
    if (type === 'unsubscribed') this.#hide(account, to);
  }

  #inbound(account: PresentAccount, type: SubscriptionType, stanza: Element): boolean {
    const { bare, roster } = account;
    const from = bareOf(stanza.attrs.from);
    Object.assign(stanza.attrs, { from, to: bare });
    const change = roster.inbound(type, from, stanza);
    if (change.visible) this.#push(account, from);
    if (type === 'subscribed' && !change.subscription) return false;
    if (type === 'subscribe' && roster.get(from)?.from) {
      // RFC 6121 section 3.1.3, in the user's stead; 4.2.4 says nothing.
      if (this.#home.version === '5.1.1')
        this.#route(xml('presence', { type: 'subscribed' }), { from: bare, to: from });
      return false;
    }
    const receivers = available(account);
    for (const user of receivers) user.accept(stanza);
    if (type === 'subscribed' && this.#home.version === '5.1.1') {
      this.#route(xml('presence', { type: 'probe' }), { from: bare, to: from });
    }
    // RFC 6121 section 3.3.3: who wants to see no more is told that there is nobody to see.
    if (type === 'unsubscribe' && change.subscription) this.#hide(account, from);
    return receivers.length > 0;
  }

  #answerProbe(account: PresentAccount, probe: Element): void {
    const { bare, roster } = account;
    const from = probe.attrs.from ?? '';
    const isFriend = addressOf(from).domain === this.#home.domain && bareOf(from) === bare;
    if (isFriend || roster.get(bareOf(from))?.from) this.#tellPresence(account, from);
    else this.#refuseProbe(bare, from);
  }

  /** RFC 6121 section 4.3.2, and what 4.2.4 does in its place. */
  #refuseProbe(bare: string, from: string): void {
    const refusal =
      this.#home.version === '5.1.1'
        ? xml('presence', { type: 'unsubscribed' })
        : xml(
            'presence',
            { type: 'error' },
            xml('error', { code: '403', type: 'auth' }, xml('forbidden', { xmlns: NS_STANZAS })),
          );
    this.#route(refusal, { from: bare, to: from });
  }

  /** A probe to nobody that we know. */
  refuseProbe({ attrs }: Element): void {
    this.#refuseProbe(bareOf(attrs.to), attrs.from ?? '');
  }

  #tellPresence(account: PresentAccount, to: string): void {
    const present = available(account);
    for (const user of present) this.#route(user.presence, { to });
    if (present.length === 0 && this.#home.answersProbesOfOffline) {
      this.#route(xml('presence', { type: 'unavailable' }), { from: account.bare, to });
    }
  }

  /** From each session, but for those that show themselves to him by directed presence. */
  #hide(account: PresentAccount, to: string): void {
    for (const user of available(account)) {
      const isShown = [...user.directed].some((jid) => bareOf(jid) === to);
      if (!isShown) this.#route(xml('presence', { type: 'unavailable' }), { from: user.jid, to });
    }
  }

  #remove(user: OpenfireUser, account: PresentAccount, jid: string): void {
    const contact: Contact | undefined = account.roster.delete(jid);
    if (contact === undefined) return;
    const { bare: from } = account;
    if (contact.to) this.#route(xml('presence', { type: 'unsubscribe' }), { from, to: jid });
    if (contact.from) {
      this.#route(xml('presence', { type: 'unsubscribed' }), { from, to: jid });
      this.#hide(account, jid);
    }
    this.#push(account, jid);
    if (addressOf(jid).domain === this.#home.domain) return;
    // No RFC knows this one; its sender is a session, and it wants an answer.
    const item = xml('item', { jid: from, subscription: 'remove' });
    const iq = xml('iq', { type: 'set', id: `roster-${randomUUID()}` }, xml('query', { xmlns: NS_ROSTER }, item));
    this.#route(iq, { from: user.jid, to: jid });
  }

  /** RFC 6121 section 2.1.6. */
  #push({ sessions, roster }: PresentAccount, jid: string): void {
    for (const user of sessions.values()) {
      if (!user.isOnline) continue;
      const query = xml('query', { xmlns: NS_ROSTER }, roster.item(jid));
      user.accept(xml('iq', { type: 'set', id: `push-${randomUUID()}`, to: user.jid }, query));
    }
  }

  #route(stanza: Element, addresses: { readonly from?: string; readonly to: string }): void {
    const copy = copyOf(stanza);
    Object.assign(copy.attrs, addresses);
    this.#home.route(copy);
  }
}

function available({ sessions }: PresentAccount): OpenfireUser[] {
  return [...sessions.values()].filter(({ isAvailable }) => isAvailable);
}
