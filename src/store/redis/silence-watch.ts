import type { Redis } from 'ioredis';

/** How often it is looked within the limit. */
const LOOKS = 20;

/**
 * Ends a connection that owes answers and has been silent for too long: it is half-open. ioredis' `socketTimeout` does the same, with a
 * timer and a listener for each command and each piece of an answer.
 */
export class SilenceWatch {
  readonly #redis: Pick<Redis, 'stream' | 'commandQueue'>;
  readonly #limit: number;
  readonly #timer: NodeJS.Timeout;
  #stream: Redis['stream'] | undefined;
  #read = 0;
  #silent = 0;

  /** @param limit ms */
  constructor(redis: Pick<Redis, 'stream' | 'commandQueue'>, limit: number) {
    this.#redis = redis;
    this.#limit = limit;
    this.#timer = setInterval(() => this.look(), limit / LOOKS).unref();
  }

  /** Called by the timer. Looks are counted, and not time: while the process stood still, it did not listen either. */
  look(): void {
    const { stream, commandQueue } = this.#redis;
    if (
      stream === undefined ||
      commandQueue.length === 0 ||
      stream !== this.#stream ||
      stream.bytesRead !== this.#read
    ) {
      this.#stream = stream;
      this.#read = stream?.bytesRead ?? 0;
      this.#silent = 0;
      return;
    }
    this.#silent += 1;
    if (this.#silent === LOOKS) stream.destroy(new Error(`Socket timeout. Nothing has come in ${this.#limit} ms.`));
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
