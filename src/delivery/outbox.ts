import type { AddressPolicy } from '../addressing/address-policy.ts';
import { type Clock, claim, type StoredRecord, type StoreQueue } from '../store/contract.ts';
import type { RetryPolicy } from '../store/retry-policy.ts';
import type { MessageTrace } from '../util/message-trace.ts';
import type { OutgoingStanza } from '../xmpp/connection/outgoing-stanza.ts';
import type { Copies } from './copies.ts';
import { Leases } from './leases.ts';
import type { NoticeOutbox } from './notice-outbox.ts';
import type { Sent } from './ports.ts';

export interface OutboxOptions {
  readonly pipeline: StoreQueue;
  readonly addresses: Pick<AddressPolicy, 'returnsKeyOf'>;
  readonly copies: Copies;
  readonly noticeOutbox: NoticeOutbox;
  readonly retry: RetryPolicy;
  readonly clock: Clock;
  readonly counts: { handedOver: number };
  readonly trace?: MessageTrace;
}

/** What the link has of ours, copies and notices alike, from its being written to the server's proof that it has it. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly leases: Leases;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.leases = new Leases(options);
  }

  /**
   * The server has handled these.
   *
   * @param took how long it took from the writing of the first of them until now, when that is known, ms
   */
  handedOver(batch: readonly Sent[], took = 0): void {
    const { copies, noticeOutbox, counts, clock } = this.#options;
    const now = clock.now();
    const age = Math.ceil(took);
    counts.handedOver += batch.length;
    this.leases.progress();
    const notices: StoredRecord[] = [];
    for (const sent of batch) {
      this.#remove(sent);
      if (sent.kind === 'notice') notices.push(sent.record);
      // What was written before it in one go, such as word of a session's end, says nothing of it.
      else copies.handOvers.record(sent, now, Math.max(0, Math.min(age, now - (sent.givenAt ?? 0))));
    }
    noticeOutbox.recordNotified(notices);
  }

  /**
   * After the link was down: claims what was not handed over, so that what another process, or a job, has taken up
   * meanwhile is not sent twice. What cannot be claimed is dropped; the ledger has it.
   */
  async resume(held: readonly OutgoingStanza<Sent>[]): Promise<OutgoingStanza<Sent>[]> {
    const kept = await Promise.all(
      held.map(async (one) => {
        const sent = one.tag;
        if (sent === undefined) return one;
        if (one.done || !(await this.#claimAgain(sent))) {
          this.#remove(sent);
          return undefined;
        }
        return one;
      }),
    );
    return kept.filter((one) => one !== undefined);
  }

  /** It cannot be sent: a notice is owed no longer. */
  giveUp(sent: Sent): void {
    this.#remove(sent);
    if (sent.kind === 'notice') this.#options.noticeOutbox.recordNotified([sent.record]);
  }

  /** It is not known whether the server has had it: the store's lease brings it back. */
  abandon(sent: Sent): void {
    this.#remove(sent);
  }

  /** Renews no leases any more. */
  close(): void {
    this.leases.close();
  }

  #remove(sent: Sent): void {
    const { copies, noticeOutbox } = this.#options;
    if (sent.kind === 'copy') copies.remove(sent);
    else noticeOutbox.remove(sent);
  }

  async #claimAgain(sent: Sent): Promise<boolean> {
    const { pipeline, addresses } = this.#options;
    try {
      // What its recipient has returned since comes first, however much waits.
      const owner = addresses.returnsKeyOf(sent.record.recipient);
      const claimed = await pipeline.perform(claim(sent.record.key, sent.attempt), undefined, owner);
      if (claimed.outcome !== 'claimed') {
        this.#options.trace?.('redelivery skipped', sent.record, {
          why: 'another process or a job has it, or it has ended',
        });
        return false;
      }
      this.#options.trace?.('claimed again after a reconnect', claimed.record);
      sent.attempt = claimed.record.attempt;
      // A notice is for one ending; a late receipt may have come since.
      return sent.kind === 'copy' ? claimed.record.state === 'pending' : claimed.record.state === sent.record.state;
    } catch {
      return false;
    }
  }
}
