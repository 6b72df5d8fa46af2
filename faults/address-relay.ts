import net from 'node:net';
import { freePort } from '../tests/support/process/ports.ts';

/** A port before a server that can move to another server, as an address does in a failover: old connections stay. */
export class AddressRelay {
  readonly #sockets = new Set<net.Socket>();
  readonly #server: net.Server;
  /** Where new connections go. */
  target: number;

  private constructor(
    readonly port: number,
    target: number,
  ) {
    this.target = target;
    this.#server = net.createServer((near) => {
      const far = net.connect(this.target, '127.0.0.1');
      near.pipe(far);
      far.pipe(near);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.setNoDelay(true);
        socket.on('error', () => {});
        socket.on('close', () => {
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
    });
  }

  static async to(target: number): Promise<AddressRelay> {
    const relay = new AddressRelay(await freePort(), target);
    await new Promise<void>((resolve) => relay.#server.listen(relay.port, '127.0.0.1', resolve));
    return relay;
  }

  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.reset();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
