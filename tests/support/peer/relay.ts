import net from 'node:net';
import { opened } from '../process/opened.ts';
import { freePort } from '../process/ports.ts';

/** A TCP relay on loopback that a test can cut: what is in flight in either direction is then lost. */
export class Relay {
  readonly #pairs = new Set<[net.Socket, net.Socket]>();
  readonly #server: net.Server;
  readonly #closed = opened('a relay', () => this.close());
  /** Bytes from who connects, and to him. */
  readonly bytes = { up: 0, down: 0 };
  /** Whether whoever connects is turned away. */
  refuses = false;
  /** Whether connections are left that nothing passes through. */
  #frozen = false;

  private constructor(
    readonly port: number,
    /** Where new connections lead. */
    public target: number,
    host: string,
  ) {
    this.#server = net.createServer((near) => {
      if (this.refuses) {
        near.on('error', () => {}).resetAndDestroy();
        return;
      }
      const far = net.connect(this.target, host);
      const pair: [net.Socket, net.Socket] = [near, far];
      this.#pairs.add(pair);
      near.on('data', ({ length }: Buffer) => {
        this.bytes.up += length;
      });
      far.on('data', ({ length }: Buffer) => {
        this.bytes.down += length;
      });
      near.pipe(far);
      far.pipe(near);
      for (const socket of pair) {
        socket.on('error', () => {});
        socket.on('close', () => {
          this.#pairs.delete(pair);
          for (const other of pair) other.destroy();
        });
      }
    });
  }

  /** Listens on a free port, or on that of an earlier relay. */
  static async to(target: number, port?: number, host = '127.0.0.1'): Promise<Relay> {
    const relay = new Relay(port ?? (await freePort()), target, host);
    await new Promise<void>((resolve) => relay.#server.listen(relay.port, '127.0.0.1', resolve));
    return relay;
  }

  /**
   * Loses what comes from one end from now on, while the connections stay and the other direction works.
   *
   * @param from `near`: the client, `far`: the server
   */
  deafen(from: 'near' | 'far'): void {
    for (const [near, far] of this.#pairs) {
      const [source, target] = from === 'near' ? [near, far] : [far, near];
      source.unpipe(target);
      source.resume();
    }
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** Resets every connection, both ends. */
  reset(): void {
    this.#frozen = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  /** Closes every connection, both ends, as one who hangs up in order (FIN). What comes to it unread makes it a reset. */
  hangUp(): void {
    this.#frozen = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  /** Passes nothing on any more in either direction; the connections stay, and nobody is told. */
  freeze(): void {
    this.#frozen = this.#pairs.size > 0;
    for (const pair of this.#pairs) for (const socket of pair) socket.unpipe().pause();
  }

  async close(): Promise<void> {
    this.reset();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#closed();
  }
}
