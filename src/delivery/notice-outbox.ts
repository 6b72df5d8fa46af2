import { notified, type StoredRecord, type StoreQueue } from '../store/contract.ts';
import type { MessageTrace } from '../util/message-trace.ts';
import type { GateCopies } from './gate/gate-copies.ts';
import { InFlight } from './in-flight.ts';
import { type Notices, turnOf } from './notices.ts';
import type { LinkPort, Sent } from './ports.ts';

export interface NoticeOutboxOptions {
  readonly link: LinkPort;
  readonly pipeline: Pick<StoreQueue, 'push'>;
  readonly notices: Notices;
  /** What is said in a contact's own name goes through it. */
  readonly gate?: GateCopies | undefined;
  readonly trace?: MessageTrace;
}

/** Notices on their way to senders, each in a stanza of its own: how their messages ended. Owed until the server has them. */
export class NoticeOutbox {
  readonly #options: NoticeOutboxOptions;
  /** By their record's key. */
  readonly #inFlight = new InFlight<Sent>();

  constructor(options: NoticeOutboxOptions) {
    this.#options = options;
  }

  /** Tells a sender how his message ended. */
  send(ended: StoredRecord): void {
    const record = this.#addressed(ended);
    const xml = this.#options.notices.ending(record);
    const before = this.#inFlight.get(record.key);
    if (before?.held !== undefined && !before.held.done && before.record.state === record.state) {
      before.attempt = record.attempt;
      return;
    }
    // The body is in the text, and not kept twice.
    const quotes = record.inner !== '';
    const sent: Sent = { kind: 'notice', attempt: record.attempt, record: quotes ? { ...record, inner: '' } : record };
    if (quotes) sent.quotes = true;
    if (xml === undefined) this.recordNotified([record]);
    else {
      this.#options.trace?.('notified', record, { why: `it is ${record.state}` });
      this.#write(xml, sent);
    }
  }

  /**
   * A receipt for a session that has ended goes to the user: Openfire 4.2 puts what is for such a session in offline storage, also
   * when he is there with another of priority 0. Of failures the store finds a session that lives.
   */
  #addressed(record: StoredRecord): StoredRecord {
    const isReceipt = record.state === 'delivered' && record.heldAs !== undefined;
    if (!isReceipt || this.#options.gate?.isGone(record.sender, record.senderResource) !== true) return record;
    return { ...record, senderResource: '' };
  }

  #write(xml: string, sent: Sent): void {
    const { gate, link, notices } = this.#options;
    const { record } = sent;
    if (gate !== undefined && notices.isInContactsName(record)) {
      this.#inFlight.set(record.key, sent);
      sent.held = gate.tell(xml, sent);
      return;
    }
    sent.held = link.send(xml, sent, 'high', undefined, turnOf(record));
    if (!sent.held.done) this.#inFlight.set(record.key, sent);
  }

  /** Sends a notice once more without the message's body, over which the server may end the stream; false when it has none. */
  sendWithoutBody(sent: Sent): boolean {
    if (!sent.quotes) return false;
    this.remove(sent);
    this.send({ ...sent.record, attempt: sent.attempt });
    return true;
  }

  /** It is no longer on its way. */
  remove(sent: Sent): void {
    if (this.#inFlight.get(sent.record.key) === sent) this.#inFlight.delete(sent.record.key);
  }

  /** Their senders know how these ended, or cannot be told: nothing is owed to them any more. */
  recordNotified(records: readonly StoredRecord[]): void {
    const { trace } = this.#options;
    if (trace !== undefined)
      for (const record of records) trace('notification handed over', record, { why: `it is ${record.state}` });
    for (const request of notified(records)) this.#options.pipeline.push({ request, done: () => {} });
  }
}
