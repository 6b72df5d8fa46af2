import { createHash } from 'node:crypto';
import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import xml, { type Element } from '@xmpp/xml';
import { Dialogue } from '../clients/dialogue.ts';

/** The barest component: what the test says goes out byte by byte, and what comes is heard. */
export class BareComponent extends Dialogue {
  override autoReceipt = false;
  /** Of the server's header. */
  header: Record<string, string> = {};
  /** The stream error, if there was one. */
  error: Element | undefined;
  /** Whether the server closed the stream, and not only TCP. */
  wasClosed = false;
  readonly #socket: Socket;
  readonly #over: Promise<unknown>;

  private constructor(
    readonly jid: string,
    port: number,
  ) {
    super();
    this.#socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    this.#over = new Promise((resolve) => this.#socket.on('close', resolve));
    this.#socket.on('error', () => {});
    this.#socket.setEncoding('utf8');
  }

  /** Whether TCP is closed. */
  get isOver(): boolean {
    return this.#socket.destroyed;
  }

  /** Resolves when the handshake is done, or the server has closed. */
  static async connect(port: number, domain: string, secret: string, attribute = ''): Promise<BareComponent> {
    const component = new BareComponent(domain, port);
    await component.#open(secret, attribute);
    return component;
  }

  /** As it is, be it XML or not. */
  write(text: string | Buffer): void {
    this.#socket.write(text);
  }

  /** Resolves when TCP is closed. */
  async closed(): Promise<void> {
    await this.#over;
  }

  end(): void {
    this.#socket.destroy();
  }

  protected override async transmit(stanza: string): Promise<void> {
    this.write(stanza);
  }

  async #open(secret: string, attribute: string): Promise<void> {
    const parser = new xml.Parser();
    const authenticated = new Promise<void>((resolve) => {
      parser.on('start', ({ attrs }) => {
        this.header = attrs;
        if (attrs.id === undefined) return;
        this.write(
          `<handshake>${createHash('sha1')
            .update(attrs.id + secret)
            .digest('hex')}</handshake>`,
        );
      });
      parser.on('element', (element) => {
        if (element.name === 'handshake') resolve();
        else if (element.name === 'stream:error') this.error = element;
        else this.take(element);
      });
      parser.on('end', () => {
        this.wasClosed = true;
      });
    });
    this.#socket.on('data', (text: string) => parser.write(text));
    await once(this.#socket, 'connect');
    this.write(
      `<stream:stream xmlns="jabber:component:accept" xmlns:stream="http://etherx.jabber.org/streams" to="${this.jid}"${attribute}>`,
    );
    await Promise.race([authenticated, this.#over]);
  }
}
