import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { until } from '../time/until.ts';
import { opened } from './opened.ts';
import { endWithUs, removeFolder, temporaryFolder } from './temporary.ts';

/** What every server that we start for a while can be made to do. */
export interface TemporaryServer {
  /** Of the process that runs now. */
  readonly pid: number;
  /** Its output. */
  readonly logFile: string;
  /** Ends it at once and removes its folder. */
  stop(): Promise<void>;
  /** SIGKILL; what it wrote stays for `restart`. */
  kill(): Promise<void>;
  /** Ends it in order if it runs, and starts it on the same ports and data. */
  restart(): Promise<void>;
  /** SIGSTOP: its connections stay, and it answers nothing. */
  freeze(): void;
  thaw(): void;
}

interface Recipe {
  /** Names the folder. */
  readonly name: string;
  readonly program: string;
  /** Which folder to use (and leave); otherwise a temporary one. */
  readonly folder?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
  /** Writes what the server needs into the folder, once; returns the program's arguments. */
  prepare(folder: string): Promise<string[]>;
  isReady(): Promise<boolean>;
}

/** Where a program is, also in the places that are not on everybody's PATH. */
export function findProgram(name: string): string | undefined {
  const places = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/local/bin', '/usr/sbin', '/usr/local/sbin'];
  return places.map((place) => path.join(place, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export async function startServer(recipe: Recipe): Promise<TemporaryServer> {
  const program = findProgram(recipe.program);
  if (program === undefined) throw new Error(`${recipe.program} is not installed; node tools/setup.mjs installs it`);
  const folder = recipe.folder ?? (await temporaryFolder(recipe.name));
  const server = new Server(recipe, program, folder, await recipe.prepare(folder));
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class Server implements TemporaryServer {
  readonly logFile: string;
  readonly #closed: () => void;
  #child: ChildProcess | undefined;
  #watch: { release(): void } | undefined;

  constructor(
    readonly recipe: Recipe,
    readonly program: string,
    readonly folder: string,
    readonly args: string[],
  ) {
    this.logFile = path.join(folder, `${recipe.name}.out`);
    this.#closed = opened(recipe.name, () => this.stop());
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`${this.recipe.name} does not run`);
    return this.#child.pid;
  }

  async start(): Promise<void> {
    const log = openSync(this.logFile, 'a');
    const child = spawn(this.program, this.args, {
      cwd: this.folder,
      env: { ...process.env, ...this.recipe.env },
      stdio: ['ignore', log, log],
      // A group of its own: Ctrl-C is ours to act on, and what it starts itself ends with it.
      detached: true,
    });
    closeSync(log);
    // Fails if there is nothing to run, unlike what the child does later.
    await once(child, 'spawn');
    child.unref();
    this.#child = child;
    this.#watch?.release();
    this.#watch = endWithUs(child.pid as number, this.#ownFolder);
    const ready = async () => {
      if (hasEnded(child)) throw new Error(`${this.recipe.name} ended at its start:\n${this.#lastWords()}`);
      return this.recipe.isReady();
    };
    await until(ready, { what: `${this.recipe.name} to be ready` });
  }

  async stop(): Promise<void> {
    await this.#end('SIGKILL');
    this.#closed();
    this.#watch?.release();
    if (this.#ownFolder !== undefined) await removeFolder(this.#ownFolder);
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.#end('SIGTERM');
    await this.start();
  }

  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    if (!hasEnded(child)) {
      const exit = once(child, 'exit');
      // What it has started itself must write no more into the folder that goes next, or is used again.
      process.kill(signal === 'SIGKILL' ? -(child.pid as number) : (child.pid as number), signal);
      if (signal === 'SIGTERM') process.kill(child.pid as number, 'SIGCONT');
      const tooLate = setTimeout(() => child.kill('SIGKILL'), 8000);
      await exit;
      clearTimeout(tooLate);
    }
    this.#watch?.release();
    this.#watch = endWithUs(undefined, this.#ownFolder);
  }

  get #ownFolder(): string | undefined {
    return this.recipe.folder === undefined ? this.folder : undefined;
  }

  #lastWords(): string {
    return readFileSync(this.logFile, 'utf8').split('\n').slice(-20).join('\n');
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
