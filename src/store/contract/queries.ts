import type { Paused } from './administration.ts';
import type { StoredRecord } from './record.ts';

/** A record as it is found, without its payload. */
export interface Found {
  readonly record: StoredRecord;
  /** Whether a copy is kept of what was not delivered; `record` is that copy when nothing else is left. */
  readonly kept: boolean;
  /** When it is due next (ms), if it is. */
  readonly due: number | undefined;
  /** Whether its sender gets its recipient's presence, and so may be told what shows that. */
  readonly seesPresence: boolean;
}

/** Something that happened to a message that was in trouble. */
export interface LifeEvent {
  /** ms since the epoch. */
  readonly at: number;
  readonly what: string;
}

/** A part of all records' keys, and where to go on; the last part has no `next`. */
export interface KeyPortion {
  readonly keys: readonly string[];
  readonly next: string | undefined;
}

/** Some of the messages that wait for a receipt, and where to go on; the last portion has no `next`. */
export interface PendingPortion {
  readonly found: readonly Found[];
  readonly next: string | undefined;
}

/** What one has in the store. */
export interface Load {
  /** A bare JID; `@` and a domain for all of its users. */
  readonly of: string;
  readonly messages: number;
  readonly bytes: number;
}

/** Questions about the store that people ask, not stanzas. They change nothing, and reject while it does not answer. */
export interface StoreQueries {
  /** A sender's messages that are in trouble: up to `limit`, the oldest first, and how many there are. */
  inTrouble(sender: string, limit: number): Promise<{ found: Found[]; total: number }>;
  /**
   * Messages that wait for a receipt of this recipient and of which a copy was handed over or came back: up to `limit`, the
   * oldest first, and how many there are.
   */
  waitingFor(recipient: string, limit: number): Promise<{ found: Found[]; total: number }>;
  /**
   * All messages that wait for a receipt, a portion at a time and in no order. What waits all the time is found, maybe
   * twice; what comes or ends meanwhile may be.
   *
   * @param cursor from the last portion's `next`; '0' to begin
   */
  pending(cursor: string): Promise<PendingPortion>;
  /** All messages that go by this key, from recordKey: a client may use an id again. */
  byKey(key: string): Promise<Found[]>;
  /** Those of these records that are there. */
  records(keys: readonly string[]): Promise<Found[]>;
  /** What happened to a message that was in trouble, in order; a healthy one has nothing. */
  life(key: string): Promise<LifeEvent[]>;
  paused(): Promise<Paused | undefined>;
  /** The users whose presence somebody gets. */
  contacts(): Promise<string[]>;
  /** Those who have the most bytes in the store, most first; with very many senders, of as many as can be looked through. */
  heaviest(limit: number): Promise<Load[]>;
  /**
   * The keys of all records and undelivered copies, a portion at a time. What is there all the time is found, maybe
   * twice; what comes meanwhile may be.
   *
   * @param cursor from the last portion's `next`; '0' to begin
   */
  portion(cursor: string): Promise<KeyPortion>;
}
