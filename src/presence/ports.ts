import type { Element } from '@xmpp/xml';
import type { Operation } from '../store/redis/operations.ts';
import type { Caps } from '../xmpp/stanza/entity-capabilities.ts';

/** The part of the link that is written to. */
export interface OutPort {
  send(xml: string, tag?: undefined, priority?: 'normal', key?: undefined, owner?: string): unknown;
}

/** The ledger's operations, in the order of arrival with those of messages: see the receipts' pipeline. */
export interface Pipe {
  push(work: {
    readonly operation?: Operation<unknown>;
    readonly bytes?: number;
    /** On whose account it is done (a bare JID): those who wait take turns. */
    readonly owner?: string;
    done(reply: string): void;
    refuse?: (() => void) | undefined;
    /** Undoes what was refused, should Redis have carried it out all the same. */
    withdraw?: (() => Operation<unknown>) | undefined;
  }): void;
  /** Rejects when Redis does not answer in time. */
  perform<Result>(operation: Operation<Result>): Promise<Result>;
  /** Whether Redis fails. */
  readonly failing: boolean;
}

/** What is read from the ledger beside its operations. */
export interface Stored {
  watched(cursor: string): Promise<{ next: string; users: string[] }>;
  sessionsOf(user: string): Promise<string[]>;
}

/** What happens to stanzas that go no further. */
export interface Passing {
  refuse(
    element: Pick<Element, 'name' | 'attrs'>,
    error: {
      readonly condition: 'forbidden' | 'jid-malformed' | 'policy-violation' | 'resource-constraint';
      readonly text?: string;
    },
  ): void;
  drop(): void;
}

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
