/** All in ms, but for `pingEvery`. */
export interface HeartbeatTiming {
  /** A ping goes when none has for so long: it finds a half-open link, and keeps the server from closing an idle one. */
  readonly keepalive: number;
  /** Between two pings while anything waits to be handed over. */
  readonly pingInterval: number;
  /** How long the server may be silent while it owes an answer. */
  readonly pingTimeout: number;
}

/**
 * How many times as long a server that is not silent may owe an answer. One that is slow answers in a few seconds, as what
 * stands before a ping is bounded; one that never does, though it writes, does not read what we write.
 */
export const UNRESPONSIVE_FACTOR = 10;

export interface HeartbeatTask {
  /** Whether stanzas or answers are outstanding. */
  readonly outstanding: () => boolean;
  /** Since when an answer has been owed. */
  readonly waitingSince: () => number | undefined;
  /** When anything last came from the server. */
  readonly heardAt: () => number;
  readonly ping: () => void;
  /** Nothing comes: the link is half-open. Or the server writes, but does not answer: it swallows what we write. */
  readonly onDead: (what: 'silent' | 'unresponsive') => void;
}

/** Decides when to ping, with one timer for all of it. */
export class Heartbeat {
  readonly #timing: HeartbeatTiming;
  readonly #task: HeartbeatTask;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;
  #lastPing = 0;
  /** Of those behind stanzas of this stream; the one that begins it is not. */
  #lastBehind = 0;
  #running = false;

  constructor(timing: HeartbeatTiming, task: HeartbeatTask) {
    this.#timing = timing;
    this.#task = task;
  }

  /** A stream begins, with a ping. */
  start(): void {
    this.#running = true;
    this.#lastBehind = Number.NEGATIVE_INFINITY;
    this.arm();
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#due = Number.POSITIVE_INFINITY;
  }

  /** Whether a ping may go along with what is written now. */
  mayPing(now: number): boolean {
    return now - this.#lastBehind >= this.#timing.pingInterval;
  }

  /** A ping went. */
  pinged(now: number): void {
    this.#lastPing = now;
    this.#lastBehind = now;
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
    const { keepalive, pingInterval } = this.#timing;
    const ping = this.#lastPing + (this.#task.outstanding() ? pingInterval : keepalive);
    return Math.min(ping, this.#deadAt());
  }

  #tick(): void {
    this.#due = Number.POSITIVE_INFINITY;
    if (performance.now() >= this.#deadAt()) {
      // After a pause of this process the answer may be there, unread: one turn of the event loop reads it.
      setImmediate(() => {
        if (!this.#running) return;
        const now = performance.now();
        const silent = now - this.#task.heardAt() >= this.#timing.pingTimeout;
        if (now >= this.#deadAt()) this.#task.onDead(silent ? 'silent' : 'unresponsive');
        else this.arm();
      });
      return;
    }
    const { keepalive, pingInterval } = this.#timing;
    const now = performance.now();
    if (now - this.#lastPing >= (this.#task.outstanding() ? pingInterval : keepalive)) this.#task.ping();
    this.arm();
  }

  /** When the link is to be given up, should nothing come until then: any byte is a sign of life. */
  #deadAt(): number {
    const { waitingSince, heardAt } = this.#task;
    const since = waitingSince();
    if (since === undefined) return Number.POSITIVE_INFINITY;
    const { pingTimeout } = this.#timing;
    return Math.min(Math.max(since, heardAt()) + pingTimeout, since + UNRESPONSIVE_FACTOR * pingTimeout);
  }
}
