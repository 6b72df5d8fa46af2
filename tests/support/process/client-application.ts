import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Packed, pack } from './npm-package.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const PROGRAMS = path.join(ROOT, 'tests/fixtures/client-consumer');
const inModules = (...names: string[]) => path.join(ROOT, 'node_modules', ...names);

export const BUNDLERS = ['vite', 'esbuild'] as const;
export type Bundler = (typeof BUNDLERS)[number];

/** An application in a folder outside of the repository, which has the client library from its tarball. */
export class ClientApplication {
  private constructor(
    readonly folder: string,
    readonly packed: Packed,
  ) {}

  /**
   * Does as `npm install` with the tarball in an empty folder, but for what it depends on: that is taken from here, since a
   * test needs no registry. What the package does not name is not there. The programs of the fixture are there as well.
   */
  static async install(): Promise<ClientApplication> {
    const folder = await mkdtemp(path.join(tmpdir(), 'openfire-receipts-consumer-'));
    try {
      return ClientApplication.#into(folder);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  static #into(folder: string): ClientApplication {
    const application = new ClientApplication(folder, pack(folder, 'packages/client'));
    const to = application.path('node_modules/openfire-receipts-client');
    mkdirSync(to, { recursive: true });
    const tarball = application.path(application.packed.filename);
    execFileSync('tar', ['-xzf', tarball, '-C', to, '--strip-components=1']);
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(path.join(to, 'package.json'), 'utf8'));
    for (const name of [...Object.keys({ ...dependencies, ...peerDependencies }), '@types/node']) {
      mkdirSync(path.dirname(application.path('node_modules', name)), { recursive: true });
      symlinkSync(inModules(name), application.path('node_modules', name));
    }
    application.write('package.json', '{ "type": "module" }\n');
    cpSync(PROGRAMS, folder, { recursive: true });
    return application;
  }

  path(...names: string[]): string {
    return path.join(this.folder, ...names);
  }

  write(name: string, text: string): void {
    writeFileSync(this.path(name), text);
  }

  /**
   * Bundles a page with this script as docs/client.md tells to: Vite without configuration, esbuild with an alias.
   *
   * @returns the folder with its index.html
   */
  bundle(bundler: Bundler, script: string): string {
    const html = (source: string) =>
      `<!doctype html><title>Chat</title><script type="module" src="${source}"></script>\n`;
    const to = `${bundler}-${path.parse(script).name}`;
    if (bundler === 'vite') {
      this.write('index.html', html(`/${script}`));
      this.#run(inModules('vite/bin/vite.js'), ['build', '--outDir', to, '--logLevel', 'error']);
    } else {
      this.esbuild(script, ['--minify', '--format=esm', `--outfile=${to}/page.js`]);
      this.write(`${to}/index.html`, html('/page.js'));
    }
    return this.path(to);
  }

  /** @returns what it prints: the bundle, where no other place is named */
  esbuild(script: string, options: readonly string[]): string {
    const program = inModules('esbuild/bin/esbuild');
    const alias = '--alias:node:dns=data:text/javascript,export default {}';
    const all = [script, '--bundle', '--platform=browser', alias, '--log-level=error', ...options];
    // Its program is a binary where its own installation could put it in place, else a script.
    return execFileSync(program, all, { cwd: this.folder, encoding: 'utf8' });
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  #run(program: string, args: readonly string[]): void {
    // Neither jest's settings nor its environment are those of a build.
    const env = { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'production' };
    execFileSync(process.execPath, [program, ...args], {
      cwd: this.folder,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
}
