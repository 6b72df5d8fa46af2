import { createStore, promisifyRequest, type UseStore } from 'idb-keyval';
import type { Store } from './types.ts';

type List = Parameters<typeof promisifyRequest<unknown[]>>[0];

const listed = (request: unknown) => promisifyRequest<unknown[]>(request as List);

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
  // `idb-keyval` has these as functions too, which bring a store of their own and what browsers of 2017 lacked.
  const change = (how: (store: Parameters<Parameters<UseStore>[1]>[0]) => void) =>
    open()('readwrite', (store) => {
      how(store);
      return promisifyRequest(store.transaction);
    });
  return {
    load: async () =>
      open()('readonly', async (store) => {
        const [keys, values] = await Promise.all([listed(store.getAllKeys()), listed(store.getAll())]);
        return keys.map((key, i) => [String(key), values[i]] as const);
      }),
    set: async (key, value) => change((store) => store.put(value, key)),
    delete: async (key) => change((store) => store.delete(key)),
    // The browser closes it with the page.
    close: async () => {},
  };
}
