import { handOver, type StoreClock, type StoredRecord, type StoreQueue } from '../store/contract.ts';
import type { RetryPolicy } from '../store/retry-policy.ts';
import type { MessageTrace, TraceDetails } from '../util/message-trace.ts';
import { hasNoStoreHint } from '../xmpp/stanza/build.ts';
import { InFlight } from './in-flight.ts';
import type { JobsPort, Sent } from './ports.ts';
import { openRuleTrace, type RuleTrace } from './rule-trace.ts';

export interface HandOversOptions {
  readonly pipeline: Pick<StoreQueue, 'push'>;
  readonly retry: RetryPolicy;
  readonly clock: StoreClock;
  readonly jobs: Pick<JobsPort, 'attemptScheduled'>;
  readonly trace?: MessageTrace;
}

/** Records that the server has copies, and when each is due again by the rules. */
export class HandOvers {
  readonly #options: HandOversOptions;
  readonly #ruleTrace: RuleTrace;
  /** Copies that the server has proved to have, which the ledger is about to record; by their record's key. */
  readonly inHand = new InFlight<Sent>();

  constructor(options: HandOversOptions) {
    this.#options = options;
    this.#ruleTrace = openRuleTrace(options.pipeline, options.trace);
  }

  /**
   * The server has handled a copy.
   *
   * @param now the time (ms) of the proof
   * @param took how long before that it was written, at most, ms
   */
  record(sent: Sent, now: number, took = 0): void {
    const { pipeline, retry } = this.#options;
    const { record, attempt } = sent;
    this.#options.trace?.('handed over', record);
    if (sent.receiptArrived) return;
    sent.provedAt = now;
    sent.took = took;
    const { storedAt } = record;
    const copies = record.copies + 1;
    const random = Math.random();
    const request = handOver({
      key: record.key,
      attempt,
      copies,
      byTimetable: retry.bySchedule(storedAt, copies, now, random),
      unconfirmed: retry.unconfirmed(storedAt, copies, now, random),
      sender: record.sender,
      recipient: record.recipient,
      noStore: sent.noStore === true || hasNoStoreHint(record.inner),
      provedAt: now,
      took,
      // Of a chat (RFC 6121 section 8.5.3.2.1), servers make the best; later copies go to the bare address, as a rule.
      resource: record.type === 'chat' ? '' : record.copies > 0 ? (sent.target ?? '') : record.recipientResource,
    });
    this.inHand.set(record.key, sent);
    const recorded = () => {
      if (this.inHand.get(record.key) === sent) this.inHand.delete(record.key);
    };
    pipeline.push({
      request,
      failed: recorded,
      done: (due) => {
        recorded();
        this.#options.trace?.(
          due === undefined ? 'redelivery skipped' : 'redelivery scheduled',
          record,
          this.#scheduleOf(record, due),
        );
        // Not after a mere reconnect: what has no earlier copy out is in no trouble.
        if (due !== undefined && record.copies > 0) this.#schedule(record, attempt, due);
      },
    });
    this.#ruleTrace?.(record.key, 'timer', { why: 'the server has a copy' });
  }

  /** For the log: what the rules of redelivery have decided about a copy that was handed over. */
  #scheduleOf({ storedAt }: StoredRecord, due: number | undefined): TraceDetails {
    if (due === undefined) return { why: 'it has ended, or a later copy is in flight' };
    const only = due >= this.#options.retry.expiry(storedAt);
    return {
      due,
      why: only ? 'only evidence brings another copy; then it expires' : 'by the clock, if no evidence comes first',
    };
  }

  #schedule(record: StoredRecord, attempt: number, due: number): void {
    const expires = due >= this.#options.retry.expiry(record.storedAt);
    this.#options.jobs.attemptScheduled({ record, attempt, due, expires });
  }
}
