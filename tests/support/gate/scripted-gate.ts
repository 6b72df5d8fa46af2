import type { Element } from '@xmpp/xml';
import type { ComponentPeer, PeerConnection } from '../peer/component-peer.ts';

const NS = 'urn:openfire-receipts:gate:1';
const TOKEN = 'token-of-the-stand-in';

export interface ScriptedGateOptions {
  readonly server?: string;
  /** The attributes of `<enabled/>` that differ from those of this version. */
  readonly terms?: Readonly<Record<string, string>>;
  /** ms from a request for a lease to its answer. */
  readonly answersAfter?: number;
  /** What it tells at once, before `<ready/>`, as XML. */
  readonly remembers?: string;
}

/** The gate of a server that is only a scripted peer: it grants a lease, tells what the test says, and notes the commands. */
export class ScriptedGate {
  /** Undefined: it grants a lease; else the error that it answers `enable` with, as XML. */
  refusal: string | undefined;
  /** All commands but `enable` and `renew`. */
  readonly commands: Element[] = [];
  readonly #options: ScriptedGateOptions;
  #connection: PeerConnection | undefined;

  constructor(peer: ComponentPeer, options: ScriptedGateOptions = {}) {
    this.#options = options;
    peer.on('stanza', (stanza, connection) => this.#take(stanza, connection));
  }

  /** Sends events, as XML, to the component. */
  tells(events: string): void {
    this.#connection?.write(
      `<message from="${this.#server}" to="receipts.${this.#server}"><gate xmlns="${NS}" token="${TOKEN}">${events}</gate></message>`,
    );
  }

  /** The commands of that name that it was given. */
  given(name: string): Element[] {
    return this.commands.filter((command) => command.name === name);
  }

  get #server(): string {
    return this.#options.server ?? 'example.org';
  }

  #take(stanza: Element, connection: PeerConnection): void {
    const { id, from, to } = stanza.attrs;
    const gate = stanza.getChild('gate', NS);
    if (gate === undefined || stanza.name !== 'iq' || to !== this.#server) return;
    this.#connection = connection;
    const answer = (type: string, content: string) =>
      connection.write(`<iq type="${type}" id="${id}" from="${to}" to="${from}">${content}</iq>`);
    if (gate.getChild('enable') === undefined) {
      this.commands.push(...gate.getChildElements().filter(({ name }) => name !== 'renew'));
      answer('result', `<gate xmlns="${NS}" token="${TOKEN}"/>`);
      return;
    }
    if (this.refusal !== undefined) {
      answer('error', this.refusal);
      return;
    }
    const { terms = {}, remembers = '', answersAfter = 0 } = this.#options;
    const attributes = { version: '1', epoch: 'epoch', gate: '0.1.0', timeout: '3000', lease: '10000', ...terms };
    const written = Object.entries(attributes).map(([name, value]) => ` ${name}="${value}"`);
    const grant = () => {
      answer('result', `<gate xmlns="${NS}" token="${TOKEN}"><enabled token="${TOKEN}"${written.join('')}/></gate>`);
      this.tells(`${remembers}<ready/>`);
    };
    if (answersAfter === 0) grant();
    else setTimeout(grant, answersAfter);
  }
}
