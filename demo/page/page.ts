import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { createApp } from './app.ts';
import { buildPage } from './build.ts';
import { type Addressing, Servers } from './servers.ts';

export interface Page {
  readonly url: string;
  /** Ends it and all that it started. */
  close(): Promise<void>;
}

/** Seconds for what takes minutes and days outside of a demo; who has others in the environment wants those. */
const TIMES = {
  RETRY_SCHEDULE: '4s,4s,5s',
  MESSAGE_TTL: '30s',
  DEDUP_WINDOW: '1h',
  UNCONFIRMED_RETRY_AFTER: '3s',
  PROOF_GRACE: '1s',
} as const;

/**
 * Starts servers, builds the page and serves it on a free port of loopback.
 *
 * @param addressing by which address the two write to each other
 * @throws errors of the build, of what is started, and of `listen`; nothing is left behind then
 */
export async function openPage(addressing: Addressing): Promise<Page> {
  const settings = Object.entries(TIMES).map(([name, time]) => [name, process.env[name] ?? time]);
  const servers = new Servers(Object.fromEntries(settings), addressing);
  try {
    const starting = servers.start();
    const [assets] = await Promise.all([buildPage(), starting]).catch(async (error) => {
      await starting.catch(() => {});
      throw error;
    });
    const server = createAdaptorServer({ fetch: createApp(servers, assets, addressing).fetch }) as Server;
    server.listen({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    servers.allow([`http://127.0.0.1:${port}`, `http://localhost:${port}`]);
    const close = async () => {
      server.close();
      server.closeAllConnections();
      await servers.close();
    };
    return { url: `http://127.0.0.1:${port}/`, close };
  } catch (error) {
    await servers.close();
    throw error;
  }
}

/** Where nobody can open it, its address has been printed all the same. */
export function openInBrowser(url: string): void {
  const openers: Partial<Record<NodeJS.Platform, string>> = { darwin: 'open', win32: 'explorer' };
  const opener = spawn(openers[process.platform] ?? 'xdg-open', [url], { stdio: 'ignore', detached: true });
  opener.on('error', () => {});
  opener.unref();
}
