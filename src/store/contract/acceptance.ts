import type { Envelope, StoredRecord } from './record.ts';

/**
 * Stores a message unless it is known (docs/guarantees.md has the rule), and unless its sender is over his quota. What is
 * known is answered from in any case: a resend takes nothing more. Idempotent by its `token`.
 */
export interface Accept {
  readonly kind: 'accept';
  /** From recordKey, with the origin-id or else the id. */
  readonly key: string;
  /** Its envelope, and its children as XML. */
  readonly message: Envelope & { readonly inner: string };
  /** ms. */
  readonly storedAt: number;
  /** Of its payload: what has the same is the same message. */
  readonly digest: string;
  /** Names this attempt to store it, so that a repetition after a lost reply is told from a duplicate. */
  readonly token: string;
  /** Whether a client that counts its ids might give another message the same one: see isUniqueId. */
  readonly countable: boolean;
  /** The key with the id, and the origin-id, where a message has both and they differ; else empty and undefined. */
  readonly alias: string;
  readonly originId: string | undefined;
  /** The key with the id of the message that it corrects or retracts; else empty. */
  readonly target: string;
  /** Undefined when nothing of its sender's quota needs to be looked up. */
  readonly quota: QuotaCheck | undefined;
}

export const accept = (fields: Omit<Accept, 'kind'>): Accept => ({
  kind: 'accept',
  key: fields.key,
  message: fields.message,
  storedAt: fields.storedAt,
  digest: fields.digest,
  token: fields.token,
  countable: fields.countable,
  alias: fields.alias,
  originId: fields.originId,
  target: fields.target,
  quota: fields.quota,
});

type Sized = Pick<
  Envelope,
  'sender' | 'senderResource' | 'recipient' | 'recipientResource' | 'wireId' | 'otherAttributes'
> & {
  readonly inner: string;
};

/** About what a message takes in the store, bytes; of addresses and ids, characters: for rates and for what may wait. */
export function sizeOf({
  inner,
  sender,
  senderResource,
  recipient,
  recipientResource,
  wireId,
  otherAttributes,
}: Sized): number {
  const addresses = sender.length + senderResource.length + recipient.length + recipientResource.length;
  return inner.length + addresses + wireId.length + otherAttributes.length + RECORD_OVERHEAD;
}
const RECORD_OVERHEAD = 130;

/** What somebody may have in the store unconfirmed; 0 is as much as he likes. */
export interface Limits {
  readonly messages: number;
  readonly bytes: number;
  /** Messages to one recipient. */
  readonly toOne: number;
  /** Of all senders of his domain together. */
  readonly domainMessages: number;
  readonly domainBytes: number;
}

/** Why a message is not stored: which quota its sender has used up; `rate` and `memory` are not the store's to say. */
export type QuotaReason = 'messages' | 'bytes' | 'conversation' | 'domain' | 'rate' | 'memory';

export interface QuotaCheck {
  readonly limits: Limits;
  /** Why it is not to be stored in any case, unless it is known. */
  readonly refuse: QuotaReason | undefined;
}

/**
 * `stored`: `key` is its record's, `target` that of the earlier one that it corrects or retracts; `known`: it was before,
 * and this is what is known of it; `refused`: by its sender's quota. `taken` is how much of that is taken, in percent;
 * undefined where it was not looked up.
 */
export type Accepted =
  | {
      readonly outcome: 'stored';
      readonly key: string;
      readonly target: string | undefined;
      readonly taken: number | undefined;
    }
  | { readonly outcome: 'known'; readonly record: StoredRecord; readonly taken: number | undefined }
  | { readonly outcome: 'refused'; readonly reason: QuotaReason; readonly taken: number };

/** Takes back a message that may have been stored although its sender was told that it was not. Idempotent. */
export interface Withdraw {
  readonly kind: 'withdraw';
  readonly key: string;
  /** As of {@link Accept}. */
  readonly token: string;
}

export const withdraw = (key: string, token: string): Withdraw => ({ kind: 'withdraw', key, token });

/** The sender's answers go to another resource, and name another id, from now on. Idempotent. */
export interface Readdress {
  readonly kind: 'readdress';
  readonly key: string;
  readonly senderResource: string;
  readonly senderId: string | undefined;
  /** Whether he asks for a receipt now; that he has asked once is not taken back. */
  readonly owesReceipt: boolean;
}

export const readdress = (
  key: string,
  senderResource: string,
  senderId: string | undefined,
  owesReceipt = false,
): Readdress => ({ kind: 'readdress', key, senderResource, senderId, owesReceipt });

/**
 * Whether a message of this key is known, or was within the deduplication window: what {@link Accept} would have to look at
 * more closely. It costs a fraction of that, for one whose sender is over his quota.
 */
export interface IsTaken {
  readonly kind: 'isTaken';
  readonly key: string;
}

export const isTaken = (key: string): IsTaken => ({ kind: 'isTaken', key });

export type AcceptanceRequest = Accept | Withdraw | Readdress | IsTaken;

export interface AcceptanceReplies {
  accept: Accepted;
  withdraw: undefined;
  readdress: undefined;
  isTaken: boolean;
}
