import type { Tracked } from '../../../packages/client/src/index.ts';

/** A message as the window shows it. */
export interface Shown {
  readonly id: string;
  readonly body: string;
  readonly mine: boolean;
  /** When it was written, by its sender's clock; ms since the epoch. */
  readonly at: number;
  /** When it was shown. */
  readonly shownAt: number;
  /** Of one's own: what the library knows of it. */
  tracked?: Tracked;
  /** How often it was sent once more by hand, with the same id. */
  copies?: number;
}

/** How many are kept. */
const MOST = 600;

/**
 * The chat application's own memory, as every chat has one: the library sees to it that each message comes once, and
 * what the application does with it is not its business. Written before the library confirms a message.
 */
export class History {
  readonly #key: string;
  /** Where each is kept: by itself, so that a long talk makes a message no dearer. */
  readonly #places = new Map<Shown, string>();
  #next = 0;

  constructor(key: string) {
    this.#key = key;
    for (const [place, shown] of read(key)) {
      this.#places.set(shown, place);
      this.#next = numberOf(place) + 1;
    }
  }

  get shown(): readonly Shown[] {
    return [...this.#places.keys()];
  }

  add(shown: Shown): void {
    this.#places.set(shown, `${this.#key}:${this.#next}`);
    this.#next += 1;
    this.keep(shown);
    const [oldest] = this.#places.size > MOST ? this.#places : [];
    if (oldest === undefined) return;
    this.#places.delete(oldest[0]);
    localStorage.removeItem(oldest[1]);
  }

  /** Writes what has changed. */
  keep(shown: Shown): void {
    const place = this.#places.get(shown);
    // What the library knows of a message is in the library's own store.
    const { tracked, ...kept } = shown;
    if (place !== undefined) localStorage.setItem(place, JSON.stringify(kept));
  }
}

function read(key: string): [place: string, shown: Shown][] {
  return Object.entries<string>({ ...localStorage })
    .filter(([place]) => place.startsWith(`${key}:`))
    .sort(([a], [b]) => numberOf(a) - numberOf(b))
    .map(([place, text]) => [place, JSON.parse(text) as Shown]);
}

function numberOf(place: string): number {
  return Number(place.slice(place.lastIndexOf(':') + 1));
}
