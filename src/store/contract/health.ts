/**
 * What an error of the store means for the call that met it. `connection`: the call may or may not have been carried out;
 * `state`: the store takes no writes at all (any more, yet), whatever they contain; `content`: this very call is at fault,
 * and others would go through.
 */
export type FaultKind = 'connection' | 'state' | 'content';

export interface StoreFault {
  readonly kind: FaultKind;
  /** The error's first word as Redis writes it (`READONLY`, `OOM` ...), or a name of ours; stable, for tests and metrics. */
  readonly code: string;
  /** What is wrong and what to do, in one line for an operator. */
  readonly text: string;
  /** The server behind this connection is not, or not yet, the one to write to: another connection may reach that. */
  readonly reconnect: boolean;
  /** Only a change of settings mends it, of the store or of ours: to try again would be in vain. */
  readonly lasting: boolean;
}

/** What is wrong with how the store is set up, in words for an operator. */
export interface StoreSetup {
  /** It must not be used like this: acknowledged messages would be lost. */
  readonly refusals: readonly string[];
  /** It works, and promises less. */
  readonly warnings: readonly string[];
}

/** Which store this is. */
export interface StoreMark {
  /** Random; of whoever wrote to this store first. */
  readonly id: string;
  /** Grows with each probe of any process. */
  readonly count: number;
  /** There was none: an empty store, or one that has lost all. */
  readonly made: boolean;
  /** How it is written, and how many shards it has; undefined where a version before both has written it. */
  readonly format?: number | undefined;
  readonly shards?: number | undefined;
  /** Where parts of the store have marks: how often one was found to be an older copy, or to be empty, since the process has begun. */
  readonly parts?: { readonly older: number; readonly emptied: number };
  /** The highest count that one of them remembers, where that is so much higher that {@link count} is an older copy's. */
  readonly highest?: number;
}

/** Writes that have no other purpose than to see whether, and where, the store takes them. All reject when it does not. */
export interface StoreProbe {
  /** Writes, and reads the store's mark. */
  write(): Promise<StoreMark>;
  /** Remembers ids of stanzas that this store's processes sent to themselves. */
  register(ids: readonly string[]): Promise<void>;
  /** Whether {@link register} was given this id, by whichever process. */
  knows(id: string): Promise<boolean>;
}

/** Knows why the connection to the store is not usable, which its calls do not say while it is being made again. */
export interface StoreConnection {
  /** What was last wrong with making the connection; undefined while there is one. */
  readonly fault: StoreFault | undefined;
  /** What an error of a call means: of the connection, where it says no more than that there is none. */
  explain(error: unknown): Promise<StoreFault>;
  /** Resolves with whether the connection is usable within `ms`; sooner when `hopeless` says so of what is wrong. */
  usable(ms: number, hopeless: (fault: StoreFault) => boolean): Promise<boolean>;
}

/** What a {@link StoreQueue} has last heard of the store; times are of the monotonic clock, ms. */
export interface StoreQueueHealth {
  readonly lastSuccessAt: number | undefined;
  readonly failingSince: number | undefined;
  /** What the last call failed with, while it does. */
  readonly fault: StoreFault | undefined;
}

/** What an operator says of a restored copy: what was pending in it is sent again, or it ends and its senders are told that nobody knows. */
export type RestoredWord = 'send' | 'end';

/** An older copy of the ledger is in its place. */
export interface Restored {
  /** What was stored until then (ms) is of the copy. */
  readonly upto: number;
  /** How many messages were pending in it. */
  readonly pending: number;
  /** The word was given that it ends, which is under way. */
  readonly isEnding: boolean;
}

/** What came of a word. */
export interface RestoredSaid {
  /** What was held back; undefined when nothing was. */
  readonly before: Restored | undefined;
  /** How many were ended so far, and whether that is all. */
  readonly ended: number;
  readonly done: boolean;
}
