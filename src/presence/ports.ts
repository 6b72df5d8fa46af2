import type { Store, StoreQueue } from '../store/contract.ts';
import type { Caps } from '../xmpp/stanza/entity-capabilities.ts';

/** The part of the link that is written to. */
export interface StanzaSink {
  send(xml: string, tag?: undefined, priority?: 'normal', key?: undefined, owner?: string): unknown;
}

/** The way to the store, in the order of arrival with messages. */
export type OperationQueue = Pick<StoreQueue, 'push' | 'perform' | 'failing'>;

/** What is read from the store beside that. */
export type PresenceStore = Pick<Store, 'contacts' | 'sessionsOf'>;

export interface PresenceCounts {
  presencesRelayed: number;
  presenceProbes: number;
  presenceReplies: number;
  staleSessions: number;
}

/** Who is told of sessions. `user` is a served bare JID. A session that was replaced by another has ended and begun. */
export interface SessionObserver {
  began(user: string, resource: string): void;
  /**
   * There was presence of a session that goes on; not of each one. `again`: nobody could hear for a while what it did,
   * so that it may have ended and begun.
   */
  updated(user: string, again: boolean): void;
  ended(user: string, resource: string): void;
  /** A session is there, as the user's server reports; what that means (one of the above, or nothing) follows before {@link recorded}. */
  reported?(user: string): void;
  recorded?(user: string): void;
}

/**
 * Finds out whether a client returns receipts: `y`es, `n`o or `u`nknown.
 *
 * @param caps what it says of its capabilities, if anything
 */
export type ReceiptsOf = (fullJid: string, caps: Caps | undefined) => Promise<'y' | 'n' | 'u'>;

export interface PresenceLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}
