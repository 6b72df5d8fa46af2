import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import componentModule, { type Component } from '@xmpp/component';
import type { Element } from '@xmpp/xml';
import { GuardedParser, type OversizedStanza, type ParserLimits } from './guarded-parser.ts';
import { domainRefused, LinkProblem, noHeader, socketProblem, streamError } from './link-problem.ts';

/**
 * Characters that are read in one turn of the event loop, about. While there is more, libuv goes on reading, up to 2 MiB,
 * and what Redis has answered and what is to be written would wait for all of that to be parsed.
 */
const MAX_READ = 256 << 10;

const NS_STREAM = 'http://etherx.jabber.org/streams';

export interface StreamOptions {
  /** `xmpp://host:port`, or `xmpps://host:port` for direct TLS. */
  readonly service: string;
  /** PEM text; without it, the system's authorities. */
  readonly tlsCa?: string | undefined;
  readonly domain: string;
  readonly secret: string;
  /** A certificate may name it instead of the service's host. */
  readonly serverDomain: string;
  /** ms */
  readonly connectTimeout: number;
  /** ms; for the header and the handshake each. */
  readonly handshakeTimeout: number;
  readonly limits: ParserLimits;
}

export interface StreamHandlers {
  readonly stanza: (element: Element) => void;
  readonly oversized: (oversized: OversizedStanza) => void;
  /** What was written has gone to the kernel. */
  readonly drain: () => void;
}

/**
 * One stream to the server, from connecting to its end (XEP-0114). The entity of @xmpp/component does the talking, with
 * its reconnect stopped, its middleware detached (it parses both addresses of every stanza, and throws at an invalid
 * one), its parser replaced and each phase timed: whatever the server does, {@link Stream.closed} says so and nothing
 * is thrown.
 */
export class Stream {
  /** Resolves when the stream has ended, however it did. */
  readonly closed: Promise<LinkProblem>;
  readonly #options: StreamOptions;
  readonly #handlers: StreamHandlers;
  readonly #entity: Component;
  #socket: net.Socket | undefined;
  #problem: LinkProblem | undefined;
  #phase: 'connecting' | 'refused' | 'handshake' | 'open' = 'connecting';
  #ended!: (problem: LinkProblem) => void;
  #heardAt = 0;
  /** Characters read in this turn of the event loop. */
  #read = 0;

  constructor(options: StreamOptions, handlers: StreamHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.closed = new Promise((resolve) => {
      this.#ended = resolve;
    });
    this.#entity = this.#guarded();
  }

  /** Why it ended, if it has. */
  get problem(): LinkProblem | undefined {
    return this.#problem;
  }

  /** When anything last came from the server, by `performance.now()`. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Bytes written that the kernel has not taken yet. */
  get backlog(): number {
    return this.#socket?.writableLength ?? 0;
  }

  /**
   * Connects, opens the stream and proves that we know the secret.
   *
   * @throws {LinkProblem} and the stream has ended
   */
  async connect(): Promise<void> {
    const { service, domain, secret, connectTimeout, handshakeTimeout } = this.#options;
    const { host } = new URL(service);
    const late = (what: string) => new LinkProblem('timeout', `${host} ${what} in time`);
    try {
      await this.#within(connectTimeout, late('did not accept a connection'), this.#entity.connect(service));
      const opening = this.#entity.open({ domain });
      const header = await this.#within(handshakeTimeout, late('did not open the stream'), opening);
      const { id } = header.attrs;
      // It closes now, and may say why first; Openfire 5 does not.
      if (!id) throw await this.#within(handshakeTimeout, domainRefused(domain), this.closed);
      const handshake = this.#entity.authenticate(id, secret);
      await this.#within(handshakeTimeout, late('did not answer the handshake'), handshake);
    } catch (error) {
      throw this.#end(error instanceof LinkProblem ? error : socketProblem(error as Error));
    }
  }

  /** Writes text, unless the stream has ended or is being closed. What becomes of it, only a ping tells. */
  write(text: string, encoding: 'utf8' | 'latin1' = 'utf8'): void {
    if (this.#socket?.writable) this.#socket.write(text, encoding);
  }

  /** Closes the stream in good order (RFC 6120 section 4.4), and the connection after `timeout` ms at the latest. */
  async close(timeout: number): Promise<void> {
    const ended = new LinkProblem('ended', 'The link was closed');
    if (this.#phase !== 'open') {
      this.#end(ended);
      return;
    }
    const timer = setTimeout(() => this.#end(ended), timeout);
    this.#socket?.end(this.#entity.footer());
    await this.closed;
    clearTimeout(timer);
  }

  /** Ends the stream at once. */
  end(problem: LinkProblem): void {
    this.#end(problem);
  }

  /** Ends the stream at once, as a crash would: with a TCP reset where that can be had. */
  reset(): void {
    const socket = this.#socket;
    if (socket !== undefined && !(socket instanceof tls.TLSSocket)) socket.resetAndDestroy();
    this.end(new LinkProblem('ended', 'The link was cut'));
  }

  /** The first problem is the cause, the later ones its consequences. */
  #end(problem: LinkProblem): LinkProblem {
    if (this.#problem === undefined) {
      this.#problem = problem;
      this.#socket?.destroy();
      // The entity may be waiting for something that cannot come any more.
      this.#entity.emit('error', problem);
      this.#ended(problem);
    }
    return this.#problem;
  }

  async #within<V>(ms: number, problem: LinkProblem, step: Promise<V>): Promise<V> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(reject, ms, problem);
    });
    const ended = this.closed.then((reason) => Promise.reject(reason));
    try {
      return await Promise.race([ended, step, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #guarded(): Component {
    const { service, domain, secret, limits, handshakeTimeout, connectTimeout } = this.#options;
    const entity = componentModule.component({ service, domain, password: secret });
    entity.reconnect.stop();
    entity.removeAllListeners();
    entity.on('error', () => {});
    // Only so that its timers end; ours come first.
    entity.timeout = Math.max(handshakeTimeout, connectTimeout) + 1_000;
    const { oversized } = this.#handlers;
    entity.Parser = class extends GuardedParser {
      constructor() {
        super(limits, oversized);
      }
    };
    const headerElement = entity.headerElement.bind(entity);
    entity.headerElement = () => {
      const header = headerElement();
      // Openfire then accepts several connections for one domain: else our own half-open predecessor locks us out.
      header.attrs.allowMultiple = 'true';
      return header;
    };
    entity.connect = async () => {
      const socket = this.#connectSocket();
      this.#socket = socket;
      entity._attachSocket(socket);
      await once(socket, socket instanceof tls.TLSSocket ? 'secureConnect' : 'connect');
    };
    entity._onData = (data) => this.#data(data);
    entity._onElement = (element) => this.#element(element);
    entity._onParserError = (error) => this.#unreadable(error);
    entity.on('open', (header: Element) => {
      this.#phase = header.attrs.id ? 'handshake' : 'refused';
    });
    entity.on('close', () => this.#closedByServer('stream'));
    return entity;
  }

  #connectSocket(): net.Socket {
    const { service, tlsCa, serverDomain } = this.#options;
    const { protocol, hostname, port } = new URL(service);
    // RFC 3986 writes an IPv6 address in brackets, sockets do not.
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    const secure = protocol === 'xmpps:';
    const to = { host, port: Number(port || (secure ? 5276 : 5275)), noDelay: true, keepAlive: true };
    const socket = secure
      ? tls.connect({
          ...to,
          ...(tlsCa !== undefined && { ca: tlsCa }),
          servername: net.isIP(host) ? serverDomain : host,
          checkServerIdentity: (_, certificate) =>
            // RFC 6120 section 13.7.2: a server's certificate is for its domain, whatever host it runs on.
            tls.checkServerIdentity(host, certificate) && tls.checkServerIdentity(serverDomain, certificate),
        })
      : net.connect(to);
    // Decoded here, a character that is split between two chunks stays whole.
    socket.setEncoding('utf8');
    socket.on('error', (error) => this.#end(socketProblem(error)));
    socket.on('end', () => this.#closedByServer('connection'));
    socket.on('close', () => this.#closedByServer('connection'));
    socket.on('drain', this.#handlers.drain);
    return socket;
  }

  #closedByServer(what: 'stream' | 'connection'): void {
    const { domain, service } = this.#options;
    if (this.#phase === 'refused') this.#end(domainRefused(domain));
    else if (this.#phase === 'connecting') this.#end(noHeader(service, service.startsWith('xmpps:')));
    else this.#end(new LinkProblem('closed', `The server closed the ${what}`));
  }

  #data(data: string): void {
    this.#heardAt = performance.now();
    if (this.#read === 0) setImmediate(() => this.#readOn());
    this.#read += data.length;
    if (this.#read >= MAX_READ) this.#socket?.pause();
    try {
      this.#entity.parser?.write(data);
    } catch (error) {
      this.#unreadable(error as Error);
    }
  }

  /** In the next turn. */
  #readOn(): void {
    this.#read = 0;
    if (this.#socket?.isPaused()) this.#socket.resume();
  }

  #unreadable(error: Error): void {
    // Before the header it is not XMPP at all: a TLS alert, for one.
    if (this.#phase === 'connecting') {
      this.#end(noHeader(this.#options.service, this.#options.service.startsWith('xmpps:')));
      return;
    }
    this.#end(new LinkProblem('unreadable', `What the server sent cannot be read: ${error.message}`));
  }

  #element(element: Element): void {
    const { name } = element;
    if (this.#phase === 'open' && (name === 'message' || name === 'iq' || name === 'presence')) {
      this.#handlers.stanza(element);
    } else if (element.is('error', NS_STREAM)) {
      const [condition] = element.getChildElements();
      const text = element.getChildText('text') ?? '';
      this.#end(streamError(condition?.getName() ?? 'undefined-condition', text, this.#options.domain));
    } else if (this.#phase === 'handshake' && name === 'handshake') {
      // Stanzas may follow in the same chunk, before the entity's promise gets its turn.
      this.#phase = 'open';
      this.#entity.emit('element', element);
    }
  }
}
