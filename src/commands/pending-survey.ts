import type { Found, StoreQueries } from '../store/contract.ts';

/** What lists show of a message; times are ms since the epoch. */
export interface MessageSummary {
  readonly key: string;
  /** Bare JIDs. */
  readonly sender: string;
  readonly recipient: string;
  /** The id that its sender gave it, or else that it goes out under. */
  readonly id: string;
  readonly storedAt: number;
  readonly state: Found['record']['state'];
  /** Whether it ended undelivered and is kept, to be sent after all. */
  readonly kept: boolean;
  /** When its next step is due. */
  readonly due: number | undefined;
  readonly copies: number;
  /** Whether the last copy came back. */
  readonly bounced: boolean;
  readonly endedAt: number | undefined;
}

export interface Survey {
  readonly messages: readonly MessageSummary[];
  /** Whether it has all: with very many it has as many as could be looked at. */
  readonly all: boolean;
}

export interface PendingSurveyOptions {
  readonly queries: Pick<StoreQueries, 'pending'>;
  /** Messages that one survey has at most. */
  readonly most?: number;
}

const MOST = 50_000;
/** How long one is good for, by how long it took, and at the most (ms): who asks again and again does not take all of the store. */
const GOOD_FOR = 10;
const LONGEST_GOOD_FOR = 5000;

export function summaryOf({ record, kept, due }: Found): MessageSummary {
  const { key, sender, recipient, senderId, wireId, firstStoredAt, state, copies, bounced, settledAt } = record;
  const id = senderId ?? wireId;
  return { key, sender, recipient, id, storedAt: firstStoredAt, state, kept, due, copies, bounced, endedAt: settledAt };
}

/**
 * Looks through what waits for a receipt, for whoever asks who waits for what: the store has no order of it but by when it
 * is due. One at a time, and for those who ask at the same time the same.
 */
export class PendingSurvey {
  readonly #options: PendingSurveyOptions;
  #last: Promise<Survey> | undefined;

  constructor(options: PendingSurveyOptions) {
    this.#options = options;
  }

  /** The oldest first. Rejects when the store does not answer. */
  take(): Promise<Survey> {
    if (this.#last !== undefined) return this.#last;
    const began = performance.now();
    const survey = this.#take();
    this.#last = survey;
    const forget = () => {
      if (this.#last === survey) this.#last = undefined;
    };
    const later = () => {
      const took = performance.now() - began;
      setTimeout(forget, Math.min(took * GOOD_FOR, LONGEST_GOOD_FOR)).unref();
    };
    survey.then(later, forget);
    return survey;
  }

  async #take(): Promise<Survey> {
    const { queries, most = MOST } = this.#options;
    const messages = new Map<string, MessageSummary>();
    let cursor: string | undefined = '0';
    while (cursor !== undefined && messages.size < most) {
      const { found, next }: { found: readonly Found[]; next: string | undefined } = await queries.pending(cursor);
      for (const one of found) messages.set(one.record.key, summaryOf(one));
      cursor = next;
    }
    const sorted = [...messages.values()].sort((one, other) => one.storedAt - other.storedAt);
    return { messages: sorted, all: cursor === undefined };
  }
}
