import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { opened } from '../process/opened.ts';
import { endWithUs } from '../process/temporary.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');

const WAYS = {
  source: [process.execPath, '--import', 'tsx', path.join(ROOT, 'src/main.ts')],
  built: [process.execPath, path.join(ROOT, 'dist/main.js')],
  npm: ['npm', 'start'],
};

/** What dist/ is made of, for tools/build.mjs. */
const SOURCES = ['src', 'packages/protocol'];
const SETTINGS = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];

/** Whether dist/ is what tools/build.mjs would make of the sources: `npm test` has it make it. */
function isBuilt(): boolean {
  const time = (name: string) => statSync(path.join(ROOT, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const built = time('dist/.built');
  const all = (folder: string) => readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  // A folder's time tells of files that are gone.
  const files = SOURCES.flatMap((folder) => [folder, ...all(folder).map((name) => path.join(folder, name))]);
  return [...SETTINGS, ...files].every((name) => time(name) < built);
}

/** The proxy as an operator runs it: a process of its own, with nothing but its environment. */
export class ProxyProcess {
  readonly #child: ChildProcess;
  #output = '';
  #waiting: (() => void)[] = [];
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  /**
   * @param how `npm`: built and started as the README has it; `built`: from dist/, which is there (tools/build.mjs);
   *   `source`: compiled while it starts, which takes twice as long. By default the quicker one that can be had. Or a
   *   program of one's own, with its arguments
   */
  constructor(
    environment: Record<string, string>,
    how: keyof typeof WAYS | readonly [string, ...string[]] = isBuilt() ? 'built' : 'source',
  ) {
    const [program, ...args] = typeof how === 'string' ? (WAYS[how] as [string, ...string[]]) : how;
    this.#child = spawn(program, args, {
      // Where no .env is, if that may be: what a developer has there is not what is tested.
      cwd: how === 'npm' ? ROOT : path.join(ROOT, 'tests'),
      env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const watch = endWithUs(this.#child.pid, undefined);
    const closed = opened('a proxy’s process', () => this.signal('SIGKILL'));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8');
      stream?.on('data', (text: string) => {
        this.#output += text;
        for (const look of this.#waiting.splice(0)) look();
      });
    }
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        watch.release();
        closed();
        resolve({ code, signal });
        for (const look of this.#waiting.splice(0)) look();
      });
    });
  }

  /** All that it has printed. */
  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when it has printed this. Rejects when it ends without, or does not within so many ms. */
  async prints(text: string, within = 60_000): Promise<void> {
    const printed = () => {
      if (this.#output.includes(text)) return true;
      if (!this.running) throw new Error(`It ended without printing ${JSON.stringify(text)}:\n${this.#output}`);
      return false;
    };
    const deadline = Date.now() + within;
    while (!printed()) {
      const left = deadline - Date.now();
      if (left <= 0) {
        throw new Error(`It did not print ${JSON.stringify(text)} within ${within} ms:\n${this.#output}`);
      }
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        timer = setTimeout(resolve, left);
        this.#waiting.push(resolve);
      });
      clearTimeout(timer);
    }
  }

  signal(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    this.#child.kill(signal);
    return this.exited;
  }
}
