import type { State, StepStore, TracedStep } from '../store/contract.ts';
import type { MessageTrace, TraceDetails, TracedMessage, TraceStep } from '../util/message-trace.ts';
import { textOf } from '../util/octets.ts';
import { recordKey } from '../xmpp/stanza/message-key.ts';

/** Between two writes to the store, ms. */
const FLUSH_EVERY = 200;
/** Steps that wait for the next write at most, and that one write has. */
const MOST_WAITING = 20_000;
const AT_ONCE = 500;

/** Steps with which a message's life begins: by these it is found. */
const FIRST: ReadonlySet<TraceStep> = new Set(['accepted', 'refused', 'answered with an error']);

/** Steps with which it ends. */
const ENDINGS: Readonly<Partial<Record<TraceStep, State>>> = {
  delivered: 'delivered',
  proved: 'unconfirmed',
  unconfirmed: 'unconfirmed',
  expired: 'expired',
  rejected: 'rejected',
  cancelled: 'rejected',
};

export interface StepRecorderOptions {
  readonly store: Pick<StepStore, 'append'>;
  /** Whether the store has room for what is not needed. */
  readonly hasRoom: () => boolean;
  /** Whether what users write is kept too (LOG_BODIES). */
  readonly bodies: boolean;
  readonly log: { warn(fields: object, message: string): void };
  /** ms; default {@link FLUSH_EVERY}. */
  readonly flushEvery?: number;
}

/**
 * Keeps the steps of each message in the store (TRACE_MESSAGES). They wait in memory for a moment and are written many at a
 * time, beside the messages: what the store does not take is left out, and holds up nothing.
 */
export class StepRecorder {
  readonly trace: NonNullable<MessageTrace>;
  readonly #options: StepRecorderOptions;
  #waiting: TracedStep[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #failing = false;
  /** Steps that were left out. */
  dropped = 0;

  constructor(options: StepRecorderOptions) {
    this.#options = options;
    this.trace = (step, message, details) => this.#take(step, message, details);
  }

  /** Writes what waits, and resolves when that is done or has failed. */
  async flush(): Promise<void> {
    this.#begin();
    await this.#writing;
  }

  /** Resolves when what was taken until now is written, by this process and, most likely, by others. */
  async settled(): Promise<void> {
    await this.flush();
    await new Promise((resolve) => setTimeout(resolve, 2 * FLUSH_EVERY));
  }

  #take(what: TraceStep, message: TracedMessage, details: TraceDetails = {}): void {
    const { sender, recipient, senderId, wireId, attempt, inner } = message;
    const id = senderId ?? wireId;
    if (sender === undefined || recipient === undefined || id === undefined) return;
    if (this.#waiting.length >= MOST_WAITING) {
      this.dropped += 1;
      return;
    }
    const { why, session, rule, due } = details;
    const isFirst = FIRST.has(what);
    this.#waiting.push({
      at: Date.now(),
      what,
      key: message.key ?? recordKey(sender, recipient, id),
      sender,
      recipient,
      id,
      isFirst,
      ending: ENDINGS[what],
      why,
      session,
      rule,
      attempt,
      due,
      content: isFirst && this.#options.bodies && inner !== undefined ? textOf(inner) : undefined,
    });
    this.#timer ??= setTimeout(() => this.#begin(), this.#options.flushEvery ?? FLUSH_EVERY).unref();
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const steps = this.#waiting;
    this.#waiting = [];
    if (steps.length > 0) this.#writing = this.#writing.then(() => this.#write(steps));
  }

  async #write(steps: readonly TracedStep[]): Promise<void> {
    const { store, hasRoom, log } = this.#options;
    for (let i = 0; i < steps.length; i += AT_ONCE) {
      const portion = steps.slice(i, i + AT_ONCE);
      try {
        if (!hasRoom()) throw new Error('Redis is short of memory');
        await store.append(portion);
        this.#failing = false;
      } catch (error) {
        this.dropped += portion.length;
        if (!this.#failing) log.warn({ err: error }, 'Steps of messages are not kept (TRACE_MESSAGES)');
        this.#failing = true;
      }
    }
  }
}
