import xml, { type Element } from '@xmpp/xml';
import { Dialogue } from './client-dialogue.ts';
import type { OpenfireVersion } from './openfire.ts';
import { addressOf, carbonFor, copyOf, errorFor, resultFor } from './openfire-stanza.ts';
import { parseStanza } from './xml.ts';

export interface OpenfireUserOptions {
  readonly priority?: number;
  readonly show?: 'chat' | 'away' | 'xa' | 'dnd';
  /** XEP-0280; by default no. */
  readonly carbons?: boolean;
  /** By default yes. */
  readonly autoReceipt?: boolean;
  /** Whether to be online and available from the start; by default yes. */
  readonly online?: boolean;
}

/** What became of a message, presence or IQ to a user. */
export type Fate = 'delivered' | 'stored' | 'dropped' | 'bounced' | 'lost';

/** What users need of their server. */
interface Home {
  readonly domain: string;
  readonly version: OpenfireVersion;
  readonly offlineQuota: number;
  route(stanza: Element): void;
  /** Whether the test wants this one lost. */
  isToBeLost(stanza: Element): boolean;
}

let activity = 0;

/** A user's client, inside the server. */
export class OpenfireUser extends Dialogue {
  readonly jid: string;
  priority: number;
  show: OpenfireUserOptions['show'];
  carbons: boolean;
  isOnline = false;
  isAvailable = false;
  lastActivity = 0;
  readonly #users: OpenfireUsers;
  /** What came since it stopped reading. */
  #unread: Element[] | undefined;

  constructor(users: OpenfireUsers, jid: string, options: OpenfireUserOptions) {
    super();
    this.#users = users;
    this.jid = jid;
    this.priority = options.priority ?? 0;
    this.show = options.show;
    this.carbons = options.carbons ?? false;
    this.autoReceipt = options.autoReceipt ?? true;
  }

  /** Logs in and becomes available: what is stored comes. */
  online(): void {
    this.isOnline = true;
    this.#unread = undefined;
    this.lastActivity = ++activity;
    this.available();
  }

  available(): void {
    this.isAvailable = true;
    if (this.priority >= 0) this.#users.handOverStored(this);
  }

  unavailable(): void {
    this.isAvailable = false;
  }

  offline(): void {
    this.thaw();
    this.cut();
  }

  /** Its connection breaks: what it did not read is lost, and nobody is told. */
  cut(): void {
    this.isOnline = false;
    this.isAvailable = false;
    this.#unread = undefined;
  }

  /** Reads no more; to the server it is as alive as before. */
  freeze(): void {
    this.#unread ??= [];
  }

  thaw(): void {
    const unread = this.#unread ?? [];
    this.#unread = undefined;
    for (const stanza of unread) this.take(stanza);
  }

  /** For the server. */
  accept(stanza: Element): void {
    const own = copyOf(stanza);
    if (this.#unread === undefined) this.take(own);
    else this.#unread.push(own);
  }

  protected override take(stanza: Element): void {
    super.take(stanza);
    if (stanza.name !== 'iq' || !/^(get|set)$/.test(stanza.attrs.type ?? '')) return;
    const answer = stanza.getChild('ping', 'urn:xmpp:ping')
      ? resultFor(stanza)
      : errorFor(stanza, 'cancel', 'service-unavailable');
    if (answer !== undefined) this.send(answer).catch(() => {});
  }

  protected override async transmit(text: string): Promise<void> {
    if (!this.isOnline) throw new Error(`${this.jid} is offline`);
    this.lastActivity = ++activity;
    this.#users.takeFrom(this, parseStanza(text));
  }
}

interface Account {
  readonly resources: Map<string, OpenfireUser>;
  stored: Element[];
}

/** The users of a server, and what Openfire does with what is for them. */
export class OpenfireUsers {
  /** What became of each stanza to a user, in their order. */
  readonly fates: { readonly fate: Fate; readonly stanza: Element }[] = [];
  readonly #home: Home;
  readonly #accounts = new Map<string, Account>();

  constructor(home: Home) {
    this.#home = home;
  }

  /** Opens an account that is not there yet. */
  register(name: string): void {
    if (!this.#accounts.has(name)) this.#accounts.set(name, { resources: new Map(), stored: [] });
  }

  user(name: string, resource: string, options: OpenfireUserOptions): OpenfireUser {
    this.register(name);
    const user = new OpenfireUser(this, `${name}@${this.#home.domain}/${resource}`, options);
    this.#accounts.get(name)?.resources.set(resource, user);
    if (options.online ?? true) user.online();
    return user;
  }

  /** What waits for a user's next login. */
  stored(name: string): readonly Element[] {
    return this.#accounts.get(name)?.stored ?? [];
  }

  /** From a client: its sender is stamped, and the address prepared. */
  takeFrom(user: OpenfireUser, stanza: Element): void {
    const [bare = '', ...resource] = (stanza.attrs.to ?? user.bare).split('/');
    const to = [bare.toLowerCase(), ...resource].join('/');
    Object.assign(stanza.attrs, { from: user.jid, to });
    if (stanza.name === 'message' && stanza.attrs.type === 'chat') this.#carbons(user, 'sent', stanza);
    this.#home.route(stanza);
  }

  deliver(stanza: Element): void {
    this.fates.push({ fate: this.#home.isToBeLost(stanza) ? 'lost' : this.#deliver(stanza), stanza });
  }

  handOverStored(user: OpenfireUser): void {
    const account = this.#accounts.get(addressOf(user.jid).local);
    for (const stanza of account?.stored.splice(0) ?? []) user.accept(stanza);
  }

  #deliver(stanza: Element): Fate {
    const { local, resource } = addressOf(stanza.attrs.to);
    const account = this.#accounts.get(local);
    const exact = account?.resources.get(resource);
    const addressed = exact?.isOnline ? exact : undefined;
    if (stanza.name === 'iq') return addressed ? this.#hand(addressed, stanza) : this.#bounce(stanza);
    if (account === undefined) return 'dropped';
    const available = [...account.resources.values()].filter(({ isAvailable }) => isAvailable);
    if (stanza.name === 'presence') {
      const receivers = resource === '' ? available : available.filter((user) => user === addressed);
      for (const user of receivers) user.accept(stanza);
      return receivers.length > 0 ? 'delivered' : 'dropped';
    }
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
    const { type = 'normal' } = stanza.attrs;
    if (type !== 'chat' && type !== 'normal') return 'dropped';
    if (stanza.getChild('no-store', 'urn:xmpp:hints') !== undefined) return 'dropped';
    const payload = stanza.getChildElements();
    // Of what has no body, chat states alone are not kept; receipts are.
    if (payload.every((child) => child.getNS() === 'http://jabber.org/protocol/chatstates')) return 'dropped';
    const used = account.stored.reduce((sum, each) => sum + Buffer.byteLength(each.toString()), 0);
    if (used + Buffer.byteLength(stanza.toString()) > this.#home.offlineQuota) return this.#bounce(stanza, payload);
    const kept = copyOf(stanza);
    if (kept.getChild('delay', 'urn:xmpp:delay') === undefined) {
      kept.append(xml('delay', { xmlns: 'urn:xmpp:delay', from: this.#home.domain, stamp: new Date().toISOString() }));
    }
    account.stored.push(kept);
    return 'stored';
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
    for (const other of account?.resources.values() ?? []) {
      if (other !== user && other.isAvailable && other.carbons) other.accept(carbonFor(other.jid, direction, message));
    }
  }
}

const SHOWS = ['chat', undefined, 'away', 'xa', 'dnd'];

function byAvailability(a: OpenfireUser, b: OpenfireUser): number {
  const byShow = SHOWS.indexOf(a.show) - SHOWS.indexOf(b.show);
  return b.priority - a.priority || byShow || b.lastActivity - a.lastActivity;
}

function isPrivate(child: Element | string): boolean {
  return typeof child !== 'string' && child.is('private', 'urn:xmpp:carbons:2');
}
