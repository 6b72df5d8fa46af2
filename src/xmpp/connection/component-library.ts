import { once } from 'node:events';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import componentModule, { type Component } from '@xmpp/component';
import xml, { type Element, type Parser } from '@xmpp/xml';

/**
 * The only file that touches members of @xmpp/component and @xmpp/xml that their documentation does not promise. Each is
 * listed here with what it is used for, and checked when an entity is made: a version that lacks one is refused by
 * {@link UnsupportedLibraryError}, since a link without it would run and lose stanzas.
 */
const ENTITY_MEMBERS = {
  reconnect: ['object', 'is stopped, since the link reconnects by itself, with a backoff, and asks first what to send'],
  timeout: ['number', 'is raised above our own time limits, so that those end a wait and say what was late'],
  Parser: ['function', 'is replaced by a parser that limits the size and the depth of a stanza'],
  parser: ['object', 'takes the text; its faults are caught there, where the phase of the stream is known'],
  headerElement: ['function', 'is wrapped, to add allowMultiple to the stream header'],
  _attachSocket: [
    'function',
    'takes a socket of our own making: TLS from the start, keep-alive, a checked certificate',
  ],
  _onData: ['function', 'is replaced, to bound what is read in one turn of the event loop'],
  _onElement: [
    'function',
    'is replaced, since its listeners parse both addresses of a stanza and throw at an invalid one',
  ],
  _onParserError: ['function', 'is replaced, since the library answers with an error and disconnects by itself'],
  open: ['function', 'writes the stream header and waits for the answer'],
  authenticate: ['function', 'writes the handshake and waits for the answer'],
  footer: ['function', 'gives the text that closes the stream'],
  removeAllListeners: ['function', 'takes the middleware and the automatic handshake off'],
  on: ['function', 'tells of the header (open) and of the end (close) of the stream'],
  emit: ['function', 'ends a wait of the library: with an error, or with the answer to the handshake'],
} as const satisfies Record<string, readonly [type: string, why: string]>;

/** As {@link ENTITY_MEMBERS}, of the parser that ours extends. */
const PARSER_MEMBERS = {
  root: ['object', 'is the stream, whose namespaces stanzas inherit'],
  write: ['function', 'is overridden, to read the stream with limits'],
} as const satisfies Record<string, readonly [type: string, why: string]>;

/** The installed version of the library lacks something that the link cannot do without. */
export class UnsupportedLibraryError extends Error {
  /** @param what how a person would name it: `Component.parser` */
  constructor(library: string, what: string, why: string, version: string = installedVersion(library)) {
    super(
      `${library} ${version} does not suit: ${what} is missing or has changed; it ${why}. Install what package-lock.json has`,
    );
    this.name = 'UnsupportedLibraryError';
  }
}

function installedVersion(library: string): string {
  try {
    return (createRequire(import.meta.url)(`${library}/package.json`) as { version: string }).version;
  } catch {
    return '(of an unknown version)';
  }
}

function check(
  library: string,
  name: string,
  object: object,
  members: Record<string, readonly [string, string]>,
): void {
  for (const [member, [type, why]] of Object.entries(members)) {
    // An object may be null before there is one.
    if (!(member in object) || typeof Reflect.get(object, member) !== type) {
      throw new UnsupportedLibraryError(library, `${name}.${member}`, why);
    }
  }
}

/** @throws {UnsupportedLibraryError} when a member that the link uses is missing, or is of another type */
function checkEntity(entity: object): void {
  check('@xmpp/component', 'Component', entity, ENTITY_MEMBERS);
  check('@xmpp/component', 'Component.reconnect', Reflect.get(entity, 'reconnect') as object, {
    stop: ['function', ENTITY_MEMBERS.reconnect[1]],
  });
}

/** @throws {UnsupportedLibraryError} as {@link checkEntity} */
export function checkParser(parser: object): void {
  check('@xmpp/xml', 'Parser', parser, PARSER_MEMBERS);
}

export interface EntityOptions {
  readonly service: string;
  readonly domain: string;
  readonly secret: string;
  /** ms; longer than whatever its caller waits. */
  readonly timeout: number;
  readonly Parser: new () => Parser;
  /** Not to be let in beside another connection of the domain. */
  readonly alone?: boolean | undefined;
}

export interface EntityHandlers {
  readonly data: (bytes: Buffer) => void;
  readonly element: (element: Element) => void;
  /** What came is no stream of XML elements. */
  readonly unreadable: (error: Error) => void;
  /** The server's stream header is here. */
  readonly header: (header: Element) => void;
  /** The server has closed its stream. */
  readonly closed: () => void;
}

/** The entity of @xmpp/component, with all that it would do by itself taken off. It writes the header and the handshake. */
export class Entity {
  readonly #entity: Component;

  /** @throws {UnsupportedLibraryError} */
  constructor(
    options: EntityOptions,
    handlers: EntityHandlers,
    create: (options: { service: string; domain: string; password: string }) => Component = componentModule.component,
  ) {
    const { service, domain, secret, timeout, Parser, alone = false } = options;
    const entity = create({ service, domain, password: secret });
    checkEntity(entity);
    checkParser(new xml.Parser());
    entity.reconnect.stop();
    entity.removeAllListeners();
    entity.on('error', () => {});
    entity.timeout = timeout;
    entity.Parser = Parser;
    const headerElement = entity.headerElement.bind(entity);
    entity.headerElement = () => {
      const header = headerElement();
      // Openfire then accepts several connections for one domain: else our own half-open predecessor locks us out.
      if (!alone) header.attrs.allowMultiple = 'true';
      return header;
    };
    entity._onData = handlers.data;
    entity._onElement = handlers.element;
    entity._onParserError = handlers.unreadable;
    entity.on('open', handlers.header);
    entity.on('close', handlers.closed);
    this.#entity = entity;
  }

  /** Takes a socket that is being connected; resolves when it is. */
  async attach(socket: Socket): Promise<void> {
    this.#entity._attachSocket(socket);
    await once(socket, socket instanceof TLSSocket ? 'secureConnect' : 'connect');
  }

  /** Writes our stream header; resolves to the server's. */
  open(domain: string): Promise<Element> {
    return this.#entity.open({ domain });
  }

  /** Writes the handshake (XEP-0114); resolves when {@link handshakeAnswered} was called. */
  authenticate(streamId: string, secret: string): Promise<void> {
    return this.#entity.authenticate(streamId, secret);
  }

  handshakeAnswered(element: Element): void {
    this.#entity.emit('element', element);
  }

  /** @throws what the parser throws */
  parse(text: string): void {
    this.#entity.parser?.write(text);
  }

  /** The text that closes our stream. */
  get footer(): string {
    return this.#entity.footer();
  }

  /** Ends whatever wait of the library there is. */
  abort(problem: Error): void {
    this.#entity.emit('error', problem);
  }
}
