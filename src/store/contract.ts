import type { AcceptanceReplies, AcceptanceRequest } from './contract/acceptance.ts';
import type { AdministrationReplies, AdministrationRequest } from './contract/administration.ts';
import type { AttemptReplies, AttemptRequest } from './contract/attempts.ts';
import type { CommandSessionReplies, CommandSessionRequest } from './contract/command-sessions.ts';
import type { EndingReplies, EndingRequest } from './contract/endings.ts';
import type { EvidenceReplies, EvidenceRequest } from './contract/evidence.ts';
import type { ExplainReplies, ExplainRequest } from './contract/explain.ts';
import type { StoreQueueHealth } from './contract/health.ts';
import type { IqReplies, IqRequest } from './contract/iq.ts';
import type { ProbeReplies, ProbeRequest } from './contract/probes.ts';
import type { ProcessReplies, ProcessRequest } from './contract/processes.ts';
import type { StoredRecord } from './contract/record.ts';
import type { SessionReplies, SessionRequest } from './contract/sessions.ts';
import type { SettlementReplies, SettlementRequest } from './contract/settlement.ts';
import type { SubscriptionReplies, SubscriptionRequest } from './contract/subscriptions.ts';

export * from './contract/acceptance.ts';
export * from './contract/administration.ts';
export * from './contract/attempts.ts';
export * from './contract/command-sessions.ts';
export * from './contract/endings.ts';
export * from './contract/evidence.ts';
export * from './contract/explain.ts';
export * from './contract/health.ts';
export * from './contract/iq.ts';
export * from './contract/probes.ts';
export * from './contract/processes.ts';
export * from './contract/queries.ts';
export * from './contract/record.ts';
export * from './contract/sessions.ts';
export * from './contract/settlement.ts';
export * from './contract/steps.ts';
export * from './contract/subscriptions.ts';

/**
 * What the store does, whatever it is made of. A change is a request: a plain object, told apart by its `kind`, that a
 * function of that name makes. A whole batch of requests is carried out in its order as one step (nobody else's comes
 * between), and has a reply for each, of the type that {@link Replies} names.
 *
 * Whoever does not learn what became of a batch (the connection broke) makes it again: each request is idempotent, or its
 * docstring says what a repetition means. Times are in ms since the epoch, by {@link StoreClock}. Addresses are prepared
 * (RFC 7622), and bare unless something else is said.
 */
export type Request =
  | AcceptanceRequest
  | AdministrationRequest
  | AttemptRequest
  | CommandSessionRequest
  | EndingRequest
  | EvidenceRequest
  | ExplainRequest
  | IqRequest
  | ProbeRequest
  | ProcessRequest
  | SessionRequest
  | SettlementRequest
  | SubscriptionRequest;
export type Kind = Request['kind'];
export type RequestOf<K extends Kind> = Extract<Request, { readonly kind: K }>;

/** The type of each request's reply. */
export interface Replies
  extends AcceptanceReplies,
    AdministrationReplies,
    AttemptReplies,
    CommandSessionReplies,
    EndingReplies,
    EvidenceReplies,
    ExplainReplies,
    IqReplies,
    ProbeReplies,
    ProcessReplies,
    SessionReplies,
    SettlementReplies,
    SubscriptionReplies {}

export type ReplyTo<R extends Request> = Replies[R['kind']];

/** Carries out one request. Rejects when the store does not answer, or with an {@link OperationError}. */
export type Perform = <R extends Request>(request: R) => Promise<ReplyTo<R>>;

/** At its memory limit the store refuses what only adds, so that the others can free. */
export function adds({ kind }: Request): boolean {
  return kind === 'accept' || kind === 'requeue' || kind === 'recordIq' || kind === 'recordCapabilities';
}

/**
 * The store was late with a batch, or its clock was set forward, and nothing of the batch was carried out. To make it again
 * is right in either case.
 */
export class LateCallError extends Error {
  override name = 'LateCallError';
  constructor(message = 'Redis was late, and the call was not carried out') {
    super(message);
  }
}

/** One request that cannot be carried out, for what it is or what it found; the others of its batch were carried out. */
export class OperationError extends Error {
  override name = 'OperationError';
}

/** A request was carried out, and its reply is none that this version knows, or names a damaged record. */
export class UnreadableReplyError extends Error {
  override name = 'UnreadableReplyError';
}

/** What became of each request of a batch. */
export type Outcome<R extends Request = Request> = ReplyTo<R> | OperationError | UnreadableReplyError;

export interface Clock {
  /** ms since the epoch. */
  now(): number;
}

/** The store's time, as this process knows it: the same for all processes, and no step of a wall clock moves it. */
export interface StoreClock extends Clock {
  /** How far it is ahead of the wall clock, ms; 0 within a second. For times that people are shown. */
  aheadOfWall(): number;
}

/** What a sweep has found. */
export interface Swept {
  /** The store's time at the sweep, ms. */
  readonly now: number;
  /** Leased records without their payloads, in the order in which they were stored. */
  readonly overdue: readonly StoredRecord[];
  /** Damaged records that are kept aside. */
  readonly damaged: number;
  /** How many more are pending, by the count of them, than are due at any time; undefined where that was not looked at. */
  readonly missing?: number | undefined;
  /** Keys of those that no log has named; see {@link Reported}. */
  readonly unreported: readonly string[];
  /** Keys of records that passed for sound in the store and cannot be read here. */
  readonly unreadable: readonly string[];
}

export interface Figures {
  readonly pending: number;
  /** Ended messages whose sender has yet to be notified; a moment's difference when others write at the same time. */
  readonly owed: number;
  /** 0 when nothing is pending; to the minute. */
  readonly oldestPendingAgeSeconds: number;
  /** Damaged records that are kept aside. */
  readonly damaged: number;
}

/** What is read or swept beside the requests. All reject while the store does not answer. */
export interface Store {
  readonly clock: StoreClock;
  /**
   * Carries out requests in their order, atomically.
   *
   * @throws LateCallError, or an error of the connection; whether the requests took effect is then unknown, and to carry
   *   them out again is safe
   */
  batch(requests: readonly Request[]): Promise<readonly Outcome[]>;
  /**
   * Takes up to `limit` overdue messages, and as many senders who are to be notified; each is taken by nobody else for
   * `lease` ms. Damaged records that it meets are put aside.
   *
   * @param at the time (ms) to sweep at; by default the store's own
   * @param part which of {@link sweeps} it is; without it one after the other
   * @param miscounted how many are missing by the count, though they are not; see {@link Swept.missing}
   * @throws as {@link batch}
   */
  sweep(lease: number, limit: number, at?: number, part?: number, miscounted?: number): Promise<Swept>;
  /** How many sweeps look at everything there is, each at a part of it; 1 by default. */
  readonly sweeps?: number;
  /**
   * The newest message under each key, a few at a time: it holds up everything else.
   *
   * @param forSender whether their sender is told: then how often one was sent is left out, unless he gets the
   *   recipient's presence, which it would show
   */
  status(keys: readonly string[], forSender?: boolean): Promise<(StoredRecord | undefined)[]>;
  /** A portion of the users whose presence somebody wants; the cursor is `0` at the beginning, and again at the end. */
  contacts(cursor: string): Promise<{ next: string; users: string[] }>;
  /** The resources of a user's sessions, as far as they are known. */
  sessionsOf(user: string): Promise<string[]>;
  figures(now?: number): Promise<Figures>;
}

/** One thing in its owner's order of arrival: a request and what follows from its reply, or a mere action. */
export interface Work<R extends Request = Request> {
  readonly request?: R;
  /** Called in the order in which the store was called, with its reply (undefined where there is no request). */
  done(reply: ReplyTo<R>): void;
  /** Makes it work that may be refused while the store is unusable; called instead of `done`. */
  refuse?: (() => void) | undefined;
  /** Undoes the request of work that was refused, should the store have carried it out all the same. */
  withdraw?: (() => Request) | undefined;
  /**
   * Called instead of `done` when the request by itself cannot be carried out; without it `refuse` is. Also called after a `done`
   * that has thrown.
   */
  failed?: ((error: Error) => void) | undefined;
  /** What it takes in memory; counts towards what may wait. */
  readonly bytes?: number;
  /** On whose account it is done (a bare JID): order is kept for each, and those who wait take turns. Without one it is our own. */
  readonly owner?: string;
  /** Of work without a request: for whom it is (a bare JID), where it may overtake what its owner does for others. */
  readonly recipient?: string;
}

/** The way to the store: requests in the order of arrival, many in one batch. */
export interface StoreQueue {
  push<R extends Request>(work: Work<R>): void;
  /**
   * Pushes a request and gives its reply; rejects when it is refused or cannot be carried out.
   *
   * @param take does what must follow before anything does that comes after in the order of arrival: whoever awaits the
   *   reply goes on only when all of its batch is through
   * @param owner as of {@link Work}: then it overtakes nothing of his
   */
  perform<R extends Request>(request: R, take?: (reply: ReplyTo<R>) => void, owner?: string): Promise<ReplyTo<R>>;
  /**
   * These users, those apart whose parts of the store may stand still by themselves: nobody is to wait for another's. All together
   * without it.
   */
  apart?(users: readonly string[]): Iterable<readonly string[]>;
  /** Whether the last call to the store failed. */
  readonly failing: boolean;
  readonly health: StoreQueueHealth;
  /** Resolves when nothing waits or is in flight. */
  drained(): Promise<void>;
  /** Gives up what waits and takes nothing more. */
  close(): void;
}
