import net from 'node:net';

/** open: all passes. frozen: connections stay, and nothing passes. cut: connections are reset, and new ones too. */
export type Line = 'open' | 'frozen' | 'cut';

/** A browser's request for a websocket has a head of some hundred bytes. */
const LONGEST_HEAD = 16_384;

/**
 * A network between a page and the XMPP server, that can be hurt. It lets pages of one origin through: a browser opens a
 * websocket to anywhere for any page, and says whose it is.
 */
export class Network {
  /** The origins whose pages may pass: the page's own, by each of its names. */
  origins: readonly string[] = [];

  readonly #pairs = new Set<readonly [net.Socket, net.Socket]>();
  /** Of which it is not known yet what they ask for. */
  readonly #unknown = new Set<net.Socket>();
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
    if (line === 'cut') for (const socket of this.#unknown) socket.resetAndDestroy();
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
    this.#unknown.add(near);
    near.on('close', () => this.#unknown.delete(near));
    let head = '';
    const look = (bytes: Buffer) => {
      head += bytes.toString('latin1');
      if (!head.includes('\r\n\r\n') && head.length <= LONGEST_HEAD) return;
      near.off('data', look);
      this.#unknown.delete(near);
      if (this.#mayPass(head)) this.#connect(near, head);
      else near.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    };
    near.on('data', look);
  }

  #mayPass(head: string): boolean {
    const end = head.indexOf('\r\n\r\n');
    if (end === -1 || end > LONGEST_HEAD) return false;
    const lines = head.slice(0, end).split('\r\n');
    const origins = lines.flatMap((line) => /^origin:\s*(.*?)\s*$/i.exec(line)?.[1] ?? []);
    return origins.length === 1 && this.origins.includes(origins[0] as string);
  }

  /** @param head what has come already */
  #connect(near: net.Socket, head: string): void {
    if (near.destroyed) return;
    const far = net.connect(this.#target, '127.0.0.1');
    far.write(head, 'latin1');
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
