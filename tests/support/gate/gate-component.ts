import { randomUUID } from 'node:crypto';
import xml, { type Element } from '@xmpp/xml';
import { Dialogue } from '../clients/dialogue.ts';
import { BareComponent } from '../openfire/bare-component.ts';
import { recorder } from '../stages/wire-record.ts';

const NS_GATE = 'urn:openfire-receipts:gate:1';

export interface GateConnection {
  readonly componentPort: number;
  /** The server's. */
  readonly domain: string;
  readonly component: string;
  readonly secret: string;
}

/** What a component does with each message that is shown to it: a verdict, or nothing yet. */
export type Verdict = (message: Element, n: string) => 'stored' | 'pass' | 'drop' | undefined;

/** A component that speaks the gate protocol (docs/gate-protocol.md) and does nothing by itself but what `verdict` says. */
export class GateComponent extends Dialogue {
  override autoReceipt = false;
  verdict: Verdict = () => undefined;
  /** Pings of the gate that were not answered since {@link answersPings} is not set. */
  readonly pings: string[] = [];
  answersPings = true;
  token = '';
  epoch = '';
  /** Its stream. */
  readonly link: BareComponent;
  readonly #options: GateConnection;

  private constructor(options: GateConnection, link: BareComponent) {
    super();
    this.#options = options;
    this.link = link;
    const record = recorder(process.env.WIRE_RECORD);
    link.listen((stanza) => {
      record?.(stanza);
      this.#take(stanza);
    });
  }

  get jid(): string {
    return this.#options.component;
  }

  /** Connects; `enable` is another step. */
  static async connect(options: GateConnection): Promise<GateComponent> {
    const link = await BareComponent.connect(options.componentPort, options.component, options.secret);
    return new GateComponent(options, link);
  }

  /** Asks for a lease, and resolves with the events that come before `ready`. */
  async enable(attributes: Record<string, string> = {}): Promise<Element[]> {
    const enable = xml('enable', { version: '1', process: 'p1', timeout: '60000', lease: '60000', ...attributes });
    const before = this.received.length;
    const answer = await this.ask('', enable);
    const enabled = answer.getChild('gate', NS_GATE)?.getChild('enabled');
    if (enabled === undefined) throw new Error(`No lease: ${answer}`);
    // A gate that is about to be unloaded grants a lease and ends it. Whoever waited on for that one's `ready` would be given the next one's.
    const leaves = (el: Element) => isEvent(el, 'opened', { why: 'unloading' });
    const ready = await this.hears((el) => (el.name === 'ready' || leaves(el)) && this.received.indexOf(el) >= before);
    if (leaves(ready)) throw new Error('No lease: the gate is unloaded');
    return this.received.slice(before, this.received.indexOf(ready)).filter(({ name }) => name !== 'iq');
  }

  /** Carries out commands; resolves with what the gate answers. */
  command(...commands: Element[]): Promise<Element> {
    return this.ask(this.token, ...commands);
  }

  /** The same with any token. */
  ask(token: string, ...commands: Element[]): Promise<Element> {
    return this.iq(this.request(token, ...commands));
  }

  request(token: string, ...commands: Element[]): Element {
    const { component, domain } = this.#options;
    const gate = xml('gate', { xmlns: NS_GATE, ...(token && { token }) }, ...commands);
    return xml('iq', { type: 'set', from: component, to: domain, id: randomUUID() }, gate);
  }

  /** Gives a verdict without waiting for the answer. */
  decide(name: string, n: string): void {
    this.link.write(this.request(this.token, xml(name, { n })).toString());
  }

  /** Answers a ping of the gate's. */
  pong(id: string): void {
    const { component, domain } = this.#options;
    this.link.write(xml('iq', { type: 'result', from: component, to: domain, id }).toString());
  }

  /** The first event of that name, with those attributes, that no earlier call has had. */
  event(name: string, attributes: Record<string, string> = {}): Promise<Element> {
    return this.hears((el) => isEvent(el, name, attributes));
  }

  events(name: string, attributes: Record<string, string> = {}): Element[] {
    return this.received.filter((el) => isEvent(el, name, attributes));
  }

  /** The number of the message with that body, when it is shown. */
  async held(body: string): Promise<string> {
    const event = await this.hears((el) => el.name === 'held' && el.getChild('message')?.getChildText('body') === body);
    return event.attrs.n as string;
  }

  /** Resolves when all that is shown by now has its outcome. */
  async settled(): Promise<void> {
    await this.command();
    for (const { attrs } of this.events('held')) {
      const n = attrs.n as string;
      if (this.events('outcome', { n }).length === 0) await this.hears((el) => isEvent(el, 'outcome', { n }));
    }
  }

  /** Has the gate forget all that it has told, and tells nothing of it any more. */
  async forgetAll(): Promise<void> {
    const numbers = new Set(this.received.map(({ attrs }) => attrs.n).filter((n) => n !== undefined));
    await this.command(...[...numbers].map((n) => xml('forget', { n })));
    this.received.length = 0;
  }

  /** Closes the stream; resolves when the server has closed it. */
  async leave(): Promise<void> {
    this.link.write('</stream:stream>');
    await this.link.closed();
  }

  /** Breaks the connection. */
  cut(): void {
    this.link.end();
  }

  protected override async transmit(stanza: string): Promise<void> {
    this.link.write(stanza);
  }

  #take(stanza: Element): void {
    const gate =
      stanza.name === 'message' && stanza.attrs.from === this.#options.domain && stanza.getChild('gate', NS_GATE);
    const enabled = stanza.name === 'iq' && stanza.getChild('gate', NS_GATE)?.getChild('enabled');
    if (enabled) {
      // At once: what follows carries it.
      this.token = enabled.attrs.token ?? '';
      this.epoch = enabled.attrs.epoch ?? '';
    }
    if (!gate) {
      if (stanza.getChild('ping', 'urn:xmpp:ping') === undefined) this.take(stanza);
      else if (this.answersPings) this.pong(stanza.attrs.id as string);
      else this.pings.push(stanza.attrs.id as string);
      return;
    }
    if (this.token !== '' && gate.attrs.token !== this.token) return;
    for (const event of gate.getChildElements()) {
      this.take(event);
      const message = event.name === 'held' ? event.getChild('message') : undefined;
      const n = event.attrs.n as string;
      const verdict = message && this.verdict(message, n);
      if (verdict) this.decide(verdict, n);
    }
  }
}

function isEvent(el: Element, name: string, attributes: Record<string, string>): boolean {
  return el.name === name && Object.entries(attributes).every(([key, value]) => el.attrs[key] === value);
}
