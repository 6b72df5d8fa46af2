// What the page and its two windows tell each other.
import type { Word } from './words.ts';

/** To a window. */
export type Order = 'burst' | 'twice' | 'lose' | 'do-not-lose';

/** From a window. */
export interface News {
  readonly word: Word;
  readonly values?: Readonly<Record<string, string>>;
}

export function send(to: Window, message: { order: Order } | { news: News }): void {
  to.postMessage(message, location.origin);
}

/** What one of our own pages says; others are not listened to. */
export function hear(listener: (message: { order?: Order; news?: News }) => void): void {
  window.addEventListener('message', ({ origin, data }) => {
    if (origin === location.origin && typeof data === 'object' && data !== null) listener(data);
  });
}
