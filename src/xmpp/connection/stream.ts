import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Element } from '@xmpp/xml';
import { NS } from '../stanza/namespaces.ts';
import { Entity } from './component-library.ts';
import { GuardedParser, type OversizedStanza, type ParserLimits } from './guarded-parser.ts';
import { domainRefused, LinkProblem, noHeader, socketProblem, streamError } from './link-problem.ts';
import { bytesOf, OctetDecoder } from './octet-decoder.ts';
import { ReadPacer } from './read-pacer.ts';
import { connectSocket, isSecure, type SocketOptions } from './socket.ts';

/** What a gate tells is wanted to the last element. */
const WHOLE: ReadonlySet<string | undefined> = new Set([NS.gate]);
const NS_STREAM = 'http://etherx.jabber.org/streams';

export interface StreamOptions extends SocketOptions {
  readonly domain: string;
  readonly secret: string;
  /** ms */
  readonly connectTimeout: number;
  /** ms; for the header and the handshake each. */
  readonly handshakeTimeout: number;
  readonly limits: ParserLimits;
  /** Not to be let in beside another connection of the domain, where the server has a choice (Openfire). */
  readonly alone?: boolean;
}

export interface StreamHandlers {
  readonly stanza: (element: Element) => void;
  readonly oversized: (oversized: OversizedStanza) => void;
  /** What was written has gone to the kernel. */
  readonly drain: () => void;
}

/**
 * One stream to the server, from connecting to its end (XEP-0114). The library writes the header and the handshake
 * ({@link Entity}); each phase has a time limit of ours. However the stream ends, {@link Stream.closed} says why, and
 * nothing is thrown but by {@link Stream.connect}.
 */
export class Stream {
  /** Resolves when the stream has ended, however it did. */
  readonly closed: Promise<LinkProblem>;
  readonly #options: StreamOptions;
  readonly #handlers: StreamHandlers;
  readonly #entity: Entity;
  #socket: Socket | undefined;
  #problem: LinkProblem | undefined;
  #phase: 'connecting' | 'refused' | 'handshake' | 'open' = 'connecting';
  #ended!: (problem: LinkProblem) => void;
  #heardAt = 0;
  readonly #decoder = new OctetDecoder();
  readonly #readPacer = new ReadPacer(
    () => this.#socket,
    (text) => this.#parse(text),
  );

  /** @throws {UnsupportedLibraryError} when the library is of a version that cannot be used */
  constructor(options: StreamOptions, handlers: StreamHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.closed = new Promise((resolve) => {
      this.#ended = resolve;
    });
    this.#entity = this.#createEntity();
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
      await this.#within(connectTimeout, late('did not accept a connection'), this.#connectSocket());
      const opening = this.#entity.open(domain);
      const header = await this.#within(handshakeTimeout, late('did not open the stream'), opening);
      const { id } = header.attrs;
      // It closes now, and may say why first; Openfire 5 does not.
      if (!id) throw await this.#within(handshakeTimeout, domainRefused(domain), this.closed);
      // The end may have come in one piece with the header: the library would begin a wait that nobody ends.
      if (this.#problem !== undefined) throw this.#problem;
      const handshake = this.#entity.authenticate(id, secret);
      await this.#within(handshakeTimeout, late('did not answer the handshake'), handshake);
    } catch (error) {
      throw this.#end(error instanceof LinkProblem ? error : socketProblem(error as Error));
    }
  }

  /** Writes octets, unless the stream has ended or is being closed. What becomes of them, only a ping tells. */
  write(octets: string): void {
    if (this.#socket?.writable) this.#socket.write(bytesOf(octets));
  }

  /** Closes the stream in good order (RFC 6120 section 4.4), and the connection after `timeout` ms at the latest. */
  async close(timeout: number): Promise<void> {
    const ended = new LinkProblem('ended', 'The link was closed');
    if (this.#phase !== 'open') {
      this.#end(ended);
      return;
    }
    const timer = setTimeout(() => this.#end(ended), timeout);
    this.#socket?.end(this.#entity.footer);
    await this.closed;
    clearTimeout(timer);
  }

  /** Ends the stream at once. */
  end(problem: LinkProblem): void {
    this.#end(problem);
  }

  /** Reads nothing for `ms`. */
  rest(ms: number): void {
    this.#readPacer.rest(ms);
  }

  /** Ends the stream at once, as a crash would: with a TCP reset where that can be had. */
  reset(): void {
    const socket = this.#socket;
    if (socket !== undefined && !(socket instanceof TLSSocket)) socket.resetAndDestroy();
    this.end(new LinkProblem('ended', 'The link was cut'));
  }

  /** The first problem is the cause, the later ones its consequences. */
  #end(problem: LinkProblem): LinkProblem {
    if (this.#problem === undefined) {
      this.#problem = problem;
      this.#readPacer.clear();
      this.#socket?.destroy();
      // The entity may be waiting for something that cannot come any more.
      this.#entity.abort(problem);
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

  #createEntity(): Entity {
    const { service, domain, secret, limits, handshakeTimeout, connectTimeout, alone } = this.#options;
    // The library's own limit, which must not come before ours.
    const timeout = Math.max(handshakeTimeout, connectTimeout) + 1_000;
    const { oversized } = this.#handlers;
    const Parser = class extends GuardedParser {
      constructor() {
        super(limits, oversized, WHOLE);
      }
    };
    return new Entity(
      { service, domain, secret, timeout, Parser, alone },
      {
        data: (bytes) => this.#data(bytes),
        element: (element) => this.#element(element),
        unreadable: (error) => this.#unreadable(error),
        header: (header) => {
          this.#phase = header.attrs.id ? 'handshake' : 'refused';
        },
        closed: () => this.#closedByServer('stream'),
      },
    );
  }

  async #connectSocket(): Promise<void> {
    const socket = connectSocket(this.#options);
    this.#socket = socket;
    socket.on('error', (error) => {
      this.#readPacer.finish();
      this.#end(socketProblem(error));
    });
    socket.on('end', () => this.#closedByServer('connection'));
    socket.on('close', () => this.#closedByServer('connection'));
    socket.on('drain', this.#handlers.drain);
    await this.#entity.attach(socket);
  }

  #closedByServer(what: 'stream' | 'connection'): void {
    const { domain, service } = this.#options;
    if (what === 'connection') this.#readPacer.finish();
    if (this.#phase === 'refused') this.#end(domainRefused(domain));
    else if (this.#phase === 'connecting') this.#end(noHeader(service, isSecure(service)));
    else this.#end(new LinkProblem('closed', `The server closed the ${what}`));
  }

  #data(bytes: Buffer): void {
    this.#heardAt = performance.now();
    this.#readPacer.read(this.#decoder.write(bytes));
  }

  #parse(text: string): void {
    try {
      this.#entity.parse(text);
    } catch (error) {
      this.#unreadable(error as Error);
    }
  }

  #unreadable(error: Error): void {
    // Before the header it is not XMPP at all: a TLS alert, for one.
    if (this.#phase === 'connecting') {
      this.#end(noHeader(this.#options.service, isSecure(this.#options.service)));
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
      this.#entity.handshakeAnswered(element);
    }
  }
}
