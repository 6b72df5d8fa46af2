import { readdir, readFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { opened } from '../process/opened.ts';
import { freePort } from '../process/ports.ts';
import { findProgram, startServer, type TemporaryServer } from '../process/temporary-server.ts';
import type { Account, Application } from './application.ts';

/** Debian's; undefined where there is none. */
export const chromiumProgram = findProgram('chromium');

const OPTIONS = [
  '--headless',
  '--no-first-run',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
];

type Methods = {
  [K in keyof Application]: Application[K] extends (...args: never[]) => unknown ? K : never;
}[keyof Application];

/** A real browser with a profile on the disk, and a web server with the application's page. */
export class TestBrowser {
  #browser: Browser | undefined;
  readonly #closed = opened('a web site', () => this.#closeSite());

  private constructor(
    readonly process: TemporaryServer,
    readonly port: number,
    readonly site: http.Server,
  ) {}

  /** @param page its script, a module, by default the application's; or the folder of a page that a bundler has built */
  static async start(page?: string | { readonly built: string }): Promise<TestBrowser> {
    const files = typeof page === 'object' ? builtFiles(page.built) : bundledFiles(page);
    const [site, port] = await Promise.all([files.then(startSite), freePort()]);
    const process = await startServer({
      name: 'chromium',
      program: 'chromium',
      prepare: async (folder) => [
        ...OPTIONS,
        // Its sandbox wants more than a test is given in a container; it sees nothing but our own page.
        '--no-sandbox',
        `--remote-debugging-port=${port}`,
        `--user-data-dir=${path.join(folder, 'profile')}`,
        'about:blank',
      ],
      isReady: () =>
        fetch(`http://127.0.0.1:${port}/json/version`).then(
          ({ ok }) => ok,
          () => false,
        ),
    });
    const browser = new TestBrowser(process, port, site);
    await browser.#connect();
    return browser;
  }

  /**
   * Opens the application.
   *
   * @param origin tabs of the same one share their IndexedDB
   * @param before runs in the page before its own script
   * @param hash after the page's address
   */
  async open(origin: string, before?: () => void, hash = ''): Promise<Tab> {
    const page = await this.#browser?.contexts()[0]?.newPage();
    if (page === undefined) throw new Error('There is no browser');
    if (before !== undefined) await page.addInitScript(before);
    // Names below localhost are loopback (RFC 6761 section 6.3).
    await page.goto(`http://${origin}.localhost:${(this.site.address() as AddressInfo).port}/${hash}`);
    return new Tab(page);
  }

  /** Kills the whole browser, and starts it again on the same profile. */
  async killAndRestart(): Promise<void> {
    await this.process.kill();
    await this.process.restart();
    await this.#connect();
  }

  async close(): Promise<void> {
    await this.#browser?.close();
    await this.process.stop();
    await this.#closeSite();
    this.#closed();
  }

  async #closeSite(): Promise<void> {
    this.site.closeAllConnections();
    await new Promise((resolve) => this.site.close(resolve));
  }

  async #connect(): Promise<void> {
    this.#browser = await chromium.connectOverCDP(`http://127.0.0.1:${this.port}`);
  }
}

export class Tab {
  constructor(readonly page: Page) {}

  /** Calls a method of the page's application. */
  call<K extends Methods>(
    method: K,
    ...args: Parameters<Application[K]>
  ): Promise<Awaited<ReturnType<Application[K]>>> {
    return this.page.evaluate(
      ([name, values]) => {
        const { application } = globalThis as unknown as { application: Record<string, (...all: unknown[]) => never> };
        return application[name]!(...values);
      },
      [method, args] as [string, unknown[]],
    );
  }

  read<K extends 'shown' | 'problems' | 'written'>(field: K): Promise<Application[K]> {
    return this.page.evaluate(
      (name) => (globalThis as unknown as { application: Application }).application[name],
      field as 'shown' | 'problems' | 'written',
    ) as Promise<Application[K]>;
  }

  async login(account: Account, options: Parameters<Application['prepare']>[1] = {}): Promise<void> {
    await this.call('prepare', account, options);
    await this.call('login');
  }

  /**
   * No script of the page goes on, as in a tab that the browser froze, while its connections stay. Resolves with what
   * thaws it, when something was about to run.
   */
  async freeze(): Promise<() => Promise<void>> {
    const session = await this.page.context().newCDPSession(this.page);
    const frozen = new Promise((resolve) => session.once('Debugger.paused', resolve));
    await session.send('Debugger.enable');
    await session.send('Debugger.pause');
    return async () => {
      await frozen;
      await session.send('Debugger.resume');
      await session.detach();
    };
  }

  /** Its process dies; no handler of the page runs. */
  async crash(): Promise<void> {
    const crashed = new Promise((resolve) => this.page.once('crash', resolve));
    const session = await this.page.context().newCDPSession(this.page);
    // Nobody is left to answer.
    session.send('Page.crash').catch(() => {});
    await crashed;
    await this.page.close();
  }
}

/** What a site has, by its path. */
type Files = ReadonlyMap<string, string>;

async function bundledFiles(entry?: string): Promise<Files> {
  const { outputFiles } = await build({
    entryPoints: [entry ?? path.join(import.meta.dirname, 'application.ts')],
    bundle: true,
    write: false,
    format: entry === undefined ? 'iife' : 'esm',
    platform: 'browser',
    // What docs/client.md tells to do.
    alias: { 'node:dns': 'data:text/javascript,export default {}' },
    target: 'es2022',
    logLevel: 'silent',
  });
  const type = entry === undefined ? '' : ' type="module"';
  return new Map([
    ['/', `<!doctype html><title>Chat</title><body><script${type} src="/application.js"></script>`],
    ['/application.js', outputFiles[0]?.text ?? ''],
  ]);
}

async function builtFiles(folder: string): Promise<Files> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(
      names.map(async (name): Promise<[string, string]> => {
        const url = `/${path.relative(folder, name)}`;
        return [url === '/index.html' ? '/' : url, await readFile(name, 'utf8')];
      }),
    ),
  );
}

/** Answers with its page where it has no such file. */
async function startSite(files: Files): Promise<http.Server> {
  const site = http.createServer(({ url = '' }, response) => {
    const type = url.endsWith('.js') && files.has(url) ? 'javascript' : 'html';
    response.setHeader('content-type', `text/${type}; charset=utf-8`);
    response.end(files.get(url) ?? files.get('/'));
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  return site;
}
