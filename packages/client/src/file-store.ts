import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import type { Store } from './types.ts';

/** Lines beyond what is needed, before the file is written anew. */
const SLACK = 1000;

/**
 * Keeps everything in a file, for programs on Node: a line of JSON for each change, safe on the disk (fsync) before
 * `set` resolves. A line that a crash left torn is passed over. One file is for one process and one account.
 *
 * @param file its folder is made if need be
 */
export function fileStore(file: string): Store {
  return new FileStore(path.resolve(file));
}

interface Batch {
  text: string;
  /** What it changes in the entries. */
  readonly changes: (() => void)[];
  done: Promise<void>;
}

class FileStore implements Store {
  readonly #file: string;
  readonly #entries = new Map<string, string>();
  #handle: FileHandle | undefined;
  #lines = 0;
  /** What the next write takes along: all changes that come while one is under way share its fsync. */
  #batch: Batch | undefined;
  #writing = false;
  #last: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
  }

  async load(): Promise<[string, unknown][]> {
    await mkdir(path.dirname(this.#file), { recursive: true });
    const torn = this.#read(await readIfThere(this.#file));
    await this.#rewrite();
    const entries = [...this.#entries].map(([key, value]): [string, unknown] => [key, JSON.parse(value)]);
    return [...entries, ...torn.map((line): [string, unknown] => [`line ${line}`, undefined])];
  }

  set(key: string, value: unknown): Promise<void> {
    const text = JSON.stringify(value);
    return this.#append(`${JSON.stringify([key, value])}\n`, () => this.#entries.set(key, text));
  }

  delete(key: string): Promise<void> {
    const isStill = this.#batch === undefined && !this.#writing;
    if (!this.#entries.has(key) && isStill) return Promise.resolve();
    return this.#append(`${JSON.stringify([key])}\n`, () => this.#entries.delete(key));
  }

  async close(): Promise<void> {
    await this.#last.catch(() => {});
    await this.#handle?.close();
    this.#handle = undefined;
  }

  /** The numbers of the lines that cannot be read. */
  #read(text: string): number[] {
    const torn: number[] = [];
    for (const [i, line] of text.split('\n').entries()) {
      if (line === '') continue;
      try {
        const [key, ...rest] = JSON.parse(line) as [unknown, ...unknown[]];
        if (typeof key !== 'string') throw new TypeError('A key is a string');
        if (rest.length === 0) this.#entries.delete(key);
        else this.#entries.set(key, JSON.stringify(rest[0]));
      } catch {
        torn.push(i + 1);
      }
    }
    return torn;
  }

  #append(text: string, change: () => void): Promise<void> {
    if (this.#batch === undefined) {
      const batch: Batch = { text: '', changes: [], done: Promise.resolve() };
      batch.done = this.#last
        .catch(() => {})
        .then(() => {
          this.#batch = undefined;
          this.#writing = true;
          return this.#write(batch);
        })
        .finally(() => {
          this.#writing = false;
        });
      this.#batch = batch;
      this.#last = batch.done;
    }
    this.#batch.text += text;
    this.#batch.changes.push(change);
    return this.#batch.done;
  }

  async #write({ text, changes }: Batch): Promise<void> {
    if (this.#handle === undefined) throw new Error(`The store ${this.#file} is not open`);
    const { size } = await this.#handle.stat();
    try {
      await this.#handle.appendFile(text);
      await this.#handle.datasync();
    } catch (error) {
      // Half a line would spoil the next one.
      await this.#handle.truncate(size).catch(() => {});
      throw error;
    }
    // Before the file may be written anew from the entries: these would be missing in it.
    for (const change of changes) change();
    this.#lines += changes.length;
    if (this.#lines > 2 * this.#entries.size + SLACK) await this.#rewrite();
  }

  /** Writes what counts to another file and puts it in this one's place, so that a crash leaves the one or the other. */
  async #rewrite(): Promise<void> {
    const other = `${this.#file}.new`;
    const text = [...this.#entries].map(([key, value]) => `[${JSON.stringify(key)},${value}]\n`).join('');
    // Others of the machine have no business with what somebody writes to somebody.
    const handle = await open(other, 'w', 0o600);
    try {
      await handle.writeFile(text);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(other, this.#file);
    await syncFolder(path.dirname(this.#file));
    await this.#handle?.close();
    this.#handle = await open(this.#file, 'a', 0o600);
    this.#lines = this.#entries.size;
  }
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** A new name in a folder is safe when the folder is. */
async function syncFolder(folder: string): Promise<void> {
  // Windows has no such thing, and needs none.
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
