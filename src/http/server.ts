import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { createApp, type HttpOptions } from './app.ts';

export interface HttpServer {
  /** As one would type it on this machine. */
  readonly url: string;
  readonly port: number;
  /** Takes nothing more, waits a little for what is in hand, then ends all connections. Idempotent. */
  close(): Promise<void>;
}

/** How long answers that are under way may take when the server closes, ms. */
const GRACE = 500;

/**
 * Serves the dashboard, health and metrics.
 *
 * @throws errors of `listen`, such as EADDRINUSE; or when the dashboard would be open to others than this machine
 */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const { host, port: wanted } = options.config;
  const server = createAdaptorServer({ fetch: createApp(options).fetch }) as Server;
  server.listen({ host, port: wanted });
  // Rejects with the error, if there is one first.
  await once(server, 'listening');
  const { address, port } = server.address() as AddressInfo;
  const url = `http://${reachable(address)}:${port}`;
  options.log.info({ url }, `Dashboard on ${url}/queues`);
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
