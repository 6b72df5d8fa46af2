import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/**
 * Half of this machine's cores for a server and its clients, which are this process, and half for what stands beside it: then a
 * rate shows what the server loses, and not what all processes compute together for a message.
 */
export class SeparateCores {
  readonly #server: string;
  readonly #beside: string;
  readonly #all: string;
  readonly #served = new Set<number>();

  constructor(count = availableParallelism()) {
    if (count < 2) throw new Error('There is one core only');
    const half = Math.floor(count / 2);
    this.#server = `0-${half - 1}`;
    this.#beside = `${half}-${count - 1}`;
    this.#all = `0-${count - 1}`;
    confine(process.pid, this.#server);
  }

  server(pid: number): void {
    this.#served.add(pid);
    confine(pid, this.#server);
  }

  beside(pid: number): void {
    confine(pid, this.#beside);
  }

  /** The server may live on. */
  end(): void {
    for (const pid of this.#served) confine(pid, this.#all);
  }
}

/** How often it is tried: taskset gives up when one of the threads that it has found ends meanwhile. */
const TRIES = 5;

/** Has all threads of a process, and what it starts later, use these cores only. */
function confine(pid: number, cores: string): void {
  let why = '';
  for (let tries = 0; tries < TRIES; tries += 1) {
    const { status, error, stderr } = spawnSync('taskset', ['-a', '-c', '-p', cores, String(pid)], {
      encoding: 'utf8',
    });
    if (error !== undefined) throw new Error('There is no taskset (of the package util-linux) here', { cause: error });
    if (status === 0) return;
    why = stderr.trim();
  }
  throw new Error(`Process ${pid} cannot be confined to the cores ${cores}: ${why}`);
}
