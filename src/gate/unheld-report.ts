export interface UnheldReportOptions {
  readonly log: { warn(fields: object, message: string): void };
  /** How often it is logged, ms. */
  readonly period?: number;
  /** ms since the epoch. */
  readonly now?: () => number;
}

/** What passed unheld lately. */
export interface UnheldLately {
  readonly count: number;
  /** When it was last told of one, ms since the epoch. */
  readonly at: number;
}

const PERIOD = 60_000;
/** One line of the log names so many messages at most. */
const MOST = 100;
/** For how long /readyz speaks of it, ms. */
const LATELY = 600_000;

/** What passed unheld, for the operator: listed in the log once a period, and counted for /readyz. */
export class UnheldReport {
  readonly #options: UnheldReportOptions;
  readonly #period: number;
  #passed: string[] = [];
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #lately: UnheldLately | undefined;

  constructor(options: UnheldReportOptions) {
    this.#options = options;
    this.#period = options.period ?? PERIOD;
  }

  /** Undefined when none passed for ten minutes. */
  get lately(): UnheldLately | undefined {
    return this.#lately !== undefined && this.#now() - this.#lately.at < LATELY ? this.#lately : undefined;
  }

  note(from: string, to: string, id: string): void {
    this.#lately = { count: (this.lately?.count ?? 0) + 1, at: this.#now() };
    this.#count += 1;
    if (this.#passed.length < MOST) this.#passed.push(`${from} to ${to}, id ${id === '' ? 'none' : id}`);
    this.#timer ??= setTimeout(() => this.write(), this.#period).unref();
  }

  /** Logs what has not been logged. Called by the timer, and at the end. */
  write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#count === 0) return;
    const [count, passed] = [this.#count, this.#passed];
    this.#count = 0;
    this.#passed = [];
    this.#options.log.warn({ count, passed }, 'Messages passed unheld: they are not stored, and not sent again');
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }
}
