import type { Tracked } from '../../../src/client/index.ts';

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
  readonly shown: Shown[];

  constructor(key: string) {
    this.#key = key;
    this.shown = read(localStorage.getItem(key));
  }

  add(shown: Shown): void {
    this.shown.push(shown);
    if (this.shown.length > MOST) this.shown.splice(0, this.shown.length - MOST);
    this.keep();
  }

  keep(): void {
    // What the library knows of a message is in the library's own store.
    localStorage.setItem(this.#key, JSON.stringify(this.shown.map(({ tracked, ...shown }) => shown)));
  }
}

function read(text: string | null): Shown[] {
  try {
    return text === null ? [] : (JSON.parse(text) as Shown[]);
  } catch {
    return [];
  }
}
