import { COMPONENT, OUT, readSaved, readSeen, type Saved, SEEN, type SeenEntry } from './entries.ts';
import { memoryStore } from './memory-store.ts';
import { isString } from './tree.ts';
import type { Problem, Store } from './types.ts';

/** What a store had at the start. */
export interface Loaded {
  readonly out: Saved[];
  readonly seen: [key: string, entry: SeenEntry][];
  component: string | undefined;
}

/** The application's store. Its failures are reported as problems, and do not reach the rest of the library. */
export class Persistence {
  #store: Store;
  readonly #emit: (type: 'problem', problem: Problem) => void;

  constructor(store: Store, emit: (type: 'problem', problem: Problem) => void) {
    this.#store = store;
    this.#emit = emit;
  }

  /** To be awaited before anything else. Never rejects: when the store fails, it starts empty, in memory. */
  async load(): Promise<Loaded> {
    const loaded: Loaded = { out: [], seen: [], component: undefined };
    try {
      for (const [key, value] of await this.#store.load()) {
        if (sort(key, value, loaded)) continue;
        this.#emit('problem', { what: 'entry', error: new Error(`Invalid store entry ${key}`) });
        this.delete([key]);
      }
    } catch (error) {
      this.#emit('problem', { what: 'store', error: asError(error) });
      this.#store = memoryStore();
    }
    return loaded;
  }

  /** Rejects when the store does not take it. */
  set(key: string, value: unknown): Promise<void> {
    return this.#store.set(key, value);
  }

  /** Where a failure breaks no promise: it is reported as a problem. So do all that follow. */
  save(key: string, value: unknown): Promise<void> {
    return this.#guard(() => this.set(key, value));
  }

  delete(keys: readonly string[]): void {
    for (const key of keys) void this.#guard(() => this.#store.delete(key));
  }

  close(): Promise<void> {
    return this.#guard(() => this.#store.close());
  }

  /** An application's own store may also throw at once, or return no promise. */
  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#emit('problem', { what: 'store', error: asError(error) });
    }
  }
}

/** Adds an entry of the store to what was loaded; false if it is invalid. */
function sort(key: string, value: unknown, loaded: Loaded): boolean {
  if (key === COMPONENT && isString(value)) {
    loaded.component = value;
    return true;
  }
  if (key.startsWith(OUT)) {
    const saved = readSaved(key.slice(OUT.length), value);
    return saved !== undefined && loaded.out.push(saved) > 0;
  }
  const entry = key.startsWith(SEEN) ? readSeen(value) : undefined;
  return entry !== undefined && loaded.seen.push([key.slice(SEEN.length), entry]) > 0;
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
