/** Where a message stands. All but `pending` are endings; `delivered` is the only one that is owed no failure. */
export type State = 'pending' | 'delivered' | 'expired' | 'unconfirmed' | 'rejected';

/** What is known of a message from the moment that it is accepted. Addresses are those of the served domain. */
export interface Envelope {
  /** The sender's bare JID and resource. */
  readonly sender: string;
  readonly senderResource: string;
  /** The recipient's bare JID, and the resource that the sender addressed (or none). */
  readonly recipient: string;
  readonly recipientResource: string;
  /** The id that it goes out under. */
  readonly wireId: string;
  /** The id that its sender gave it, if he did. */
  readonly senderId: string | undefined;
  /** Whether the sender asked for a receipt and gave an id that a receipt can name. */
  readonly owesReceipt: boolean;
  readonly type: string | undefined;
  readonly otherAttributes: string;
  /** Under which number a gate held the original (docs/gate-protocol.md); undefined of a message that was routed to us. */
  readonly heldAs?: string | undefined;
}

/** What the token of an attempt to store it begins with that names a message of a gate. */
const HELD = 'g:';

/** Names the attempt to store a message that a gate holds: by its number, which so is in the record. */
export function tokenOfHeld(heldAs: string): string {
  return HELD + heldAs;
}

/** The number of a message that a gate held, from the token of the attempt that stored it. */
export function heldAsOf(token: string): string | undefined {
  return token.startsWith(HELD) ? token.slice(HELD.length) : undefined;
}

/** A message as the store gives it back. */
export interface StoredRecord extends Envelope {
  readonly key: string;
  /** The key of the earlier message that it corrects or retracts, if it does. */
  readonly target: string | undefined;
  readonly state: State;
  /** Attempts claimed so far: the fencing token between processes. */
  readonly attempt: number;
  /** Copies that were recorded as handed over; see {@link copiesOf}. */
  readonly copies: number;
  /** Whether a copy may lie at the server or the client. */
  readonly copyOut: boolean;
  /** Whether the last copy came back with a temporary error, and no earlier one is out. */
  readonly bounced: boolean;
  /** When it was first stored, ms. */
  readonly firstStoredAt: number;
  /** From when its life counts, ms: the same, unless an operator requeued it. */
  readonly storedAt: number;
  /** Whether it ended undelivered while its sender is known to be away: he is notified when he is available. */
  readonly senderAway: boolean;
  /** ms. */
  readonly settledAt: number | undefined;
  /** The resource that the receipt came from, or that was seen to have it; see {@link isProved}. */
  readonly receiptResource: string;
  /** Why it was rejected: a stanza error condition. */
  readonly condition: string | undefined;
  readonly conditionType: string | undefined;
  readonly conditionText: string | undefined;
  /** Its children as XML. Of one that has ended, only those of a failure that its sender is to be told, where they are kept. */
  readonly inner: string;
}

/**
 * Whether a message has ended because the recipient's server saw that his client has it, without a receipt: its sender is
 * told nothing, and for him it is not confirmed.
 */
export function isProved({ state, receiptResource }: Pick<StoredRecord, 'state' | 'receiptResource'>): boolean {
  return state === 'unconfirmed' && receiptResource !== '';
}

/** What is left of a message that was delivered a while ago: that it was. All times are 0, and all texts but its key empty. */
export function nothingButDelivered(key: string): StoredRecord {
  return {
    key,
    target: undefined,
    state: 'delivered',
    attempt: 1,
    copies: 0,
    copyOut: false,
    bounced: false,
    senderAway: false,
    sender: '',
    senderResource: '',
    recipient: '',
    recipientResource: '',
    wireId: '',
    senderId: undefined,
    owesReceipt: false,
    type: undefined,
    otherAttributes: '',
    heldAs: undefined,
    inner: '',
    firstStoredAt: 0,
    storedAt: 0,
    settledAt: undefined,
    receiptResource: '',
    condition: undefined,
    conditionType: undefined,
    conditionText: undefined,
  };
}

/** Which ending of which message: a message may end, be requeued and end again. */
export type Ending = Pick<StoredRecord, 'key' | 'state'>;

/** How many copies it took, to be shown: a receipt may come before it was recorded that the one it is for was handed over. */
export function copiesOf({ state, copies }: Pick<StoredRecord, 'state' | 'copies'>): number {
  return state === 'delivered' ? Math.max(copies, 1) : copies;
}

/** What tells the order of messages. */
export interface Stored {
  /** ms. */
  readonly storedAt: number;
  /** Tells the order of those that were stored in the same millisecond: each process counts its own. */
  readonly token: string;
}

/** For sorting: the order in which messages were stored. As comes_before in Lua. */
export function byStoring(one: Stored, other: Stored): number {
  const apart = one.storedAt - other.storedAt || one.token.length - other.token.length;
  return apart !== 0 ? apart : one.token < other.token ? -1 : 1;
}
