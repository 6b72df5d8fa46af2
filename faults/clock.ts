import { existsSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { removeFolder } from '../tests/support/process/temporary.ts';

const LIBRARIES = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map((machine) => `/usr/lib/${machine}`);
// Where Debian's package libfaketime puts it. The variant for programs with threads.
const FAKETIME = 'faketime/libfaketimeMT.so.1';
// Redis' own allocator asks for the time before libfaketime can tell it, and both give up. glibc's does not.
const ALLOCATOR = 'libc_malloc_debug.so.0';

/** What is to be loaded before a program's own libraries; undefined where libfaketime is not installed. */
export function faketime(): string | undefined {
  const folder = LIBRARIES.find((place) => existsSync(path.join(place, FAKETIME)));
  if (folder === undefined) return undefined;
  return [ALLOCATOR, FAKETIME]
    .map((file) => path.join(folder, file))
    .filter(existsSync)
    .join(':');
}

/** The wall clock of some processes, which can be stepped; their monotonic clock goes on as it is. */
export class Clock {
  private constructor(
    readonly folder: string,
    readonly library: string,
  ) {}

  /** @throws when libfaketime is not installed */
  static async create(): Promise<Clock> {
    const library = faketime();
    if (library === undefined) throw new Error('libfaketime is not installed');
    const clock = new Clock(await mkdtemp(path.join(os.tmpdir(), 'openfire-receipts-clock-')), library);
    await clock.step('+0');
    return clock;
  }

  /** For a process that is to live by this clock. */
  get environment(): Record<string, string> {
    return {
      LD_PRELOAD: this.library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  get #file(): string {
    return path.join(this.folder, 'clock');
  }

  /** Sets how far it is from the true time; in force within two seconds. @param offset such as `+1d`, `-1h`, `+0` */
  step(offset: string): Promise<void> {
    return writeFile(this.#file, `${offset}\n`);
  }

  close(): Promise<void> {
    return removeFolder(this.folder);
  }
}
