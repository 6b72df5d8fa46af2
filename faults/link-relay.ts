import net from 'node:net';
import { freePort } from '../tests/support/process/ports.ts';
import { CLEAR, type Conditions, HalfConnection } from './half-connection.ts';

/** `out`: from who connects (the proxy) to the server; `in`: the reverse. */
export type Direction = 'out' | 'in';

interface Connection {
  readonly sockets: readonly [near: net.Socket, far: net.Socket];
  readonly halves: readonly [out: HalfConnection, in_: HalfConnection];
}

export interface LinkRelayOptions {
  readonly port: number;
  readonly host?: string;
  readonly onConnect: () => void;
  /** Of each whole stanza that came from the proxy, before anything is done to it. */
  readonly onStanza: (stanza: string) => void;
  /** The same of what came from the server. */
  readonly onReceived?: (stanza: string) => void;
}

/** A relay before a server's port for components, that can do to an XMPP stream what networks and slow servers do. */
export class LinkRelay {
  readonly #options: LinkRelayOptions;
  readonly #connections = new Set<Connection>();
  readonly #server: net.Server;
  readonly #conditions: Record<Direction, Conditions> = { out: { ...CLEAR }, in: { ...CLEAR } };
  /** Turns away whoever connects. */
  refuses = false;

  private constructor(
    readonly port: number,
    options: LinkRelayOptions,
  ) {
    this.#options = options;
    this.#server = net.createServer((near) => this.#take(near));
  }

  static async listen(options: LinkRelayOptions): Promise<LinkRelay> {
    const relay = new LinkRelay(await freePort(), options);
    await new Promise<void>((resolve) => relay.#server.listen(relay.port, '127.0.0.1', resolve));
    return relay;
  }

  /** Changes what is done to one direction, or to both. */
  set(direction: Direction | 'both', change: Partial<Conditions>): void {
    for (const one of ['out', 'in'] as const) {
      if (direction === 'both' || direction === one) Object.assign(this.#conditions[one], change);
    }
    for (const { halves } of this.#connections) for (const half of halves) half.changed();
  }

  /** Resets every connection at both ends. */
  reset(): void {
    for (const { sockets } of this.#connections) for (const socket of sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.refuses = true;
    this.reset();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(near: net.Socket): void {
    near.on('error', () => {});
    if (this.refuses) {
      near.resetAndDestroy();
      return;
    }
    const { port, host = '127.0.0.1', onConnect, onStanza, onReceived = () => {} } = this.#options;
    const far = net.connect(port, host);
    far.on('error', () => {});
    for (const socket of [near, far]) socket.setNoDelay(true);
    const cut = () => {
      for (const socket of [near, far]) socket.resetAndDestroy();
    };
    const out = new HalfConnection(near, far, this.#conditions.out, onStanza, cut);
    const in_ = new HalfConnection(far, near, this.#conditions.in, onReceived, cut);
    const connection: Connection = { sockets: [near, far], halves: [out, in_] };
    this.#connections.add(connection);
    for (const socket of [near, far]) {
      socket.on('close', () => {
        this.#connections.delete(connection);
        for (const half of [out, in_]) half.close();
        for (const other of [near, far]) other.destroy();
      });
    }
    onConnect();
  }
}
