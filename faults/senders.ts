import xml, { type Element } from '@xmpp/xml';
import type { World } from '../tests/support/stages/world.ts';
import { Connection } from './connection.ts';
import type { Message, Recorder } from './history.ts';
import type { Mode } from './mode.ts';
import type { Random } from './random.ts';

const NS_RECEIPTS = 'urn:xmpp:receipts';
const NS_OWN = 'urn:openfire-receipts:0';

/** When a client sends again what was not acknowledged. */
export const TEMPERS = ['never', 'after 2 s', 'after 12 s', '1 s after an error', 'library'] as const;
export type Temper = (typeof TEMPERS)[number];

const RESEND_AFTER: Partial<Record<Temper, number>> = { 'after 2 s': 2000, 'after 12 s': 12_000 };
/** How the proxy says that a message has expired (docs/guarantees.md): of type `wait`, and its end. */
const EXPIRED = 'recipient-unavailable';
/** How Openfire says, of any type, that the component is not there: of one attempt, maybe when another has been delivered. */
const AWAY = 'remote-server-not-found';
const RESEND_AFTER_ERROR = 1000;

export interface Sender {
  readonly name: string;
  readonly temper: Temper;
  /** Messages that it may send again by itself. */
  readonly unanswered: readonly string[];
  open(): Promise<void>;
  /** Resolves when it is written, or kept to be. */
  write(message: Message): Promise<void>;
  /** Asks for what it was never told; resolves when the answer is taken down, or was not to be had. */
  ask(about: readonly Message[]): Promise<void>;
  close(): Promise<void>;
}

/** Whether an error ends the message, or its attempt alone. */
export function meaning(type: string | undefined, condition: string | undefined): 'failed' | 'refused' {
  return condition !== AWAY && (type !== 'wait' || condition === EXPIRED) ? 'failed' : 'refused';
}

/** A stock client, and somebody at its keyboard. */
export class StockSender implements Sender {
  readonly #connection: Connection;
  /** What it may have to send again. */
  readonly #open = new Map<string, { readonly message: Message; timer: NodeJS.Timeout | undefined }>();

  constructor(
    world: World,
    readonly name: string,
    /** Of the user; several senders may be one user on several resources. */
    account: string,
    readonly temper: Temper,
    /** Domains of the proxy's processes: each attempt takes one of them. */
    readonly domains: readonly string[],
    readonly mode: Mode,
    readonly recorder: Recorder,
    readonly random: Random,
  ) {
    this.#connection = new Connection(world, account, name, (stanza) => this.#take(stanza));
  }

  get unanswered(): readonly string[] {
    return [...this.#open.keys()].filter((id) => this.#open.get(id)?.timer !== undefined);
  }

  open(): Promise<void> {
    return this.#connection.open();
  }

  async write(message: Message): Promise<void> {
    await this.#connection.online();
    this.#open.set(message.id, { message, timer: undefined });
    await this.#attempt(message);
  }

  async ask(about: readonly Message[]): Promise<void> {
    await this.#connection.online();
    const component = this.domains[0] as string;
    for (let i = 0; i < about.length; i += 50) {
      const some = about.slice(i, i + 50).map(({ id, recipient }) => ({ id, to: this.#address(recipient, component) }));
      for (const [id, state] of await this.#connection.status(component, some).catch(() => [] as never)) {
        if (state === 'delivered' || state === 'unconfirmed') this.#notified(id, state, true);
        else if (state === 'expired' || state === 'rejected') this.#notified(id, 'failed', true);
      }
    }
  }

  async close(): Promise<void> {
    for (const id of this.#open.keys()) this.#done(id);
    await this.#connection.close();
  }

  async #attempt(message: Message): Promise<void> {
    const open = this.#open.get(message.id);
    if (open === undefined) return;
    const again = RESEND_AFTER[this.temper];
    if (again !== undefined) this.#later(message, again);
    if (!this.#connection.isOnline) return;
    const process = this.random.pick(this.domains);
    this.recorder.add({ kind: 'wrote', message: message.id, process });
    const { id, recipient, body } = message;
    const request = xml('request', { xmlns: NS_RECEIPTS });
    await this.#connection.send(
      xml('message', { to: this.#address(recipient, process), type: 'chat', id }, xml('body', {}, body), request),
    );
  }

  /** Of a recipient; by way of a process of the proxy's. */
  #address(recipient: string, process: string): string {
    return `${recipient}@${this.mode === 'transparent' ? this.#connection.world.xmpp.domain : process}`;
  }

  #later(message: Message, ms: number): void {
    const open = this.#open.get(message.id);
    if (open === undefined) return;
    clearTimeout(open.timer);
    open.timer = setTimeout(() => void this.#attempt(message), ms);
  }

  #done(id: string): void {
    clearTimeout(this.#open.get(id)?.timer);
    this.#open.delete(id);
  }

  #take(stanza: Element): void {
    if (stanza.name !== 'message') return;
    const { id, from = '', type } = stanza.attrs;
    if (type === 'error') {
      if (this.recorder.knows(id)) this.#failed(id, stanza);
      return;
    }
    const process = from.slice(from.indexOf('@') + 1).split('/')[0] as string;
    for (const { attrs } of stanza.getChildren('stored', NS_OWN)) {
      if (!this.recorder.knows(attrs.id)) continue;
      this.recorder.add({ kind: 'acknowledged', message: attrs.id, process });
      this.#done(attrs.id);
    }
    for (const { attrs } of stanza.getChildren('unconfirmed', NS_OWN)) this.#notified(attrs.id ?? id, 'unconfirmed');
    // The component's own says that it is stored, a recipient's that he has it.
    if (!from.includes('@')) return;
    for (const { attrs } of stanza.getChildren('received', NS_RECEIPTS)) this.#notified(attrs.id, 'delivered');
  }

  #failed(id: string, stanza: Element): void {
    const error = stanza.getChild('error');
    const condition = error?.getChildElements().find((child) => child.name !== 'text')?.name;
    if (meaning(error?.attrs.type, condition) === 'failed') {
      this.#notified(id, 'failed', false, condition);
      return;
    }
    this.recorder.add({ kind: 'notified', message: id, what: 'refused', condition });
    const open = this.#open.get(id);
    if (open !== undefined && this.temper === '1 s after an error') this.#later(open.message, RESEND_AFTER_ERROR);
  }

  #notified(
    id: string | undefined,
    what: 'delivered' | 'failed' | 'unconfirmed',
    asked = false,
    condition?: string,
  ): void {
    if (!this.recorder.knows(id)) return;
    this.recorder.add({ kind: 'notified', message: id, what, condition, ...(asked && { asked }) });
    this.#done(id);
  }
}
