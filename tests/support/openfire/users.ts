import type { Element } from '@xmpp/xml';
import { OfflineStore } from './offline-store.ts';
import { OpenfirePresence, type PresenceHome, type PresentAccount } from './presence.ts';
import { Roster } from './roster.ts';
import { addressOf, bareOf, carbonFor, errorFor } from './stanza.ts';
import { OpenfireUser, type OpenfireUserOptions } from './user.ts';

/** What became of a message, presence or IQ to a user. */
export type Fate = 'delivered' | 'stored' | 'dropped' | 'bounced' | 'lost';

/** What users need of their server. */
interface Home extends PresenceHome {
  readonly offlineQuota: number;
  /** Whether the test wants this one lost. */
  isToBeLost(stanza: Element): boolean;
}

interface Account extends PresentAccount {
  readonly sessions: Map<string, OpenfireUser>;
  readonly stored: OfflineStore;
}

/** The users of a server, and what Openfire does with what is for them. */
export class OpenfireUsers {
  /** What became of each stanza to a user, in their order. */
  readonly fates: { readonly fate: Fate; readonly stanza: Element }[] = [];
  readonly #home: Home;
  readonly #presence: OpenfirePresence;
  readonly #accounts = new Map<string, Account>();

  constructor(home: Home) {
    this.#home = home;
    this.#presence = new OpenfirePresence(home);
  }

  /** Opens an account that is not there yet. */
  register(name: string): Account {
    const known = this.#accounts.get(name);
    if (known !== undefined) return known;
    const { domain, offlineQuota } = this.#home;
    const stored = new OfflineStore(domain, offlineQuota);
    const account = { bare: `${name}@${domain}`, sessions: new Map(), stored, roster: new Roster() };
    this.#accounts.set(name, account);
    return account;
  }

  /** A session; one that has the resource already is replaced, as if its connection broke. */
  user(name: string, resource: string, options: OpenfireUserOptions): OpenfireUser {
    const { bare, sessions } = this.register(name);
    sessions.get(resource)?.cut();
    const user = new OpenfireUser(this, `${bare}/${resource}`, options);
    sessions.set(resource, user);
    if (options.online ?? true) user.online();
    return user;
  }

  /** What waits for a user's next login. */
  stored(name: string): readonly Element[] {
    return this.#accounts.get(name)?.stored.messages ?? [];
  }

  roster(name: string): Roster {
    return this.register(name).roster;
  }

  /** From a client: its sender is stamped, and the address prepared. */
  takeFrom(user: OpenfireUser, stanza: Element): void {
    const account = this.#accountOf(user);
    const { name, attrs } = stanza;
    attrs.from = user.jid;
    if (attrs.to !== undefined) attrs.to = prepared(attrs.to);
    if (name === 'presence') {
      this.#presence.takeFrom(user, account, stanza);
      if (user.isAvailable && attrs.to === undefined) this.#handOver(user, account);
      return;
    }
    attrs.to ??= user.bare;
    if (name === 'iq' && attrs.to === user.bare) {
      // The answer to a push; and what is asked of one's own account.
      if (attrs.type === 'result' || attrs.type === 'error') return;
      if (stanza.getChild('query', 'jabber:iq:roster') !== undefined) {
        this.#presence.rosterRequest(user, account, stanza);
        return;
      }
    }
    if (name === 'message' && attrs.type === 'chat') this.#carbons(user, 'sent', stanza);
    this.#home.route(stanza);
  }

  /** A session's connection is gone. */
  leave(user: OpenfireUser): void {
    this.#presence.leave(user, this.#accountOf(user));
  }

  deliver(stanza: Element): void {
    this.fates.push({ fate: this.#home.isToBeLost(stanza) ? 'lost' : this.#deliver(stanza), stanza });
  }

  #accountOf(user: OpenfireUser): Account {
    return this.register(addressOf(user.jid).local);
  }

  #handOver(user: OpenfireUser, account: Account): void {
    if (user.priority < 0) return;
    for (const stanza of account.stored.take()) user.accept(stanza);
  }

  #deliver(stanza: Element): Fate {
    const { local, resource } = addressOf(stanza.attrs.to);
    const account = this.#accounts.get(local);
    const exact = account?.sessions.get(resource);
    const addressed = exact?.isOnline ? exact : undefined;
    if (stanza.name === 'iq') return addressed ? this.#hand(addressed, stanza) : this.#bounce(stanza);
    if (account === undefined) {
      if (stanza.name === 'presence' && stanza.attrs.type === 'probe') this.#presence.refuseProbe(stanza);
      return 'dropped';
    }
    if (stanza.name === 'presence') return this.#presence.deliver(account, stanza) ? 'delivered' : 'dropped';
    const available = [...account.sessions.values()].filter(({ isAvailable }) => isAvailable);
    if (addressed !== undefined) {
      if (stanza.attrs.type === 'chat') this.#carbons(addressed, 'received', stanza);
      return this.#hand(addressed, stanza);
    }
    const present = available.filter(({ priority }) => priority >= 0);
    if (resource !== '') {
      // To a resource that is gone.
      if (stanza.attrs.type !== 'chat') return 'dropped';
      const mayReroute = this.#home.version === '5.1.1' || present.some(({ priority }) => priority >= 1);
      return mayReroute ? this.#toBare(account, present, stanza) : this.#store(account, stanza);
    }
    return this.#toBare(account, present, stanza);
  }

  /** The most available one gets it, and with it all that have carbons. */
  #toBare(account: Account, present: OpenfireUser[], stanza: Element): Fate {
    const [first, ...others] = present.toSorted(byAvailability);
    if (first === undefined) return this.#store(account, stanza);
    for (const user of others.filter(({ carbons }) => carbons)) user.accept(stanza);
    return this.#hand(first, stanza);
  }

  #hand(user: OpenfireUser, stanza: Element): Fate {
    if (this.#home.version === '5.1.1') stanza.children = stanza.children.filter((child) => !isPrivate(child));
    user.accept(stanza);
    return 'delivered';
  }

  #store(account: Account, stanza: Element): Fate {
    const fate = account.stored.put(stanza);
    return fate === 'full' ? this.#bounce(stanza, stanza.getChildElements()) : fate;
  }

  #bounce(stanza: Element, payload: readonly Element[] = []): Fate {
    const error = errorFor(stanza, 'cancel', 'service-unavailable', payload);
    if (error === undefined) return 'dropped';
    this.#home.route(error);
    return 'bounced';
  }

  #carbons(user: OpenfireUser, direction: 'received' | 'sent', message: Element): void {
    if (this.#home.version === '4.2.4' && message.children.some(isPrivate)) return;
    const account = this.#accounts.get(addressOf(user.jid).local);
    for (const other of account?.sessions.values() ?? []) {
      if (other !== user && other.isAvailable && other.carbons) other.accept(carbonFor(other.jid, direction, message));
    }
  }
}

const SHOWS = ['chat', undefined, 'away', 'xa', 'dnd'];

function byAvailability(a: OpenfireUser, b: OpenfireUser): number {
  const byShow = SHOWS.indexOf(a.show) - SHOWS.indexOf(b.show);
  return b.priority - a.priority || byShow || b.lastActivity - a.lastActivity;
}

/** The case of all but the resource does not count. */
function prepared(jid: string): string {
  const [bare = '', ...resource] = jid.split('/');
  return [bareOf(bare), ...resource].join('/');
}

function isPrivate(child: Element | string): boolean {
  return typeof child !== 'string' && child.is('private', 'urn:xmpp:carbons:2');
}
