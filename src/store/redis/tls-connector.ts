import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { AbstractConnector, type Redis, SentinelConnector, type StandaloneConnectionOptions } from 'ioredis';

/**
 * Opens a connection with TLS as ioredis 6.0.0 does, which listens for the first error of a socket alone. With TLS there may be
 * another: one that is given up while both sides still shake hands (a node that is slow, whose certificate is not trusted, or that wants
 * one) is answered with an alert. Nobody would hear it, and the process would end.
 */
export class TlsConnector extends AbstractConnector {
  readonly #options: StandaloneConnectionOptions;

  constructor(options: unknown) {
    const own = options as StandaloneConnectionOptions;
    super(own.disconnectTimeout ?? 0);
    this.#options = own;
  }

  override async connect(): Promise<TLSSocket> {
    const { host, port, family, tls } = this.#options;
    this.connecting = true;
    await new Promise((resolve) => process.nextTick(resolve));
    if (!this.connecting) throw new Error('Connection is closed.');
    const socket = connect({ host, port, family, ...tls } as ConnectionOptions);
    this.stream = socket;
    socket.on('error', (error) => {
      this.firstError ??= error;
    });
    return socket;
  }
}

type ConnectToSentinel = (endpoint: object, options?: object) => Redis;

/** The same where sentinels tell the address: of the connection to the primary, and of those to sentinels. */
export class TlsSentinelConnector extends SentinelConnector {
  constructor(options: ConstructorParameters<typeof SentinelConnector>[0]) {
    super(options);
    // ioredis makes its connections to sentinels by a method that its types call private, and takes further options there.
    const own = this as unknown as { connectToSentinel: ConnectToSentinel };
    const connectToSentinel = own.connectToSentinel.bind(this);
    own.connectToSentinel = (endpoint, more) => connectToSentinel(endpoint, { ...more, Connector: TlsConnector });
  }

  override async connect(...args: Parameters<SentinelConnector['connect']>): ReturnType<SentinelConnector['connect']> {
    const stream = await super.connect(...args);
    // The first is kept by ioredis.
    stream.on('error', () => {});
    return stream;
  }
}
