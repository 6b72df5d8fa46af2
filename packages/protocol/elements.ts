// The elements in our own namespace (`own` in namespaces.ts): who writes each, and where. A state's name and an attribute's
// are part of the format too; their types are here.

/**
 * In a message from the component (or, by its setting, from the recipient's address): the message named by
 * {@link NoticeAttributes} is stored, as its {@link DURABILITY} says.
 */
export const STORED = 'stored';
/**
 * The attribute of {@link STORED}, and of the {@link STATUS} of a batch for what is `pending` in it, that says how: a
 * {@link Durability}.
 */
export const DURABILITY = 'durability';
/**
 * What an acknowledgement says: the component's store has the message in memory; it is on the store's disk (synced); so many
 * replicas of the store have taken it.
 */
export type Durability = 'memory' | 'disk' | `replicas:${number}`;
/** In the same place: that message was handed over, and its recipient was never seen to return a receipt. */
export const UNCONFIRMED = 'unconfirmed';
/** The application-specific condition (RFC 6120 section 8.3.4) of a message that was not confirmed in time. */
export const EXPIRED = 'expired';
/** In a client's message, without attributes: its session takes batches, that is requests with {@link STATUS}. */
export const BATCH = 'batch';
/**
 * The child of an IQ stanza, with a {@link STATUS_MESSAGE} for each message. From a client, of type `get`: what is known of
 * these? From the component, of type `result`: the answer. From the component, of type `set`: a batch, which tells what
 * would else be told in as many messages.
 */
export const STATUS = 'status';
/** One message in it; in a client's question with {@link NoticeAttributes}, else with {@link StatusAttributes}. */
export const STATUS_MESSAGE = 'message';

/** How many messages a question, an answer or a batch names at most. */
export const MAX_STATUS_MESSAGES = 100;
/** How many receipts (XEP-0184) a message may have, to a component with the feature `batch` of namespaces.ts. */
export const MAX_RECEIPTS = 100;

/** What names a message. */
export interface NoticeAttributes {
  /** As its sender gave it. */
  readonly id: string;
  /** The recipient's bare JID, as its sender wrote it. */
  readonly to: string;
}

/** The state of a message that the component has had; `unknown` where it knows of none. */
export type MessageState = 'pending' | 'delivered' | 'expired' | 'unconfirmed' | 'rejected' | 'unknown';

export interface StatusAttributes extends NoticeAttributes {
  readonly state: MessageState;
  /** In an answer, unless it is `unknown`: when it was stored, an XEP-0082 DateTime. */
  readonly stored?: string | undefined;
  /** In an answer: when it ended, likewise. */
  readonly settled?: string | undefined;
  /** In an answer, to who may know: how many copies were sent. */
  readonly attempts?: string;
}
