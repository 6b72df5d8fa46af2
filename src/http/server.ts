import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { createRoutes, type HttpOptions } from './routes.ts';

export interface HttpServer {
  /** As one would type it on this machine. */
  readonly url: string;
  readonly port: number;
  /** Takes nothing more, waits a little for what is in hand, then ends all connections. Idempotent. */
  close(): Promise<void>;
}

/** How long answers that are under way may take when the server closes, ms. */
const GRACE = 500;

/** The address cannot be had; what to set is in the message. */
export class ListenError extends Error {
  constructor({ host, port }: { readonly host: string; readonly port: number }, cause: NodeJS.ErrnoException) {
    super(listenProblem(host, port, cause.code ?? ''), { cause });
    this.name = 'ListenError';
  }
}

function listenProblem(host: string, port: number, code: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return `HTTP_PORT: port ${port} of ${host} is taken by another program, maybe another proxy. End that, or set another port`;
    case 'EACCES':
      return `HTTP_PORT: this user may not listen on port ${port} (EACCES). Set one above 1023`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `HTTP_HOST: ${host} is no address of this machine (${code}). Set one of its own, or 0.0.0.0 for all`;
    default:
      return `HTTP_HOST, HTTP_PORT: cannot listen on ${host}, port ${port} (${code})`;
  }
}

/**
 * Serves the dashboard, health and metrics.
 *
 * @throws {ListenError} when the address cannot be had; or when the dashboard would be open to others than this machine
 */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const { host, port: wanted } = options.config;
  const server = createAdaptorServer({ fetch: createRoutes(options).fetch }) as Server;
  server.listen({ host, port: wanted });
  // Rejects with the error, if there is one first.
  await once(server, 'listening').catch((error) => {
    throw new ListenError(options.config, error);
  });
  const { address, port } = server.address() as AddressInfo;
  const url = `http://${reachable(address)}:${port}`;
  options.log.info({ url }, `The console is on ${url}/`);
  let closing: Promise<void> | undefined;
  return {
    url,
    port,
    close: () => {
      closing ??= close(server);
      return closing;
    },
  };
}

/** An address that can be typed: "all addresses" cannot. */
function reachable(address: string): string {
  if (address === '0.0.0.0' || address === '::') return 'localhost';
  return address.includes(':') ? `[${address}]` : address;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  // Ends idle connections too.
  server.close();
  const timer = setTimeout(() => server.closeAllConnections(), GRACE);
  await closed;
  clearTimeout(timer);
}
