import {
  byStoring,
  type Figures,
  type Kind,
  OperationError,
  type Outcome,
  type Replies,
  type ReplyTo,
  type Request,
  type RequestOf,
  type Store,
  type StoreClock,
  type StoredRecord,
  type Swept,
} from '../contract.ts';
import { LEASE, type RetryPolicy } from '../retry-policy.ts';
import { accept, readdress, shown, withdraw } from './acceptance.ts';
import { bounce, bringForward, claim, explain, handOver, release, renewLease, ruleOf, sweep } from './attempts.ts';
import { cancel, erase, expire, reject, requeue, retryNow, settle, supersede } from './endings.ts';
import { Capabilities, CommandSessions, IqRequests } from './requests.ts';
import { type Entry, MemoryState, type MemoryTimes } from './state.ts';

/** The memory store does not do this: a test that needs it takes Redis. */
export class NotInMemoryError extends OperationError {
  override name = 'NotInMemoryError';
  constructor(what: string) {
    super(`The store in memory does not implement ${what}`);
  }
}

export interface MemoryStoreOptions {
  readonly retry: RetryPolicy;
  readonly clock?: StoreClock;
  /** ms. */
  readonly lease?: number;
}

type Carried = Exclude<Kind, NotCarried>;
/** What is known of presence and follows from it, and what damage is done to a store: of which there is none here. */
type NotCarried =
  | 'sessionAvailable'
  | 'senderAvailable'
  | 'sequenceGap'
  | 'settleUpTo'
  | 'forgetUser'
  | 'quarantine'
  | 'reported'
  | keyof PresenceKinds;
type PresenceKinds = Pick<
  Replies,
  | 'subscriptionStep'
  | 'withdrawSubscription'
  | 'recordPresence'
  | 'renewSession'
  | 'recordPing'
  | 'recordStrayPing'
  | 'recordReceiptSupport'
  | 'forgetPresence'
  | 'beginProbe'
  | 'isAvailable'
  | 'subscribersOf'
  | 'endUnheard'
  | 'whoStillSees'
  | 'heartbeat'
  | 'leaveService'
  | 'claimProbing'
  | 'renewProbing'
  | 'releaseProbing'
>;
type Handlers = { readonly [K in Carried]: (request: RequestOf<K>, times: MemoryTimes) => Replies[K] };

/**
 * The store of one process, in memory, for tests of what lies above: it keeps the contract as Redis does, by the same rules
 * (redelivery-rules.ts, retry-policy.ts), for recipients of whose presence nothing is known. What it does not do it says
 * by a {@link NotInMemoryError}. Nothing is forgotten but by request.
 */
export class MemoryStore implements Store {
  readonly clock: StoreClock;
  readonly #state = new MemoryState();
  readonly #retry: RetryPolicy;
  readonly #lease: number;
  readonly #handlers: Handlers;

  constructor({ retry, clock = { now: Date.now, aheadOfWall: () => 0 }, lease = LEASE }: MemoryStoreOptions) {
    this.clock = clock;
    this.#retry = retry;
    this.#lease = lease;
    this.#handlers = handlersOf(this.#state, retry);
  }

  /** @param at the time (ms) to carry them out at; by default the clock's */
  async batch(requests: readonly Request[], at: number = this.clock.now()): Promise<Outcome[]> {
    const times = { now: at, leaseUntil: at + this.#lease };
    return requests.map((request) => {
      if (!Object.hasOwn(this.#handlers, request.kind)) return new NotInMemoryError(request.kind);
      const handler = this.#handlers[request.kind as Carried] as (request: Request, times: MemoryTimes) => Outcome;
      try {
        return handler(request, times);
      } catch (error) {
        return new OperationError((error as Error).message, { cause: error });
      }
    });
  }

  async perform<R extends Request>(request: R, at?: number): Promise<ReplyTo<R>> {
    const [outcome] = await this.batch([request], at);
    if (outcome instanceof Error) throw outcome;
    return outcome as ReplyTo<R>;
  }

  async sweep(lease: number, limit: number, at: number = this.clock.now()): Promise<Swept> {
    const taken = sweep(this.#state, limit, at, at + lease, this.#retry);
    const overdue = taken.sort((one, other) => byStoring(orderOf(one), orderOf(other))).map(shown);
    return { now: at, overdue, damaged: 0, unreported: [], unreadable: [] };
  }

  async status(keys: readonly string[], forSender = false): Promise<(StoredRecord | undefined)[]> {
    return keys.map((key) => {
      const found = this.#state.candidates(key, true);
      const newest = found.reduce<Entry | undefined>(
        (one, other) => (one !== undefined && one.record.storedAt > other.record.storedAt ? one : other),
        undefined,
      );
      // How often it was sent shows when its recipient comes.
      return newest && { ...shown(newest), ...(forSender && { copies: 0, attempt: 1 }) };
    });
  }

  async figures(now: number = this.clock.now()): Promise<Figures> {
    const pending = [...this.#state.entries.values()].filter(({ record }) => record.state === 'pending');
    const oldest = Math.min(...pending.map(({ record }) => Math.floor(record.storedAt / 60_000) * 60_000));
    const oldestPendingAgeSeconds = pending.length === 0 ? 0 : Math.max(0, (now - oldest) / 1000);
    const owed = Math.max(0, this.#state.due.size - pending.length);
    return { pending: pending.length, owed, oldestPendingAgeSeconds, damaged: 0 };
  }

  contacts(): Promise<never> {
    return Promise.reject(new NotInMemoryError('contacts'));
  }

  sessionsOf(): Promise<never> {
    return Promise.reject(new NotInMemoryError('sessionsOf'));
  }
}

const orderOf = ({ record, tokens }: Entry) => ({ storedAt: record.storedAt, token: tokens[0] ?? '' });

function handlersOf(state: MemoryState, retry: RetryPolicy): Handlers {
  const iqs = new IqRequests();
  const sessions = new CommandSessions();
  const capabilities = new Capabilities();
  const ends = ({ record, copy }: Entry) => ruleOf(state, record.recipient, copy).ends;
  return {
    accept: (request, times) => accept(state, request, times),
    settle: (request, times) => settle(state, request, times, retry),
    settleByMention(request, times) {
      if (state.candidates(request.ownKey).length > 0) return { outcome: 'repeated' };
      return settle(state, { ...request, remember: undefined }, times, retry);
    },
    supersede: (request, times) => void supersede(state, request, times),
    handOver: (request) => handOver(state, request, retry),
    notified({ endings }) {
      for (const ending of endings) state.due.delete(state.dueName(ending));
    },
    release: (request, { now }) => void release(state, request, now),
    claim: (request, times) => claim(state, request, times, retry),
    bounce: (request) => bounce(state, request),
    reject: (request, times) => reject(state, request, times),
    bringForward: (request) => void bringForward(state, request),
    expire: (request, times) => expire(state, request, times, retry, ends),
    requeue: (request, times) => requeue(state, request, times),
    withdraw: (request, times) => void withdraw(state, request, times),
    readdress: (request) => void readdress(state, request),
    explain: (request) => explain(state, request),
    renewLease: (request) => void renewLease(state, request),
    recordIq: (request) => iqs.record(request),
    takeIqResponse: (request) => iqs.takeResponse(request),
    overdueIqs: (request) => iqs.overdue(request),
    endIq: (request) => iqs.end(request),
    forgetIq: (request) => iqs.forget(request),
    knownCapabilities: (request, { now }) => capabilities.known(request, now),
    recordCapabilities: (request, { now }) => capabilities.record(request, now),
    cancel: (request) => cancel(state, request),
    retryNow: (request, times) => retryNow(state, request, times),
    erase: (request) => erase(state, request),
    pause({ by, now }) {
      const before = state.paused;
      state.paused ??= { since: now, by };
      return before;
    },
    resume() {
      const before = state.paused;
      state.paused = undefined;
      return before;
    },
    openCommandSession: (request, { now }) => sessions.open(request, now),
    readCommandSession: (request, { now }) => sessions.read(request, now),
    endCommandSession: (request, { now }) => sessions.end(request, now),
  };
}
