import { COMPONENT, OUT, readSaved, readSeen, type Saved, SEEN, type SeenEntry } from './entries.ts';
import { memoryStore } from './memory-store.ts';
import type { Problem, Store } from './types.ts';

/** What a store had at the start. */
export interface Loaded {
  readonly out: Saved[];
  readonly seen: [key: string, entry: SeenEntry][];
  readonly component: string | undefined;
}

/** The application's store, with its failures kept from the rest of the library. */
export class Keeper {
  #store: Store;
  readonly #tell: (problem: Problem) => void;
  #loading: Promise<unknown> | undefined;

  constructor(store: Store, tell: (problem: Problem) => void) {
    this.#store = store;
    this.#tell = tell;
  }

  /** Never rejects: without a store that works it is a clean start, from memory. */
  load(): Promise<Loaded> {
    const loading = this.#load();
    this.#loading = loading;
    return loading;
  }

  async #load(): Promise<Loaded> {
    const loaded: Loaded = { out: [], seen: [], component: undefined };
    let component: string | undefined;
    try {
      for (const [key, value] of await this.#store.load()) {
        if (key === COMPONENT && typeof value === 'string') component = value;
        else if (!sort(key, value, loaded)) this.#leaveOut(key);
      }
    } catch (error) {
      this.#tell({ what: 'store', error: asError(error) });
      this.#store = memoryStore();
    }
    return { ...loaded, component };
  }

  /** Rejects when the store does not take it. */
  async set(key: string, value: unknown): Promise<void> {
    // Not before the store has been read: it may turn out not to work at all.
    await this.#loading;
    await this.#store.set(key, value);
  }

  /** Where a failure changes nothing that was promised: it is told as a problem. */
  async note(key: string, value: unknown): Promise<void> {
    await this.set(key, value).catch((error) => this.#tell({ what: 'store', error: asError(error) }));
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.#loading;
    await Promise.all(
      keys.map((key) => this.#store.delete(key).catch((error) => this.#tell({ what: 'store', error: asError(error) }))),
    );
  }

  async close(): Promise<void> {
    await this.#loading;
    await this.#store.close().catch((error) => this.#tell({ what: 'store', error: asError(error) }));
  }

  #leaveOut(key: string): void {
    this.#tell({ what: 'entry', error: new Error(`The store's entry ${JSON.stringify(key)} makes no sense`) });
    this.#store.delete(key).catch(() => {});
  }
}

/** Puts an entry where it belongs; false if it belongs nowhere. */
function sort(key: string, value: unknown, loaded: Loaded): boolean {
  if (key.startsWith(OUT)) {
    const saved = readSaved(key.slice(OUT.length), value);
    if (saved !== undefined) loaded.out.push(saved);
    return saved !== undefined;
  }
  if (key.startsWith(SEEN)) {
    const entry = readSeen(value);
    if (entry !== undefined) loaded.seen.push([key.slice(SEEN.length), entry]);
    return entry !== undefined;
  }
  return false;
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
