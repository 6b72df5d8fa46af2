import { type StoredRecord, type StoreQueue, supersede } from '../store/contract.ts';
import type { MessageTrace } from '../util/message-trace.ts';
import type { AcknowledgementBatches } from './acknowledgement-batches.ts';
import type { Copies } from './copies.ts';
import type { GateCopies } from './gate/gate-copies.ts';
import { ENDINGS, type Ending } from './message-state.ts';
import type { NoticeOutbox } from './notice-outbox.ts';
import type { JobsPort } from './ports.ts';
import type { RedeliveryWindows } from './redelivery/redelivery-windows.ts';

export interface EndingsOptions {
  readonly pipeline: Pick<StoreQueue, 'push'>;
  readonly copies: Pick<Copies, 'drop'> & { redeliver(...args: Parameters<Copies['redeliver']>): unknown };
  readonly batches: Pick<AcknowledgementBatches, 'delivered'>;
  readonly noticeOutbox: Pick<NoticeOutbox, 'send'>;
  readonly windows: Pick<RedeliveryWindows, 'messageEnded'>;
  readonly gate?: Pick<GateCopies, 'ended'> | undefined;
  readonly jobs: JobsPort;
  readonly counts: {
    delivered: number;
    lateReceipts: number;
    rejected: number;
    expired: number;
    unconfirmed: number;
  };
  /** ms from a message's being stored to the proof of its arrival. */
  readonly onDelivered: (ms: number) => void;
  readonly trace?: MessageTrace;
}

/**
 * Where every message ends, whoever found that it has: its recipient or his server, the clock, the link, its sender or an
 * administrator. The ledger has noted the ending; what follows from it is the duties of message-state.ts.
 */
export class Endings {
  readonly #options: EndingsOptions;

  constructor(options: EndingsOptions) {
    this.#options = options;
  }

  /**
   * Carries out what an ending owes.
   *
   * @param record as it is after the ending
   * @param isNotified whether its sender gets no notice of ours: the server has notified him, or his contact's client does
   * @returns settled when its dead letter is put down, if there is one; never rejects
   */
  conclude(record: StoredRecord, ending: Ending, isNotified = false): Promise<void> | undefined {
    const { copies, windows, jobs, counts, trace } = this.#options;
    const { to, sender, deadLetter, counter } = ENDINGS[ending];
    trace?.(to ?? 'discarded', record, { why: record.condition ?? ending });
    // A copy that still waits must not be written after its sender was told that it was not delivered.
    copies.drop(record.key);
    if (record.heldAs !== undefined && ending !== 'requeued') this.#options.gate?.ended(record);
    windows.messageEnded(record.recipient, record.key);
    if (counter !== undefined) counts[counter] += 1;
    if (to === 'delivered') this.#arrived(record);
    // Who did not ask is told of failures alone (XEP-0184 section 5.1: the request is what allows a receipt).
    if (!isNotified && (sender === 'failure' || (sender !== 'nothing' && record.owesReceipt))) this.#notify(record);
    // Jobs are made for later attempts only; a healthy message has none to remove.
    if (record.attempt > 1 || ending !== 'delivered') jobs.attemptOver(record);
    if (deadLetter === 'put') return jobs.putDeadLetter(record);
    if (deadLetter === 'remove') jobs.removeDeadLetter(record);
    return undefined;
  }

  /**
   * A sender is still to be told of an ending, and a sweep found that: whoever ended the message may have died before
   * anything followed from it. All of this is idempotent.
   */
  repeat(record: StoredRecord): Promise<void> | undefined {
    const { copies, jobs } = this.#options;
    copies.drop(record.key);
    this.#notify(record);
    if (record.state === 'expired' || record.state === 'rejected') return jobs.putDeadLetter(record);
    return undefined;
  }

  /** A message that had failed has a new life, as `record`: ends the failure and sends the message. */
  requeue(record: StoredRecord): void {
    // Its jobs are those of the attempt before.
    this.conclude({ ...record, attempt: record.attempt - 1 }, 'requeued');
    this.#options.copies.redeliver(record, false);
  }

  /** Tells a sender how his message ended; one who is away is told when he comes. */
  #notify(record: StoredRecord): void {
    const { batches, noticeOutbox, trace } = this.#options;
    if (record.senderAway) trace?.('notification deferred', record, { why: 'its sender is away' });
    else if (!batches.delivered(record)) noticeOutbox.send(record);
    else trace?.('notified', record, { why: `it is ${record.state}; with others, in a batch` });
  }

  #arrived({ key, target, firstStoredAt, settledAt = firstStoredAt }: StoredRecord): void {
    const { pipeline, onDelivered } = this.#options;
    onDelivered(settledAt - firstStoredAt);
    if (target !== undefined) pipeline.push({ request: supersede(key), done: () => {} });
  }
}
