import type { Durability, MessageState, StatusAttributes } from '../../packages/protocol/elements.ts';
import type { AddressPolicy } from '../addressing/address-policy.ts';
import { isProved, type StoredRecord } from '../store/contract.ts';
import { formatLongDuration } from '../util/duration.ts';
import type { OutgoingStanza } from '../xmpp/connection/outgoing-stanza.ts';
import { withResource } from '../xmpp/stanza/address.ts';
import {
  type AckFormat,
  acknowledgement,
  deliveryReceipt,
  EXPIRED_CONDITION,
  errorStanza,
  type StanzaError,
  statusElement,
  unconfirmedNotice,
} from '../xmpp/stanza/build.ts';
import { errorBodyFrom } from '../xmpp/stanza/error-body.ts';
import { isCondition } from '../xmpp/stanza/error-conditions.ts';
import type { IdSource } from '../xmpp/stanza/ids.ts';

export interface NoticeOptions {
  readonly addresses: AddressPolicy;
  readonly ids: IdSource;
  readonly ackFormat: AckFormat;
  /** What the store keeps of a message before it is acknowledged. */
  readonly durability: Durability;
  /** A message's life, ms; named in the words of a failure. */
  readonly messageTtl: number;
}

/** The parts of a message that its sender is told about. */
export type NoticeSubject = Pick<
  StoredRecord,
  'sender' | 'senderResource' | 'recipient' | 'senderId' | 'owesReceipt' | 'heldAs'
>;

/**
 * Whose turn it is on the link when a sender is told of this (see {@link OutgoingStanza.owner}). What the gate is told of a held message is
 * nobody's, and must not go before its acknowledgement: the receipt for it could be there first.
 */
export function turnOf({ sender, heldAs }: Pick<NoticeSubject, 'sender' | 'heldAs'>): string {
  return heldAs === undefined ? sender : '';
}

/** What the proxy tells a sender, in XML. Pure, but for the ids that it uses up. */
export class Notices {
  readonly #options: NoticeOptions;

  constructor(options: NoticeOptions) {
    this.#options = options;
  }

  /** "The proxy has it"; undefined when the sender did not ask, or is not to be told in this configuration. */
  acknowledgement(about: NoticeSubject): string | undefined {
    const { ackFormat, addresses, durability } = this.#options;
    if (ackFormat === 'none' || !about.owesReceipt || about.senderId === undefined) return undefined;
    const from = addresses.acknowledgementFrom(about);
    // A receipt from the contact himself follows, as his own client's would; from nobody else are there any.
    const format = about.heldAs === undefined ? ackFormat : 'stored';
    return acknowledgement(this.#notice(about, about.senderId, from), addresses.writtenTo(about), format, durability);
  }

  /** What one session is told of many messages: a request's child. All must be such as it would be told of alone. */
  batch(stored: readonly NoticeSubject[], delivered: readonly StoredRecord[]): string {
    const { addresses } = this.#options;
    const one = (about: NoticeSubject, state: MessageState): StatusAttributes => ({
      id: about.senderId ?? '',
      to: addresses.writtenTo(about),
      state,
    });
    const all = [...stored.map((it) => one(it, 'pending')), ...delivered.map((it) => one(it, 'delivered'))];
    return statusElement(all, stored.length > 0 ? this.#options.durability : undefined);
  }

  /** Whether the sender is told that his message is stored. */
  acknowledges({ owesReceipt, senderId }: NoticeSubject): boolean {
    return this.#options.ackFormat !== 'none' && owesReceipt && senderId !== undefined;
  }

  /** How a message ended, if it has and its sender is to be told; a failure with its body, where that is still known. */
  ending(record: StoredRecord): string | undefined {
    const { addresses } = this.#options;
    const { senderId } = record;
    const asked = record.owesReceipt && senderId !== undefined;
    switch (record.state) {
      case 'pending':
        return undefined;
      case 'delivered':
        return asked
          ? deliveryReceipt(this.#notice(record, senderId, addresses.receiptFrom(record, record.receiptResource)))
          : undefined;
      case 'unconfirmed':
        return asked && !isProved(record)
          ? unconfirmedNotice(
              this.#notice(record, senderId, addresses.acknowledgementFrom(record)),
              addresses.writtenTo(record),
            )
          : undefined;
      case 'expired':
      case 'rejected':
        return errorStanza(
          'message',
          this.#sender(record),
          addresses.errorFrom(record),
          senderId,
          this.#failure(record),
          errorBodyFrom(record.inner),
        );
    }
  }

  /**
   * Whether what is said of its end has the contact's own address for its sender, and not one of the component's: servers end the
   * stream of a component that sends it. Of what was held, and of the rest of a damaged record, which says that no more.
   */
  isInContactsName(record: StoredRecord): boolean {
    if (record.state === 'unconfirmed') return false;
    const { addresses } = this.#options;
    return record.heldAs !== undefined || addresses.errorFrom(record).endsWith(`@${addresses.servedDomain}`);
  }

  #failure(record: StoredRecord): StanzaError {
    if (record.state === 'expired') {
      return {
        condition: 'recipient-unavailable',
        by: this.#options.addresses.errorBy,
        // Not "not delivered": a client may have shown it and returned no receipt.
        text: `No confirmation within ${formatLongDuration(this.#options.messageTtl)}`,
        extra: EXPIRED_CONDITION,
      };
    }
    const { condition, conditionType, conditionText } = record;
    return {
      condition: condition !== undefined && isCondition(condition) ? condition : 'undefined-condition',
      ...(conditionType !== undefined && { type: conditionType }),
      ...(conditionText !== undefined && { text: conditionText }),
    };
  }

  #sender({ sender, senderResource }: NoticeSubject): string {
    return withResource(sender, senderResource);
  }

  #notice(about: NoticeSubject, id: string, from: string): { from: string; to: string; id: string; about: string } {
    return { from, to: this.#sender(about), id: this.#options.ids.next(), about: id };
  }
}
