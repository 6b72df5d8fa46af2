import net from 'node:net';

/** open: all passes. frozen: connections stay, and nothing passes. cut: connections are reset, and new ones too. */
export type Line = 'open' | 'frozen' | 'cut';

/** A network between a page and the XMPP server, that can be hurt. */
export class Network {
  readonly #pairs = new Set<readonly [net.Socket, net.Socket]>();
  readonly #server: net.Server;
  readonly #target: number;
  #line: Line = 'open';

  private constructor(target: number) {
    this.#target = target;
    this.#server = net.createServer((near) => this.#join(near));
  }

  /** Listens on a free port of loopback. */
  static async to(target: number): Promise<Network> {
    const network = new Network(target);
    await new Promise<void>((resolve) => network.#server.listen(0, '127.0.0.1', resolve));
    return network;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  get line(): Line {
    return this.#line;
  }

  set(line: Line): void {
    this.#line = line;
    for (const pair of this.#pairs) {
      for (const socket of pair) {
        if (line === 'cut') socket.resetAndDestroy();
        else if (line === 'frozen') socket.pause();
        else socket.resume();
      }
    }
  }

  async close(): Promise<void> {
    this.set('cut');
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: net.Socket): void {
    near.on('error', () => {});
    if (this.#line === 'cut') {
      near.resetAndDestroy();
      return;
    }
    const far = net.connect(this.#target, '127.0.0.1');
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on('error', () => {});
      // Not pipe(), which would go on by itself while it is to be frozen. A chat fits into the memory.
      from.on('data', (bytes) => void to.write(bytes));
      from.on('close', () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
      if (this.#line === 'frozen') from.pause();
    }
  }
}
