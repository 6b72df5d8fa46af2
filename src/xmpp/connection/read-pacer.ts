import type { Socket } from 'node:net';

/**
 * Characters that are parsed in one turn of the event loop. What Redis has answered and what is to be written waits for the
 * turn to end, and libuv reads 64 KiB at a time and up to 2 MiB in a row: the handling of 200 or of 7,000 messages.
 */
const SLICE = 16 << 10;

/** Has what a socket gives parsed in slices, one in a turn of the event loop, and reads no more while some is left. */
export class ReadPacer {
  readonly #socket: () => Socket | undefined;
  readonly #parse: (text: string) => void;
  /** Characters parsed in this turn. */
  #parsed = 0;
  /** What came and is not parsed yet. */
  #left = '';
  /** Set while nothing is parsed. */
  #rest: NodeJS.Timeout | undefined;

  constructor(socket: () => Socket | undefined, parse: (text: string) => void) {
    this.#socket = socket;
    this.#parse = parse;
  }

  /** This came. */
  read(text: string): void {
    if (this.#left !== '' || this.#rest !== undefined) {
      this.#left += text;
      return;
    }
    if (this.#parsed === 0) setImmediate(() => this.#nextTurn());
    this.#take(text);
  }

  /** Parses and reads nothing for `ms`, from the next slice on. A rest that has begun is not made longer. */
  rest(ms: number): void {
    if (this.#rest !== undefined) return;
    this.#socket()?.pause();
    this.#rest = setTimeout(() => {
      this.#rest = undefined;
      this.#goOn();
    }, ms);
  }

  /** Nothing more comes: has what is left parsed at once. */
  finish(): void {
    const left = this.#left;
    this.clear();
    if (left !== '') this.#parse(left);
  }

  /** Gives up what is left. */
  clear(): void {
    this.#left = '';
    clearTimeout(this.#rest);
    this.#rest = undefined;
  }

  #take(text: string): void {
    const room = SLICE - this.#parsed;
    if (text.length <= room) {
      this.#parsed += text.length;
      this.#parse(text);
      return;
    }
    this.#socket()?.pause();
    this.#left = text.slice(room);
    this.#parsed = SLICE;
    if (room > 0) this.#parse(text.slice(0, room));
  }

  #nextTurn(): void {
    this.#parsed = 0;
    if (this.#left !== '' && this.#rest === undefined) this.#goOn();
  }

  #goOn(): void {
    const left = this.#left;
    this.#left = '';
    if (left !== '') {
      if (this.#parsed === 0) setImmediate(() => this.#nextTurn());
      this.#take(left);
    }
    if (this.#left === '' && this.#rest === undefined) this.#socket()?.resume();
  }
}
