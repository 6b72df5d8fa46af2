import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** A folder of one's own; under `openfire-receipts-` in the system's folder for such. */
export function temporaryFolder(name: string): Promise<string> {
  return mkdtemp(path.join(os.tmpdir(), `openfire-receipts-${name}-`));
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
}

// Blocks until its input ends, which it does when the process at its other end does, however that comes about.
const WATCH = 'read -r _; [ -z "$1" ] || kill -KILL "-$1"; [ -z "$2" ] || rm -rf "$2"';

/**
 * Sees to it that a group of processes ends, and a folder goes, when this process does: by itself, by Ctrl-C, or
 * killed. (Handlers of this process's exit would miss the last, and jest's sandbox never calls them.)
 */
export function endWithUs(group: number | undefined, folder: string | undefined): { release(): void } {
  const watchman: ChildProcess = spawn('/bin/sh', ['-c', WATCH, 'watchman', String(group ?? ''), folder ?? ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Not of our terminal's group, whose Ctrl-C would end it first.
    detached: true,
  });
  watchman.unref();
  (watchman.stdin as unknown as { unref(): void }).unref();
  watchman.stdin?.on('error', () => {});
  return { release: () => void watchman.kill('SIGKILL') };
}
