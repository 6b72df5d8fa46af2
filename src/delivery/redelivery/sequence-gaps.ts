import { anythingOut, type Clock, type StoreQueue, sequenceGap } from '../../store/contract.ts';
import type { RetryPolicy } from '../../store/retry-policy.ts';
import type { MessageTrace } from '../../util/message-trace.ts';
import { withResource } from '../../xmpp/stanza/address.ts';
import { openRuleTrace, type RuleTrace } from '../rule-trace.ts';

export interface SequenceGapsOptions {
  readonly pipeline: Pick<StoreQueue, 'push' | 'apart'>;
  readonly retry: RetryPolicy;
  readonly clock: Clock;
  readonly counts: { evidenceGap: number };
  readonly trace?: MessageTrace;
}

interface Confirmed {
  readonly user: string;
  readonly resource: string;
  readonly sender: string;
  /** When the latest of the confirmed messages was stored, ms. */
  later: number;
  /** When it is to be looked for gaps, ms (monotonic). */
  readonly dueAt: number;
}

/** Receipts that come one soon after another are looked at together, at most so late (ms). */
const GATHER = 1000;
/** ms between two looks: those that many sessions are due at once would keep messages waiting for as long as they take. */
const SLICE = GATHER / 20;

/**
 * A session that confirmed a message and not an earlier one has most likely not got it. To look for that with every
 * receipt would make each message dearer for the sake of the few; so what was confirmed is noted here and looked up
 * once in a while, for each session and each sender.
 */
export class SequenceGaps {
  readonly #options: SequenceGapsOptions;
  readonly #ruleTrace: RuleTrace;
  /** In the order in which they are due. */
  readonly #confirmed = new Map<string, Confirmed>();
  /** The last one noted: nearly always the next one, too. */
  #last: Confirmed | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SequenceGapsOptions) {
    this.#options = options;
    this.#ruleTrace = openRuleTrace(options.pipeline, options.trace);
  }

  /** A receipt came from this session, for a message of this sender's that was stored at `storedAt` (ms). */
  recordReceipt(user: string, resource: string, sender: string, storedAt: number): void {
    let last = this.#last;
    if (last?.user !== user || last.resource !== resource || last.sender !== sender) {
      last = this.#confirmedBy(user, resource, sender);
      this.#last = last;
    }
    if (storedAt > last.later) last.later = storedAt;
    this.#timer ??= this.#lookLater(this.#gather);
  }

  /** How long receipts are gathered, ms. */
  get #gather(): number {
    return Math.min(GATHER, this.#options.retry.settings.receiptGap / 10);
  }

  #lookLater(after: number): NodeJS.Timeout {
    return setTimeout(() => this.look(performance.now()), after).unref();
  }

  /**
   * Looks for gaps now.
   *
   * @param until only what is due by then, ms
   */
  look(until = Number.POSITIVE_INFINITY): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    /** By their users. */
    const due = new Map<string, Confirmed[]>();
    for (const [name, confirmed] of this.#confirmed) {
      if (confirmed.dueAt > until) {
        this.#timer = this.#lookLater(Math.max(SLICE, confirmed.dueAt - until));
        break;
      }
      this.#confirmed.delete(name);
      const his = due.get(confirmed.user);
      if (his === undefined) due.set(confirmed.user, [confirmed]);
      else his.push(confirmed);
    }
    // It may be one of those.
    this.#last = undefined;
    if (due.size > 0) this.#lookAt(due);
  }

  /** To nearly all who confirm what they get nothing else is out: who they are not is asked of many at once. */
  #lookAt(due: ReadonlyMap<string, readonly Confirmed[]>): void {
    const { pipeline } = this.#options;
    const users = [...due.keys()];
    for (const apart of pipeline.apart?.(users) ?? [users]) {
      for (const request of anythingOut(apart)) {
        const done = (found: readonly string[]) => {
          for (const user of found) for (const confirmed of due.get(user) ?? []) this.#lookFrom(confirmed, '0');
        };
        pipeline.push({ request, done });
      }
    }
  }

  #lookFrom(confirmed: Confirmed, cursor: string): void {
    const { pipeline, retry, counts, clock } = this.#options;
    const { user, resource, sender, later } = confirmed;
    pipeline.push({
      request: sequenceGap(user, resource, sender, later, retry.afterGap(clock.now()), cursor),
      done: ({ next, keys }) => {
        counts.evidenceGap += keys.length;
        if (this.#ruleTrace !== undefined) this.#traceGaps(confirmed, keys);
        if (next !== '0') this.#lookFrom(confirmed, next);
      },
    });
  }

  /** Looks at nothing any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#confirmed.clear();
    this.#last = undefined;
  }

  #traceGaps({ user, resource, sender }: Confirmed, keys: readonly string[]): void {
    const session = withResource(user, resource);
    const why = `this session has confirmed a later message of ${sender}`;
    for (const key of keys) this.#ruleTrace?.(key, 'gap', { session, why }, 'passed over');
  }

  #confirmedBy(user: string, resource: string, sender: string): Confirmed {
    const name = `${sender} ${user}/${resource}`;
    let confirmed = this.#confirmed.get(name);
    if (confirmed === undefined) {
      confirmed = { user, resource, sender, later: 0, dueAt: performance.now() + this.#gather };
      this.#confirmed.set(name, confirmed);
    }
    return confirmed;
  }
}
