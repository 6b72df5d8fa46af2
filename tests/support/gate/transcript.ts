import xml, { type Element } from '@xmpp/xml';
import type { TestUser } from '../clients/test-user.ts';

const NS_GATE = 'urn:openfire-receipts:gate:';

interface Client {
  readonly name: string;
  readonly user: TestUser;
  /** How much of what it received belongs to earlier steps. */
  read: number;
}

/**
 * What each client is sent, step by step, in a form that is the same for each run: what the server makes up (times, ids) is left out,
 * and so is what comes only with a gate (the server's pings, and elements of the gate that were forged). In each step and client
 * messages stand in their order, and then the rest, sorted, since servers tell several contacts in any order.
 */
export class Transcript {
  readonly steps: Record<string, Record<string, string[]>> = {};
  readonly #clients: Client[] = [];
  #requests = 0;

  constructor(
    readonly domain: string,
    readonly settled: () => Promise<void>,
  ) {}

  add(name: string, user: TestUser): TestUser {
    this.#clients.push({ name, user, read: 0 });
    return user;
  }

  /** Does something, waits until it has gone its way, and writes down what each client was sent. */
  async step(name: string, act: () => unknown): Promise<void> {
    await act();
    await this.barrier();
    const step: Record<string, string[]> = {};
    for (const client of this.#clients) {
      const heard = client.user.received.slice(client.read).filter((stanza) => !this.#isOurs(stanza));
      client.read = client.user.received.length;
      const messages = heard.filter(isOfAUser).map(normal);
      const rest = heard.filter((stanza) => !isOfAUser(stanza)).map(normal);
      step[client.name] = [...messages, ...rest.sort()];
    }
    this.steps[name] = step;
  }

  /** Resolves when all that was sent before has arrived. */
  async barrier(): Promise<void> {
    await this.#pings();
    await this.settled();
    await this.#pings();
  }

  async #pings(): Promise<void> {
    const there = this.#clients.filter(({ user }) => user.online);
    await Promise.all(
      there.map(({ user }) => {
        this.#requests += 1;
        const id = `barrier-${this.#requests}`;
        return user.iq(xml('iq', { type: 'get', to: this.domain, id }, xml('ping', { xmlns: 'urn:xmpp:ping' })));
      }),
    );
  }

  /** Whether it came for this test's sake, or is the gate's question for a proof of delivery. */
  #isOurs({ name, attrs, ...stanza }: Element): boolean {
    if (name !== 'iq') return false;
    const isPing = stanza.children.some((child) => typeof child !== 'string' && child.is('ping', 'urn:xmpp:ping'));
    return attrs.id?.startsWith('barrier-') === true || (attrs.type === 'get' && isPing && attrs.from === this.domain);
  }
}

/** A message, and not the server's word of what somebody published. */
function isOfAUser(stanza: Element): boolean {
  return stanza.name === 'message' && stanza.getChild('event', 'http://jabber.org/protocol/pubsub#event') === undefined;
}

/** Times, and ids that the server makes up. What a request's answer holds has no order. */
function normal(stanza: Element): string {
  return text(stanza, !isOfAUser(stanza));
}

function text(el: Element, anyId: boolean): string {
  const attrs = Object.entries(el.attrs as Record<string, string>)
    .map(([name, value]) => [name, isMadeUp(el, name, anyId) ? '*' : value] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const children = el.children
    .filter((child) => typeof child === 'string' || !child.getNS()?.startsWith(NS_GATE))
    .map((child) => {
      if (typeof child === 'string') return child;
      return /^(first|last)$/.test(child.name) ? `<${child.name}>*</${child.name}>` : text(child, false);
    });
  if (el.name === 'set') children.sort();
  return `<${el.name}${attrs.map(([name, value]) => ` ${name}="${value}"`).join('')}>${children.join('')}</${el.name}>`;
}

function isMadeUp({ name }: Element, attribute: string, anyId: boolean): boolean {
  if (attribute === 'stamp' || attribute === 'ver') return true;
  return attribute === 'id' && (anyId || name === 'stanza-id' || name === 'result' || name === 'occupant-id');
}
