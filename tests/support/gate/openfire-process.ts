import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** The process that serves this home (Linux); undefined when none does. */
export function openfireOf(home: string): number | undefined {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const options = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      if (options.includes(`-DopenfireHome=${home}`)) return Number(name);
    } catch {
      // It has ended.
    }
  }
  return undefined;
}

/** Ends it as a power failure does, or in order. Resolves when it is gone. */
export async function killOpenfire(home: string, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
  const pid = openfireOf(home);
  if (pid === undefined) throw new Error(`No process has -DopenfireHome=${home}`);
  process.kill(pid, signal);
  while (openfireOf(home) !== undefined) await delay(50);
}

/** Runs a shell command that starts it and ends when it listens. */
export function startOpenfire(command: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', command], { stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))));
  });
}
