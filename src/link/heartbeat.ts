/** All in ms, but for `pingEvery`. */
export interface HeartbeatTiming {
  /** A ping goes when none has for so long: it finds a half-open link, and keeps the server from closing an idle one. */
  readonly keepalive: number;
  /** Between two pings while anything waits to be handed over. */
  readonly pingInterval: number;
  /** How long the server may owe an answer. */
  readonly pingTimeout: number;
}

export interface HeartbeatTask {
  /** Whether stanzas or answers are outstanding. */
  readonly outstanding: () => boolean;
  /** Since when an answer has been owed. */
  readonly waitingSince: () => number | undefined;
  readonly ping: () => void;
  /** The server does not answer: the link is half-open, or the server swallows what we write. */
  readonly dead: () => void;
}

/** Decides when to ping, with one timer for all of it. */
export class Heartbeat {
  readonly #timing: HeartbeatTiming;
  readonly #task: HeartbeatTask;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;
  #lastPing = 0;
  #running = false;

  constructor(timing: HeartbeatTiming, task: HeartbeatTask) {
    this.#timing = timing;
    this.#task = task;
  }

  start(): void {
    this.#running = true;
    this.#lastPing = performance.now() - this.#timing.pingInterval;
    this.arm();
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#due = Number.POSITIVE_INFINITY;
  }

  /** Whether a ping may go along with what is written now. */
  mayPing(now: number): boolean {
    return now - this.#lastPing >= this.#timing.pingInterval;
  }

  /** A ping went. */
  pinged(now: number): void {
    this.#lastPing = now;
  }

  /** Something was written or answered: makes sure that the timer goes in time. Cheap when it will. */
  arm(): void {
    if (!this.#running) return;
    const due = this.#next();
    // A timer that goes too early looks again.
    if (due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, due - performance.now()));
  }

  #next(): number {
    const { keepalive, pingInterval, pingTimeout } = this.#timing;
    const { outstanding, waitingSince } = this.#task;
    const ping = this.#lastPing + (outstanding() ? pingInterval : keepalive);
    return Math.min(ping, (waitingSince() ?? Number.POSITIVE_INFINITY) + pingTimeout);
  }

  #tick(): void {
    this.#due = Number.POSITIVE_INFINITY;
    if (this.#overdue()) {
      // After a pause of this process the answer may be there, unread: one turn of the event loop reads it.
      setImmediate(() => {
        if (!this.#running) return;
        if (this.#overdue()) this.#task.dead();
        else this.arm();
      });
      return;
    }
    const { keepalive, pingInterval } = this.#timing;
    const now = performance.now();
    if (now - this.#lastPing >= (this.#task.outstanding() ? pingInterval : keepalive)) this.#task.ping();
    this.arm();
  }

  #overdue(): boolean {
    const since = this.#task.waitingSince();
    return since !== undefined && performance.now() - since >= this.#timing.pingTimeout;
  }
}
