import { createStore, del, entries, set, type UseStore } from 'idb-keyval';
import type { Store } from './types.ts';

/**
 * Keeps everything in the browser's IndexedDB: it survives a reload, and a tab or browser that is killed.
 *
 * Where there is no IndexedDB, as in some private windows, `load` rejects, and the library works from memory.
 *
 * @param name of the database; one for each account
 */
export function indexedDbStore(name = 'openfire-receipts'): Store {
  let opened: UseStore | undefined;
  const open = () => {
    opened ??= createStore(name, 'entries');
    return opened;
  };
  return {
    load: async () => (await entries<string, unknown>(open())).map(([key, value]) => [String(key), value] as const),
    set: async (key, value) => set(key, value, open()),
    delete: async (key) => del(key, open()),
    // The browser closes it with the page.
    close: async () => {},
  };
}
