import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import tls from 'node:tls';
import xml, { type Element } from '@xmpp/xml';
import { opened } from '../process/opened.ts';

/** How the peer takes a connection. All but `normal` are what servers were seen to do. */
export type Reception =
  | 'normal'
  /** The secret is wrong. */
  | 'not-authorized'
  /** Openfire 5.1.1, when the domain is taken or not permitted: a header without an id, then TCP is closed. */
  | 'no-id-close'
  /** Openfire 4.2.4: a header without an id, then a stream error. */
  | 'no-id-conflict'
  /** TCP is accepted, and that is all. */
  | 'no-header'
  | 'no-handshake'
  | 'reset';

/** How the peer ends a connection: with a stream error of that condition, or without a word. */
export type Ending = 'fin' | 'rst' | { readonly condition: string };

export interface PeerOptions {
  readonly secret?: string;
  readonly serverDomain?: string;
  /** Speaks TLS with these, in PEM. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface PeerEvents {
  connection: [connection: PeerConnection];
  /** The handshake is done. */
  open: [connection: PeerConnection];
  /** Anything but the pings that the peer answers itself. */
  stanza: [stanza: Element, connection: PeerConnection];
}

/** A server as a component sees it, and no more of one: it speaks XEP-0114 and does what the test tells it. */
export class ComponentPeer extends EventEmitter<PeerEvents> {
  reception: Reception = 'normal';
  /** Asked for each ping; what it returns is the type of the answer. */
  onPing: (id: string) => 'result' | 'error' | 'none' = () => 'result';
  /** How many stanzas it handles a second, pings included; the others wait in its memory. */
  perSecond: number | undefined;
  /** Ends the connection at a stanza that contains `marker`, before it is handled. */
  kill: { readonly marker: string; readonly how: Ending } | undefined;
  readonly connections: PeerConnection[] = [];
  /** The bodies of all messages that were handled, on all connections. */
  readonly bodies: string[] = [];
  readonly secret: string;
  readonly serverDomain: string;
  readonly #server: net.Server;
  readonly #secure: boolean;
  readonly #closed = opened('a peer', () => this.close());

  private constructor(options: PeerOptions) {
    super();
    this.secret = options.secret ?? 'secret';
    this.serverDomain = options.serverDomain ?? 'example.org';
    this.#secure = options.tls !== undefined;
    const accept = (socket: Socket) => this.#accept(socket);
    this.#server = options.tls ? tls.createServer(options.tls, accept) : net.createServer({ noDelay: true }, accept);
  }

  /** Listens on a free port, or on that of an earlier peer. */
  static async listen(options: PeerOptions = {}, port = 0): Promise<ComponentPeer> {
    const peer = new ComponentPeer(options);
    peer.#server.listen(port, '127.0.0.1');
    await once(peer.#server, 'listening');
    return peer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get service(): string {
    return `${this.#secure ? 'xmpps' : 'xmpp'}://127.0.0.1:${this.port}`;
  }

  /** The latest connection. */
  get current(): PeerConnection {
    return this.connections.at(-1) as PeerConnection;
  }

  /** The next connection whose handshake succeeds. */
  async opened(): Promise<PeerConnection> {
    return (await once(this, 'open'))[0] as PeerConnection;
  }

  /** Resolves when the peer has handled messages with all of these bodies. */
  async handled(...bodies: string[]): Promise<void> {
    const missing = new Set(bodies.filter((body) => !this.bodies.includes(body)));
    if (missing.size === 0) return;
    await new Promise<void>((resolve) => {
      const listener = (stanza: Element) => {
        missing.delete(stanza.getChildText('body') ?? '');
        if (missing.size > 0) return;
        this.off('stanza', listener);
        resolve();
      };
      this.on('stanza', listener);
    });
  }

  async close(): Promise<void> {
    this.#closed();
    for (const { socket } of this.connections) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    const connection = new PeerConnection(this, socket);
    this.connections.push(connection);
    this.emit('connection', connection);
  }
}

/** One connection of a component. */
export class PeerConnection {
  readonly socket: Socket;
  /** The attributes of the component's header. */
  header: Record<string, string> = {};
  readonly #peer: ComponentPeer;
  readonly #reception: Reception;
  readonly #id = Math.random().toString(36).slice(2);
  #open = false;
  /** What waits while the peer is throttled, and the timer that takes the next. */
  readonly #waiting: Element[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(peer: ComponentPeer, socket: Socket) {
    this.#peer = peer;
    this.#reception = peer.reception;
    this.socket = socket;
    socket.on('error', () => {});
    if (this.#reception === 'reset') {
      socket.resetAndDestroy();
      return;
    }
    const parser = new xml.Parser();
    parser.on('start', (header) => this.#start(header));
    parser.on('element', (element) => this.#element(element));
    parser.on('end', () => socket.end('</stream:stream>'));
    parser.on('error', () => this.end({ condition: 'not-well-formed' }));
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      try {
        if (!socket.destroyed && socket.writable) parser.write(text);
      } catch {
        this.end({ condition: 'not-well-formed' });
      }
    });
  }

  write(data: string | Buffer): void {
    this.socket.write(data);
  }

  /** Resolves when TCP is closed. */
  async closed(): Promise<void> {
    if (!this.socket.destroyed) await new Promise((resolve) => this.socket.once('close', resolve));
  }

  end(how: Ending): void {
    if (how === 'rst') this.socket.resetAndDestroy();
    else if (how === 'fin') this.socket.end();
    else this.socket.end(`${streamError(how.condition)}</stream:stream>`);
  }

  #start(header: Element): void {
    this.header = header.attrs;
    if (this.#reception === 'no-header') return;
    const id = this.#reception.startsWith('no-id') ? '' : ` id="${this.#id}"`;
    this.write(
      `<?xml version='1.0' encoding='UTF-8'?><stream:stream xmlns:stream="http://etherx.jabber.org/streams" xmlns="jabber:component:accept" from="${header.attrs.to}"${id}>`,
    );
    if (this.#reception === 'no-id-close') this.end('fin');
    if (this.#reception === 'no-id-conflict') this.end({ condition: 'conflict' });
  }

  #element(element: Element): void {
    if (this.#open) this.#take(element);
    else if (this.#reception === 'no-handshake') return;
    else if (this.#reception === 'normal' && element.getText() === sha1(this.#id + this.#peer.secret)) {
      this.#open = true;
      this.write('<handshake></handshake>');
      this.#peer.emit('open', this);
    } else this.end({ condition: 'not-authorized' });
  }

  #take(stanza: Element): void {
    if (this.#peer.perSecond === undefined && this.#waiting.length === 0) {
      this.#stanza(stanza);
      return;
    }
    this.#waiting.push(stanza);
    this.#timer ??= setInterval(() => this.#next(), 1000 / (this.#peer.perSecond ?? 1000));
  }

  #next(): void {
    const stanza = this.#waiting.shift();
    if (stanza !== undefined) this.#stanza(stanza);
    if (this.#waiting.length > 0 && !this.socket.destroyed) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #stanza(stanza: Element): void {
    // What follows a stanza that ended the connection is not handled.
    if (!this.socket.writable) return;
    const { kill, serverDomain } = this.#peer;
    if (kill !== undefined && stanza.toString().includes(kill.marker)) {
      this.end(kill.how);
      return;
    }
    const { id, from, to } = stanza.attrs;
    if (stanza.name === 'iq' && stanza.getChild('ping') !== undefined && to === serverDomain) {
      const type = this.#peer.onPing(id as string);
      if (type !== 'none') this.write(`<iq type="${type}" id="${id}" from="${to}" to="${from}"/>`);
      return;
    }
    const body = stanza.getChildText('body');
    if (body !== null) this.#peer.bodies.push(body);
    this.#peer.emit('stanza', stanza, this);
  }
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

function streamError(condition: string): string {
  return `<stream:error><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error>`;
}
