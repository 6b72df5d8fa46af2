import type { Element } from '@xmpp/xml';
import { accept, readdress } from '../ledger/operations.ts';
import { type Envelope, encodeRecord, type StoredRecord } from '../ledger/record.ts';
import { withRequest } from '../stanza/build.ts';
import type { IdSource } from '../stanza/ids.ts';
import { payloadDigest, recordKey } from '../stanza/key.ts';
import type { Message } from '../stanza/message.ts';
import type { Notices } from './notices.ts';
import type { LinkPort, Outbox } from './outbox.ts';
import type { Passage, Route } from './passage.ts';
import type { Pipeline } from './pipeline.ts';

export interface AcceptanceOptions {
  readonly link: LinkPort;
  readonly pipeline: Pipeline;
  readonly outbox: Outbox;
  readonly notices: Notices;
  readonly passage: Passage;
  readonly ids: IdSource;
  readonly counts: { accepted: number; duplicates: number };
  /** ms from a message's arrival to its being stored. */
  readonly onStored: (ms: number) => void;
}

/** A message that bears content: it is stored, then acknowledged, then forwarded. */
export class Acceptance {
  readonly #options: AcceptanceOptions;

  constructor(options: AcceptanceOptions) {
    this.#options = options;
  }

  take({ from, to }: Route, message: Message, element: Element): void {
    const { pipeline, ids, counts, notices, outbox, link, passage, onStored } = this.#options;
    const { id, originId, asksReceipt, writtenType, otherAttributes } = message;
    const arrivedAt = Date.now();
    const wireId = id ?? originId ?? ids.next();
    const recipient = to.counterpart;
    const key = recordKey(from.bare, recipient, originId ?? wireId);
    const alias = originId !== undefined && originId !== wireId ? recordKey(from.bare, recipient, wireId) : '';
    const envelope: Envelope = {
      sender: from.bare,
      senderResource: from.resource,
      recipient,
      recipientResource: to.resource,
      wireId,
      senderId: id,
      owesReceipt: asksReceipt && id !== undefined,
      type: writtenType,
      otherAttributes,
    };
    const inner = withRequest(message.inner, asksReceipt);
    const digest = payloadDigest(message.payload);
    const token = ids.next();
    const value = encodeRecord(envelope, inner, digest, arrivedAt, token);
    const operation = accept(key, alias, digest, token, value);
    pipeline.push({
      operation,
      bytes: value.length,
      done: (reply) => {
        const accepted = operation.decode(reply);
        if (accepted.known !== undefined) {
          this.#duplicate(accepted.known, envelope);
          return;
        }
        counts.accepted += 1;
        onStored(Date.now() - arrivedAt);
        const acknowledgement = notices.stored(envelope);
        if (acknowledgement !== undefined) link.send(acknowledgement);
        outbox.forward(firstCopy(envelope, accepted.key, arrivedAt, inner));
      },
      refuse: () => passage.refuse(element, { condition: 'resource-constraint', text: 'Cannot store messages now' }),
    });
  }

  /** A resend: what is known is said again, to where the resend came from; nothing is forwarded. */
  #duplicate(known: StoredRecord, resend: Envelope): void {
    const { counts, notices, link, pipeline } = this.#options;
    const { senderResource, senderId, owesReceipt } = resend;
    counts.duplicates += 1;
    const about = { ...known, senderResource, senderId, owesReceipt };
    for (const xml of [notices.stored(about), notices.ended(about)]) if (xml !== undefined) link.send(xml);
    if (known.state === 'pending' && (known.senderResource !== senderResource || known.senderId !== senderId)) {
      pipeline.push({ operation: readdress(known.key, senderResource, senderId), done: () => {} });
    }
  }
}

function firstCopy(envelope: Envelope, key: string, storedAt: number, inner: string): StoredRecord {
  return {
    ...envelope,
    key,
    state: 'pending',
    attempt: 1,
    copies: 0,
    copyOut: false,
    bounced: false,
    firstStoredAt: storedAt,
    storedAt,
    settledAt: undefined,
    receiptResource: '',
    condition: undefined,
    conditionType: undefined,
    conditionText: undefined,
    inner,
  };
}
