import type { Perform, Restored, RestoredSaid, RestoredWord, StoredRecord, StoreQueries } from '../store/contract.ts';
import type { PendingSurvey } from './pending-survey.ts';

/** A message that failed and is kept (or a stanza that ended the stream, which has no `key`), for an operator. */
export interface DeadLetter {
  readonly id: string;
  /** The record's key in the ledger; empty when it is no message of the ledger's. */
  readonly key: string;
  readonly from: string;
  readonly to: string;
  /** The id that its sender gave it; empty where it is not known. */
  readonly messageId: string;
  /** ISO 8601, or empty. */
  readonly stored: string;
  /** ISO 8601. */
  readonly ended: string;
  readonly why: string;
}

/** What commands need of the rest of the process. All may reject while Redis does not answer. */
export interface CommandContext {
  readonly queries: StoreQueries;
  readonly survey: PendingSurvey;
  /** MESSAGE_TTL, ms. */
  readonly messageTtl: number;
  /** In the order of the stanzas that came before. */
  readonly perform: Perform;
  /** Problems that stop the component, one sentence each; never rejects. */
  readonly problems: () => Promise<readonly string[]>;
  /** Name and value of each figure that an operator looks at. */
  readonly figures: () => Promise<readonly (readonly [name: string, value: string])[]>;
  /** Sends a requeued message. */
  readonly requeued: (record: StoredRecord) => void;
  /** A message is not to be sent any more: it was pending and is cancelled, or had failed and is kept no longer. */
  readonly ended: (record: StoredRecord, ending: 'cancelled' | 'discarded') => void;
  readonly deadLetters: {
    /**
     * Those from or to a user (his bare JID in the served domain), or all; the newest first, and how many there are: of a
     * user's as many as are found in the newest of all, and `all` says whether there may be more.
     */
    list(
      of: string | undefined,
      limit: number,
    ): Promise<{ readonly letters: readonly DeadLetter[]; readonly total: number; readonly all: boolean }>;
    /** All of them or a user's, the newest first, of however many there are; read a page at a time. */
    each(of: string | undefined): AsyncIterable<DeadLetter>;
    remove(id: string): Promise<void>;
  };
  /** Erases all about a user; resolves when that is done or goes on by itself. Gives how much is erased so far. */
  readonly forget: (jid: string) => Promise<{ readonly done: boolean; readonly erased: number }>;
  /** How many records {@link forget} would erase: as many as can be counted in a moment. */
  readonly countRecords: (jid: string) => Promise<{ readonly all: boolean; readonly count: number }>;
  /** What is pending in a restored copy of the ledger. */
  readonly restored: {
    /** Undefined while there is none. */
    state(): Promise<Restored | undefined>;
    /** @param by who says so, for the log */
    say(word: RestoredWord, by: string): Promise<RestoredSaid>;
  };
  readonly version: string;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}
