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

/** About what a message takes in the store, in bytes of ASCII or characters: for rates and for what may wait. */
export function sizeOf({
  inner,
  sender,
  senderResource,
  recipient,
  recipientResource,
  wireId,
  otherAttributes,
}: Accept['message']): number {
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

/** Takes a receipt. Idempotent: a repetition is told as `repeated`, or by the same outcome as before. */
export interface Settle {
  readonly kind: 'settle';
  readonly key: string;
  /** The resource that the receipt came from. */
  readonly resource: string;
  /** ms. */
  readonly now: number;
  /** Bare JIDs, when it should be recorded that the recipient returns receipts. */
  readonly remember: { readonly sender: string; readonly recipient: string } | undefined;
  /** The record that it most likely settles, if the caller has it: then the store need not say it again. */
  readonly atHand: StoredRecord | undefined;
}

export const settle = (
  key: string,
  resource: string,
  now: number,
  remember?: Settle['remember'],
  atHand?: StoredRecord,
): Settle => ({ kind: 'settle', key, resource, now, remember, atHand });

/** What a receipt meant: `late` came after the message had ended otherwise, `repeated` after it was delivered. */
export type Settled =
  | { readonly outcome: 'delivered' | 'late'; readonly record: StoredRecord }
  | { readonly outcome: 'repeated' | 'unknown' };

/**
 * Takes a reply or a reaction, which are evidence that a message has arrived, unless its author has a message of his own
 * under `ownKey`, which it may be about. As {@link Settle}; `repeated` then.
 */
export interface SettleByMention {
  readonly kind: 'settleByMention';
  readonly key: string;
  readonly ownKey: string;
  readonly resource: string;
  /** ms. */
  readonly now: number;
}

export const settleByMention = (key: string, ownKey: string, resource: string, now: number): SettleByMention => ({
  kind: 'settleByMention',
  key,
  ownKey,
  resource,
  now,
});

/**
 * A correction or a retraction was delivered: what its sender wrote in that message's place before it is of no use any
 * more, and counts as delivered with it. Idempotent.
 */
export interface Supersede {
  readonly kind: 'supersede';
  readonly key: string;
}

export const supersede = (key: string): Supersede => ({ kind: 'supersede', key });

/** Records that the server has handled a copy. Idempotent; moot when a later attempt was claimed. */
export interface HandOver {
  readonly kind: 'handOver';
  readonly key: string;
  readonly attempt: number;
  /** How many copies have been handed over with it. */
  readonly copies: number;
  /** When it is due again (ms), should the rules leave it to the timetable or to the few retries of the unconfirmed. */
  readonly byTimetable: number;
  readonly unconfirmed: number;
  readonly sender: string;
  readonly recipient: string;
  /** Whether it was marked to be kept from offline storage (XEP-0334). */
  readonly noStore: boolean;
  /** The resource that it was for, where servers drop it should that one be gone; else empty. */
  readonly resource: string;
}

export type HandedOver = Omit<HandOver, 'kind' | 'resource'> & { readonly resource?: string };

export const handOver = (copy: HandedOver): HandOver => ({
  kind: 'handOver',
  key: copy.key,
  attempt: copy.attempt,
  copies: copy.copies,
  byTimetable: copy.byTimetable,
  unconfirmed: copy.unconfirmed,
  sender: copy.sender,
  recipient: copy.recipient,
  noStore: copy.noStore,
  resource: copy.resource ?? '',
});

/** Which ending of which message: a message may end, be requeued and end again. */
export type Ending = Pick<StoredRecord, 'key' | 'state'>;

/** How many records one request names at most: a call's size must not depend on how much there is to do. */
const MOST_NAMED = 100;

function inPortions<Each, Made>(all: readonly Each[], make: (portion: readonly Each[]) => Made): Made[] {
  const made: Made[] = [];
  for (let first = 0; first < all.length; first += MOST_NAMED) made.push(make(all.slice(first, first + MOST_NAMED)));
  return made;
}

/** Records that the senders of these were notified of how they ended. Idempotent. At most a hundred. */
export interface Notified {
  readonly kind: 'notified';
  readonly endings: readonly Ending[];
}

/** As many requests as it takes. */
export const notified = (endings: readonly Ending[]): Notified[] =>
  inPortions(endings, (portion): Notified => ({ kind: 'notified', endings: portion }));

/** Gives back what a sweep has leased until `leaseUntil` (ms): the next one finds it. At most a hundred. */
export interface Release {
  readonly kind: 'release';
  readonly endings: readonly Ending[];
  readonly leaseUntil: number;
}

/** As many requests as it takes. */
export const release = (endings: readonly Ending[], leaseUntil: number): Release[] =>
  inPortions(endings, (portion): Release => ({ kind: 'release', endings: portion, leaseUntil }));

/** Puts aside a pending record that turned out to be damaged where the store does not look: in its payload. Idempotent. */
export interface Quarantine {
  readonly kind: 'quarantine';
  readonly key: string;
}

export const quarantine = (key: string): Quarantine => ({ kind: 'quarantine', key });

/** The log has named these damaged records; at most as many as {@link Swept.unreported} gives. Idempotent. */
export interface Reported {
  readonly kind: 'reported';
  readonly keys: readonly string[];
}

export const reported = (keys: readonly string[]): Reported => ({ kind: 'reported', keys });

/**
 * Claims an attempt, for a lease: of two that claim the same one, one gets it. A repetition after a lost reply is moot; the
 * lease's end brings the message back.
 */
export interface Claim {
  readonly kind: 'claim';
  readonly key: string;
  readonly attempt: number;
  /** Until when (ms) the sweep that made the job has leased it: if it was handed over since, the job is moot. `*`: any. */
  readonly lease: number | '*';
}

export const claim = (key: string, attempt: number, lease: number | '*' = '*'): Claim => ({
  kind: 'claim',
  key,
  attempt,
  lease,
});

/**
 * `moot` when another has it or nothing is to be sent (now: its recipient may be known to be away), `overdue` when its life
 * is over; `asks` when sessions of its recipient's are first to be asked whether they are there.
 */
export type Claimed =
  | {
      readonly outcome: 'claimed';
      readonly record: StoredRecord;
      /** Whether offline storage must not take this copy. */
      readonly noStore: boolean;
      /** The recipient's resource that a copy should go to, since another session of his is silent; else empty. */
      readonly target: string;
    }
  | { readonly outcome: 'asks'; readonly user: string; readonly resources: readonly string[] }
  | { readonly outcome: 'overdue' }
  | { readonly outcome: 'moot' };

/** A copy came back with a temporary error. Idempotent. */
export interface Bounce {
  readonly kind: 'bounce';
  readonly key: string;
}

export const bounce = (key: string): Bounce => ({ kind: 'bounce', key });

/** What a bounce met: a pending message (as it now stands), one that had ended, or none. */
export type Bounced =
  | { readonly outcome: 'ended' | 'unknown' }
  | { readonly outcome: 'done'; readonly record: StoredRecord };

/** A copy came back for good: ends a pending message as `rejected`. A repetition meets one that has ended. */
export interface Reject {
  readonly kind: 'reject';
  readonly key: string;
  /** ms. */
  readonly now: number;
  /** Of the stanza error, RFC 6120 section 8.3. */
  readonly condition: string;
  readonly errorType: string | undefined;
  readonly text: string | undefined;
}

export const reject = (
  key: string,
  now: number,
  condition: string,
  errorType: string | undefined,
  text: string | undefined,
): Reject => ({ kind: 'reject', key, now, condition, errorType, text });

/** Brings a pending message's due time (ms) forward, unless its recipient is known to be away. Idempotent. */
export interface BringForward {
  readonly kind: 'bringForward';
  readonly key: string;
  readonly due: number;
  readonly recipient: string;
}

export const bringForward = (key: string, due: number, recipient: string): BringForward => ({
  kind: 'bringForward',
  key,
  due,
  recipient,
});

/**
 * Ends a message whose life is over, as `expired` or `unconfirmed`. Gives it; undefined when it is not its time, or it has
 * ended.
 */
export interface Expire {
  readonly kind: 'expire';
  readonly key: string;
  /** ms. */
  readonly now: number;
}

export const expire = (key: string, now: number): Expire => ({ kind: 'expire', key, now });

/** Gives an undelivered message a new life, an attempt claimed. Undefined when there is nothing to send. */
export interface Requeue {
  readonly kind: 'requeue';
  readonly key: string;
}

export const requeue = (key: string): Requeue => ({ kind: 'requeue', key });

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

export type MessageRequest =
  | Accept
  | Settle
  | SettleByMention
  | Supersede
  | HandOver
  | Notified
  | Release
  | Quarantine
  | Reported
  | Claim
  | Bounce
  | Reject
  | BringForward
  | Expire
  | Requeue
  | Withdraw
  | Readdress;

export interface MessageReplies {
  accept: Accepted;
  settle: Settled;
  settleByMention: Settled;
  supersede: undefined;
  /** When (ms) the message is due next; undefined when nothing is. */
  handOver: number | undefined;
  notified: undefined;
  release: undefined;
  quarantine: undefined;
  reported: undefined;
  claim: Claimed;
  bounce: Bounced;
  reject: Bounced;
  bringForward: undefined;
  expire: StoredRecord | undefined;
  requeue: StoredRecord | undefined;
  withdraw: undefined;
  readdress: undefined;
}
