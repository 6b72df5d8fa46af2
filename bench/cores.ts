import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Which of this machine's cores a process may use, as Linux's taskset(1) takes them. */
export interface Cores {
  /** For a server and its clients. */
  readonly server: string;
  /** For all that stands beside it. */
  readonly beside: string;
  readonly all: string;
}

/** The first half for the server, the rest for what stands beside it: each has as many as without the other. */
export function halves(count = availableParallelism()): Cores {
  if (count < 2) throw new Error('There is one core only');
  const half = Math.floor(count / 2);
  return { server: `0-${half - 1}`, beside: `${half}-${count - 1}`, all: `0-${count - 1}` };
}

/** Has all threads of a process, and what it starts later, use these cores only. */
export function confine(pid: number, cores: string): void {
  const { status, error, stderr } = spawnSync('taskset', ['-a', '-c', '-p', cores, String(pid)], { encoding: 'utf8' });
  if (error !== undefined) throw new Error('There is no taskset (of the package util-linux) here', { cause: error });
  if (status !== 0) throw new Error(`Process ${pid} cannot be confined to the cores ${cores}: ${stderr.trim()}`);
}
