import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { endWithUs } from './temp.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** The proxy as an operator runs it: a process of its own, with nothing but its environment. */
export class ProxyProcess {
  readonly #child: ChildProcess;
  #output = '';
  #waiting: (() => void)[] = [];
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  /** @param how `npm`: built and started as the README has it */
  constructor(environment: Record<string, string>, how: 'source' | 'npm' = 'source') {
    const [program, args] =
      how === 'npm' ? ['npm', ['start']] : [process.execPath, ['--import', 'tsx', path.join(ROOT, 'src/main.ts')]];
    this.#child = spawn(program, args, {
      // Where no .env is, if that may be: what a developer has there is not what is tested.
      cwd: how === 'npm' ? ROOT : path.join(ROOT, 'tests'),
      env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const watch = endWithUs(this.#child.pid, undefined);
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
        resolve({ code, signal });
        for (const look of this.#waiting.splice(0)) look();
      });
    });
  }

  /** All that it has printed. */
  get output(): string {
    return this.#output;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when it has printed this. Rejects when it ends without. */
  async prints(text: string): Promise<void> {
    while (!this.#output.includes(text)) {
      if (!this.running) throw new Error(`It ended without printing ${JSON.stringify(text)}:\n${this.#output}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  signal(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    this.#child.kill(signal);
    return this.exited;
  }
}
