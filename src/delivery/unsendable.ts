import type { AddressPolicy } from '../addressing/address-policy.ts';
import { type Bounced, type Clock, onlyThat, reject, type StoreQueue } from '../store/contract.ts';
import type { MessageTrace } from '../util/message-trace.ts';
import type { OutgoingStanza } from '../xmpp/connection/outgoing-stanza.ts';
import type { Endings } from './endings.ts';
import type { NoticeOutbox } from './notice-outbox.ts';
import type { Outbox } from './outbox.ts';
import type { JobsPort, Sent } from './ports.ts';

export interface UnsendableOptions {
  readonly pipeline: Pick<StoreQueue, 'perform'>;
  readonly addresses: Pick<AddressPolicy, 'returnsKeyOf'>;
  readonly outbox: Pick<Outbox, 'giveUp'>;
  readonly noticeOutbox: Pick<NoticeOutbox, 'sendWithoutBody'>;
  readonly endings: Pick<Endings, 'conclude'>;
  readonly jobs: Pick<JobsPort, 'putStanza'>;
  readonly clock: Clock;
  readonly counts: { quarantined: number };
  readonly trace?: MessageTrace;
  readonly log: { error(fields: object, message: string): void };
}

const WHY = 'The server ends the stream over it';

/** A stanza that the server ended the stream over twice: it is not tried a third time. */
export class Unsendable {
  readonly #options: UnsendableOptions;

  constructor(options: UnsendableOptions) {
    this.#options = options;
  }

  /** Takes a stanza from the link's quarantine. Never rejects. */
  async take({ tag, xml }: OutgoingStanza<Sent>): Promise<void> {
    const { outbox, noticeOutbox, jobs, counts, log } = this.#options;
    counts.quarantined += 1;
    try {
      if (tag?.kind === 'copy') await this.#reject(tag);
      else if (tag === undefined || !noticeOutbox.sendWithoutBody(tag)) {
        await jobs.putStanza(xml, WHY);
        if (tag) outbox.giveUp(tag);
      }
    } catch (error) {
      log.error({ err: error }, 'A stanza that ends the stream could not be put aside');
    }
  }

  /** The message ends, and its sender is told. */
  async #reject(copy: Sent): Promise<void> {
    const { pipeline, addresses, outbox, endings, clock, trace } = this.#options;
    trace?.('quarantined', copy.record, { why: WHY });
    outbox.giveUp(copy);
    const request = reject(copy.record.key, clock.now(), 'policy-violation', undefined, WHY, onlyThat(copy.record));
    // Behind a receipt that came before, and waits.
    const owner = addresses.returnsKeyOf(copy.record.recipient);
    const take = (rejected: Bounced) => {
      if (rejected.outcome === 'done') void endings.conclude(rejected.record, 'unsendable');
    };
    await pipeline.perform(request, take, owner);
  }
}
