import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import net from 'node:net';
import xml, { type Element } from '@xmpp/xml';
import { opened } from '../process/opened.ts';
import { freePort } from '../process/ports.ts';
import { serverAnswer } from './answers.ts';
import { ComponentLink } from './component-link.ts';
import type { Roster } from './roster.ts';
import { addressOf, errorFor } from './stanza.ts';
import type { OpenfireUser, OpenfireUserOptions } from './user.ts';
import { OpenfireUsers } from './users.ts';

const NS_DISCO_INFO = 'http://jabber.org/protocol/disco#info';
const NS_VERSION = 'jabber:iq:version';

export type OpenfireVersion = '5.1.1' | '4.2.4';

export interface OpenfireOptions {
  readonly version?: OpenfireVersion;
  readonly domain?: string;
  readonly secret?: string;
  readonly port?: number;
  /** ms without a byte from a component until its link is closed. */
  readonly idle?: number;
  /** ms that each stanza of a component takes. */
  readonly stanzaDelay?: number;
  /** Bytes of stored messages a user. */
  readonly offlineQuota?: number;
  /**
   * Whether a probe of somebody offline is answered at all; by default yes. (Openfire 5 answers it only when he left
   * with a word, such as a status: then and else a component must know what silence means.)
   */
  readonly answersProbesOfOffline?: boolean;
}

export async function startOpenfire(options: OpenfireOptions = {}): Promise<OpenfireLike> {
  const server = new OpenfireLike(options);
  await server.listen();
  return server;
}

/**
 * Behaves to a component as real Openfire was seen to, silent losses included; its users are objects, without
 * connections. They have rosters, and are seen by their contacts.
 */
export class OpenfireLike {
  readonly version: OpenfireVersion;
  readonly domain: string;
  readonly secret: string;
  readonly idle: number;
  stanzaDelay: number;
  readonly offlineQuota: number;
  readonly answersProbesOfOffline: boolean;
  /** The open links of components, the oldest first. */
  readonly links: ComponentLink[] = [];
  /** All connections that ever were, the refused ones too. */
  readonly connections: ComponentLink[] = [];
  /** What components sent, as far as it was handled. */
  readonly handled: Element[] = [];
  /** Which components answered who they are, and so are seen by users. */
  readonly discoItems: string[] = [];
  isHolding = false;
  readonly #users: OpenfireUsers;
  readonly #events = new EventEmitter().setMaxListeners(0);
  readonly #net: net.Server;
  readonly #questions = new Map<string, string>();
  /** Which link asked, by the request's id alone, whatever domain it serves. */
  readonly #asked = new Map<string, ComponentLink>();
  readonly #lose: ((stanza: Element) => boolean)[] = [];
  #loseNext = 0;
  #turn = 0;
  #closed = () => {};
  #port: number;

  constructor(options: OpenfireOptions) {
    this.version = options.version ?? '5.1.1';
    this.domain = options.domain ?? 'example.org';
    this.secret = options.secret ?? 'secret';
    this.idle = options.idle ?? 360_000;
    this.stanzaDelay = options.stanzaDelay ?? 0;
    this.offlineQuota = options.offlineQuota ?? 102_400;
    this.answersProbesOfOffline = options.answersProbesOfOffline ?? true;
    this.#port = options.port ?? 0;
    this.#users = new OpenfireUsers(this);
    this.#net = net.createServer({ noDelay: true }, (socket) => this.connections.push(new ComponentLink(this, socket)));
  }

  get componentPort(): number {
    return this.#port;
  }

  get service(): string {
    return `xmpp://127.0.0.1:${this.#port}`;
  }

  /** What became of each stanza to a user. */
  get fates(): OpenfireUsers['fates'] {
    return this.#users.fates;
  }

  /** A client of a user, whose account is opened if need be. */
  user(name: string, resource: string, options: OpenfireUserOptions = {}): OpenfireUser {
    return this.#users.user(name, resource, options);
  }

  /** Opens an account without a client. */
  register(name: string): void {
    this.#users.register(name);
  }

  /** A user's roster, whose account is opened if need be. */
  roster(name: string): Roster {
    return this.#users.roster(name);
  }

  /** What waits for a user's next login. */
  stored(name: string): readonly Element[] {
    return this.#users.stored(name);
  }

  async listen(): Promise<void> {
    // Not any port of the system's choice: while we are away it might give that to somebody's connection.
    if (this.#port === 0) this.#port = await freePort();
    this.#closed = opened('an Openfire’s double', () => this.stop());
    this.#net.listen(this.#port, '127.0.0.1');
    await once(this.#net, 'listening');
  }

  /** Ends all connections; the users and what is stored for them stay for another `listen`. */
  async stop(): Promise<void> {
    const closed = this.#net.listening ? once(this.#net, 'close') : undefined;
    this.#closed();
    this.#net.close();
    for (const link of this.connections) link.reset(0);
    await closed;
  }

  /** Resolves when that many links of components are open. */
  async linked(count = 1): Promise<ComponentLink> {
    while (this.links.length < count) await once(this.#events, 'linked');
    return this.links.at(-1) as ComponentLink;
  }

  // Faults

  /** Handles nothing more that components send (pings included) until `release`. */
  hold(): void {
    this.isHolding = true;
  }

  release(): void {
    this.isHolding = false;
    for (const link of this.links) void link.pump();
  }

  /** Resolves when that many stanzas of components wait to be handled. */
  async holding(count: number): Promise<void> {
    while (this.links.reduce((sum, { waiting }) => sum + waiting, 0) < count) await once(this.#events, 'waiting');
  }

  /** Breaks the links. Of what came and is not handled, the last are lost (all, by default), the others handled. */
  reset({ loseInFlight = Number.POSITIVE_INFINITY } = {}): void {
    for (const link of [...this.links]) link.reset(loseInFlight);
  }

  /** The next messages to users are lost, and nobody is told. */
  loseNext(count: number): void {
    this.#loseNext += count;
  }

  /** So are messages to users for which this holds; returns what ends it. */
  loseWhere(condition: (message: Element) => boolean): () => void {
    this.#lose.push(condition);
    return () => {
      this.#lose.splice(this.#lose.indexOf(condition), 1);
    };
  }

  isToBeLost(stanza: Element): boolean {
    if (stanza.name !== 'message') return false;
    if (this.#loseNext > 0) {
      this.#loseNext -= 1;
      return true;
    }
    return this.#lose.some((condition) => condition(stanza));
  }

  // What the links call

  linksOf(domain: string): ComponentLink[] {
    return this.links.filter((link) => link.domain === domain);
  }

  join(link: ComponentLink): void {
    this.links.push(link);
    this.#ask(link, NS_DISCO_INFO);
    if (this.version === '5.1.1') this.#ask(link, NS_VERSION);
    this.#events.emit('linked');
  }

  leave(link: ComponentLink): void {
    const place = this.links.indexOf(link);
    if (place >= 0) this.links.splice(place, 1);
  }

  noteWaiting(): void {
    this.#events.emit('waiting');
  }

  /** A component's stanza. Its `from` is believed, whatever it is. */
  handle(stanza: Element, link: ComponentLink): void {
    const { type, id } = stanza.attrs;
    if (stanza.name === 'iq' && (type === 'get' || type === 'set') && id) this.#asked.set(id, link);
    this.handled.push(stanza);
    this.route(stanza);
  }

  route(stanza: Element): void {
    const { local, domain } = addressOf(stanza.attrs.to);
    if (domain === this.domain) {
      if (local === '') this.#answer(stanza);
      else this.#users.deliver(stanza);
    } else if (domain === `component.${this.domain}`) this.#note(stanza);
    else this.#toComponent(domain, stanza);
  }

  /** In turn to each link of the domain, whoever of them lives; an answer to the link that asked, even if it is gone. */
  #toComponent(domain: string, stanza: Element): void {
    const links = this.linksOf(domain);
    const requester = links.length === 0 ? undefined : this.#requesterFor(stanza);
    if (requester === undefined) this.#turn += 1;
    const link = requester ?? links[this.#turn % links.length];
    if (link !== undefined) link.send(stanza);
    else {
      const error = errorFor(stanza, 'cancel', 'remote-server-not-found');
      if (error !== undefined) this.route(error);
    }
  }

  #requesterFor({ name, attrs: { type, id = '' } }: Element): ComponentLink | undefined {
    if (name !== 'iq' || (type !== 'result' && type !== 'error')) return undefined;
    const requester = this.#asked.get(id);
    this.#asked.delete(id);
    return requester;
  }

  #ask(link: ComponentLink, xmlns: string): void {
    const id = randomUUID();
    if (xmlns === NS_DISCO_INFO) this.#questions.set(id, link.domain);
    const from = `component.${this.domain}`;
    link.send(xml('iq', { type: 'get', id, from, to: link.domain }, xml('query', { xmlns })));
  }

  #note({ attrs }: Element): void {
    const domain = this.#questions.get(attrs.id ?? '');
    if (domain !== undefined && attrs.type === 'result' && !this.discoItems.includes(domain))
      this.discoItems.push(domain);
  }

  /** To the server itself. */
  #answer(stanza: Element): void {
    if (stanza.name !== 'iq' || !/^(get|set)$/.test(stanza.attrs.type ?? '')) return;
    const answer =
      serverAnswer(stanza, this.version, this.discoItems) ?? errorFor(stanza, 'cancel', 'service-unavailable');
    if (answer !== undefined) this.route(answer);
  }
}
