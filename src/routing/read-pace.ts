/**
 * Stanzas of one sender that are read in a second: more than real servers hand on of one client, so that behind them nobody
 * waits for it.
 */
const MOST = 6000;
/** The least of that in parts of the rate that a sender may have for long: who may have more is not held back. */
const TIMES_RATE = 60;
/** How far a sender may be ahead of his pace before reading rests, ms: a timer cannot wait for less. */
const TOLERANCE = 1;
/** The longest rest, ms. */
const LONGEST = 20;
/** Stanzas of others after which another may be watched, at the most. */
const LONGEST_LEAD = 100;

export interface ReadPaceOptions {
  /** Stanzas that one sender may have for long, a second. */
  readonly rate: number;
  /** Has nothing read for so long, ms. */
  readonly rest: (ms: number) => void;
  /** ms, monotonic */
  readonly now?: () => number;
}

/**
 * How fast the stanzas of one sender are read. One who writes ten thousand a second keeps this process, Redis and the server
 * busy, and each step of the others' messages waits for a core. While reading rests, for a few ms at a time, they find them
 * free.
 *
 * Only the sender of most stanzas is watched (by the majority vote of Boyer and Moore): there is no other that could
 * fill the stream.
 */
export class ReadPace {
  readonly #options: ReadPaceOptions;
  readonly #now: () => number;
  /** What a stanza takes at that pace, ms. */
  readonly #cost: number;
  /** The one who is watched, as he last wrote his address, and how many more stanzas of his came than of others. */
  #watched = '';
  #lead = 0;
  /** When all that he has sent would have come at that pace, ms. */
  #due = 0;

  constructor(options: ReadPaceOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#cost = 1000 / Math.max(MOST, TIMES_RATE * options.rate);
  }

  /** A stanza of this address was read. */
  note(from: string | undefined): void {
    if (from === undefined) return;
    if (from !== this.#watched && !isSameUser(from, this.#watched)) {
      if (this.#lead > 0) {
        this.#lead -= 1;
        return;
      }
      // A server's own stanzas answer ours, for all its users.
      if (!from.includes('@')) return;
      this.#watched = from;
      this.#due = 0;
    }
    if (this.#lead < LONGEST_LEAD) this.#lead += 1;
    const now = this.#now();
    this.#due = Math.max(this.#due, now) + this.#cost;
    const ahead = this.#due - now;
    if (ahead > TOLERANCE) this.#options.rest(Math.min(ahead, LONGEST));
  }
}

/** Whether two addresses have one bare JID. */
function isSameUser(one: string, other: string): boolean {
  const slash = one.indexOf('/');
  const bare = slash === -1 ? one : one.slice(0, slash);
  return other.startsWith(bare) && (other.length === bare.length || other[bare.length] === '/');
}
