/** ms between them. */
const AFTER = [10_000, 60_000, 240_000];

/**
 * What becomes of a message is told to the session that wrote it. The server keeps that for who may resume it (XEP-0198), for minutes,
 * or stores it for a later login. So a new session asks some more times about messages of earlier ones: receipts for them were on their
 * way when it began.
 */
export class LaterQuestions {
  readonly #ask: (ids: ReadonlySet<string>) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ask: (ids: ReadonlySet<string>) => void) {
    this.#ask = ask;
  }

  /** A session has begun. */
  begin(ids: ReadonlySet<string>, [after, ...later]: readonly number[] = AFTER): void {
    this.end();
    if (after === undefined || ids.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#ask(ids);
      this.begin(ids, later);
    }, after);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
