import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { AbstractConnector, type StandaloneConnectionOptions } from 'ioredis';

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
