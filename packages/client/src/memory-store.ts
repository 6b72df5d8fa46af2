import type { Store } from './types.ts';

/** Keeps everything as long as the page, or the process, lives. A second client may go on with the same one. */
export function memoryStore(): Store {
  const entries = new Map<string, string>();
  return {
    load: async () => [...entries].map(([key, value]) => [key, JSON.parse(value) as unknown] as const),
    // As text, so that nobody changes by accident what is kept.
    set: async (key, value) => void entries.set(key, JSON.stringify(value)),
    delete: async (key) => void entries.delete(key),
    close: async () => {},
  };
}
