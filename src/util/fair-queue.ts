/** What a turn may take of one owner, in the unit of {@link FairQueueOptions.cost}. */
const QUANTUM = 4096;
/** The same of what nobody owns: the proxy's own work, which follows from that of all owners. */
const OWN_QUANTUM = 16 * QUANTUM;
/** What an item costs at least: to handle it costs something, however small it is. */
const LEAST = 256;

/**
 * What new lines may take before those who wait have had as much, in the same unit: else so many who come with one item
 * each that there is no time for more would keep out all others, and the proxy's own work with them.
 */
const MOST_OF_NEW = 4 * QUANTUM;

const NOTHING = { count: 0, cost: 0 };

export interface FairQueueOptions<E> {
  /** Whose it is: order is kept among what has the same owner. Empty for the proxy's own. */
  readonly owner: (item: E) => string;
  /** What it costs, in bytes or characters. */
  readonly cost: (item: E) => number;
  /** Up to so many wait in the order of arrival: they are served at once, and an order among owners would only cost. */
  readonly plainUpTo: number;
}

/** What waits of one owner. */
interface Line<E> {
  readonly owner: string;
  readonly quantum: number;
  items: E[];
  head: number;
  cost: number;
  /** What it may still take in this turn; below 0 it passes until turns have made up for what it took. */
  credit: number;
  /** Whether it has just come, and is in its first turn or before it. */
  isNew: boolean;
}

/**
 * A queue that is fair among owners: deficit round robin (Shreedhar and Varghese, 1995), where an owner who comes goes
 * first for one turn (RFC 8290 section 4.1). Whoever has a few items does not wait for those who have many, however many
 * they are. With few items in it, it is a plain queue.
 */
export class FairQueue<E> {
  readonly #options: FairQueueOptions<E>;
  /** In the order of arrival, and not yet looked at. */
  #arrived: E[] = [];
  #head = 0;
  /** By owner; only while more wait than are served at once. */
  #lines = new Map<string, Line<E>>();
  /** Those who have just come, in the order in which they came. */
  #new: Line<E>[] = [];
  /** By how much more was taken of new ones than of the others, while both waited. */
  #ahead = 0;
  #owesOthers = false;
  /** The others; whose turn it is. */
  #turns: Line<E>[] = [];
  #turn = 0;
  #lined = 0;

  constructor(options: FairQueueOptions<E>) {
    this.#options = options;
  }

  get size(): number {
    return this.#arrived.length - this.#head + this.#lined;
  }

  push(item: E): void {
    this.#arrived.push(item);
  }

  /** The item that {@link shift} takes next. */
  peek(): E | undefined {
    this.#sort();
    if (this.#lined === 0) return this.#arrived[this.#head];
    const line = this.#next();
    return line.items[line.head];
  }

  shift(): E | undefined {
    this.#sort();
    if (this.#lined > 0) return this.#shiftLine(this.#next());
    const item = this.#arrived[this.#head];
    if (this.#head < this.#arrived.length) {
      this.#arrived[this.#head] = undefined as E;
      this.#head += 1;
      if (this.#head === this.#arrived.length) {
        this.#arrived = [];
        this.#head = 0;
      }
    }
    return item;
  }

  /** How much waits of one owner. */
  of(owner: string): { readonly count: number; readonly cost: number } {
    this.#sort();
    const line = this.#lines.get(owner);
    return line === undefined ? NOTHING : { count: line.items.length - line.head, cost: line.cost };
  }

  clear(): void {
    this.#arrived = [];
    this.#head = 0;
    this.#lines.clear();
    this.#new = [];
    this.#ahead = 0;
    this.#owesOthers = false;
    this.#turns = [];
    this.#turn = 0;
    this.#lined = 0;
  }

  /** All that is in it; of one owner in order. */
  *[Symbol.iterator](): Generator<E> {
    for (const lines of [this.#new, this.#turns]) {
      for (const { items, head } of lines) for (let i = head; i < items.length; i += 1) yield items[i] as E;
    }
    for (let i = this.#head; i < this.#arrived.length; i += 1) yield this.#arrived[i] as E;
  }

  /** Puts what has arrived into lines, if there is more than is served at once. */
  #sort(): void {
    const waiting = this.#arrived.length - this.#head;
    if (waiting === 0 || (this.#lined === 0 && waiting <= this.#options.plainUpTo)) return;
    const { owner: ownerOf, cost } = this.#options;
    for (let i = this.#head; i < this.#arrived.length; i += 1) {
      const item = this.#arrived[i] as E;
      const owner = ownerOf(item);
      let line = this.#lines.get(owner);
      if (line === undefined) {
        const quantum = owner === '' ? OWN_QUANTUM : QUANTUM;
        // Most lines have one item; an array that an item is pushed to takes room for 17.
        line = { owner, quantum, items: [item], head: 0, cost: 0, credit: quantum, isNew: true };
        this.#lines.set(owner, line);
        this.#new.push(line);
      } else line.items.push(item);
      line.cost += cost(item);
    }
    this.#lined += waiting;
    this.#arrived = [];
    this.#head = 0;
  }

  /** The line whose turn it is. */
  #next(): Line<E> {
    for (;;) {
      const first = this.#new[0];
      if (first === undefined || (this.#owesOthers && this.#turns.length > 0)) return this.#nextOfOthers();
      if (first.credit > 0) return first;
      // The last of those who take turns.
      this.#new.shift();
      first.isNew = false;
      first.credit += first.quantum;
      this.#turns.splice(this.#turn, 0, first);
      this.#turn += 1;
    }
  }

  #nextOfOthers(): Line<E> {
    for (;;) {
      if (this.#turn >= this.#turns.length) this.#turn = 0;
      const line = this.#turns[this.#turn] as Line<E>;
      if (line.credit > 0) return line;
      // Nobody waits for what it takes.
      if (this.#turns.length === 1) line.credit = 0;
      line.credit += line.quantum;
      this.#turn += 1;
    }
  }

  /** Notes what was taken: new ones and others have the same, a few turns at a time. */
  #count({ isNew }: Line<E>, cost: number): void {
    if (this.#new.length === 0 || this.#turns.length === 0) {
      this.#ahead = 0;
      this.#owesOthers = false;
      return;
    }
    this.#ahead += isNew ? cost : -cost;
    if (this.#ahead >= MOST_OF_NEW) this.#owesOthers = true;
    // A turn of them at a time: who comes with one item does not wait for all that is owed.
    else if (this.#ahead <= MOST_OF_NEW - QUANTUM) this.#owesOthers = false;
    if (this.#ahead < 0) this.#ahead = 0;
  }

  #shiftLine(line: Line<E>): E {
    const item = line.items[line.head] as E;
    line.items[line.head] = undefined as E;
    line.head += 1;
    const cost = this.#options.cost(item);
    line.credit -= Math.max(LEAST, cost);
    line.cost -= cost;
    this.#lined -= 1;
    this.#count(line, Math.max(LEAST, cost));
    if (line.head === line.items.length) {
      this.#lines.delete(line.owner);
      if (line.isNew) this.#new.shift();
      else this.#turns.splice(this.#turn, 1);
    } else if (line.head > 1024 && line.head * 2 > line.items.length) {
      line.items = line.items.slice(line.head);
      line.head = 0;
    }
    return item;
  }
}
