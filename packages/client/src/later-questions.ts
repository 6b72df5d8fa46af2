import type { Item } from './entries.ts';

/** ms between them. */
const AFTER = [10_000, 60_000, 240_000];

/**
 * What becomes of a message is told to the session that wrote it. The server keeps that for who may resume it (XEP-0198), for minutes,
 * or stores it for a later login. So a new session asks some more times about messages of earlier ones: receipts for them were on their
 * way when it began.
 */
export class LaterQuestions {
  readonly #ask: (items: readonly Item[]) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ask: (items: readonly Item[]) => void) {
    this.#ask = ask;
  }

  /** A session has begun. */
  begin(items: readonly Item[], [after, ...later]: readonly number[] = AFTER): void {
    this.end();
    if (after === undefined || items.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#ask(items);
      this.begin(items, later);
    }, after);
    // It alone does not keep a process running.
    (this.#timer as { unref?(): void }).unref?.();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
