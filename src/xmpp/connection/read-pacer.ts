import type { Socket } from 'node:net';

/**
 * Characters that are read in one turn of the event loop, about. While there is more, libuv goes on reading, up to 2 MiB,
 * and replies of Redis and what is to be written would wait until all of that is parsed.
 */
const MAX_READ = 64 << 10;

/** Pauses a socket until the next turn of the event loop when enough of it was read in this one. */
export class ReadPacer {
  readonly #socket: () => Socket | undefined;
  /** Characters read in this turn. */
  #read = 0;

  constructor(socket: () => Socket | undefined) {
    this.#socket = socket;
  }

  /** So many characters were read. */
  read(characters: number): void {
    if (this.#read === 0) setImmediate(() => this.#nextTurn());
    this.#read += characters;
    if (this.#read >= MAX_READ) this.#socket()?.pause();
  }

  #nextTurn(): void {
    this.#read = 0;
    const socket = this.#socket();
    if (socket?.isPaused()) socket.resume();
  }
}
