/**
 * What goes first while the server does not take all: `high` are answers to senders (acknowledgements, receipts, errors),
 * `low` is what can wait (further copies). Within each, order is kept for each owner.
 */
export type Priority = 'high' | 'normal' | 'low';

/**
 * What makes two stanzas say the same. As a function where the first of them is written: it is asked only when another one
 * comes while that waits, which hardly ever happens.
 */
export type CoalescingKey = string | (() => string);

/** A stanza that the server has been given or is about to be, and has not yet proved to have handled. */
export interface OutgoingStanza<T> {
  /** Octets (octets.ts). */
  readonly xml: string;
  readonly tag: T | undefined;
  /**
   * Set by its owner when it need not be written, or not again; set by the link when it has dropped it for want of memory,
   * and of one without a tag when the server has proved to have handled it.
   */
  done: boolean;
  readonly priority: Priority;
  /** While one with this key waits, a second is not needed. */
  readonly key: CoalescingKey | undefined;
  /** The user on whose account it is written (a bare JID): those who wait take turns. Without one it is the proxy's own. */
  readonly owner?: string;
}
