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

/** The application's store, with its failures kept from the rest of the library. */
export class Keeper {
  #store: Store;
  readonly #tell: (type: 'problem', problem: Problem) => void;

  constructor(store: Store, tell: (type: 'problem', problem: Problem) => void) {
    this.#store = store;
    this.#tell = tell;
  }

  /** To be waited for before anything else. Never rejects: without a store that works it is a clean start, from memory. */
  async load(): Promise<Loaded> {
    const loaded: Loaded = { out: [], seen: [], component: undefined };
    try {
      for (const [key, value] of await this.#store.load()) {
        if (sort(key, value, loaded)) continue;
        this.#tell('problem', { what: 'entry', error: new Error(`Invalid store entry ${key}`) });
        this.delete([key]);
      }
    } catch (error) {
      this.#tell('problem', { what: 'store', error: asError(error) });
      this.#store = memoryStore();
    }
    return loaded;
  }

  /** Rejects when the store does not take it. */
  set(key: string, value: unknown): Promise<void> {
    return this.#store.set(key, value);
  }

  /** Where a failure changes nothing that was promised: it is told as a problem. As with all that follow. */
  note(key: string, value: unknown): Promise<void> {
    return this.#guard(() => this.set(key, value));
  }

  delete(keys: readonly string[]): void {
    for (const key of keys) void this.#guard(() => this.#store.delete(key));
  }

  close(): Promise<void> {
    return this.#guard(() => this.#store.close());
  }

  /** Whatever a store of the application's own does instead: throw at once, or return no promise. */
  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#tell('problem', { what: 'store', error: asError(error) });
    }
  }
}

/** Puts an entry where it belongs; false if it belongs nowhere. */
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
