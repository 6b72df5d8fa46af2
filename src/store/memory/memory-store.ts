import {
  byStoring,
  type Figures,
  nothingButDelivered,
  OperationError,
  type Outcome,
  type ReplyTo,
  type Request,
  type Store,
  type StoreClock,
  type StoredRecord,
  type StoreQueries,
  type Swept,
} from '../contract.ts';
import { LEASE, type Retention, type RetryPolicy, type StoreTimes } from '../retry-policy.ts';
import { GATHERED_FOR } from './delivered.ts';
import { sweep } from './due-times.ts';
import { type Handlers, handlersOf } from './handlers.ts';
import { reportDamaged } from './quarantine.ts';
import { MemoryQueries } from './queries.ts';
import { replaceDelivered } from './replaced.ts';
import { type Entry, MemoryState, type MemoryTimes, shown } from './state.ts';

/** Times in ms. */
export interface MemoryStoreOptions extends Retention {
  readonly retry: RetryPolicy;
  /** Also of what is forgotten after a while. */
  readonly clock?: StoreClock;
  readonly lease?: number;
  /** The shard of a key; by default all lie in one. */
  readonly shardOf?: (key: string) => number;
}

/**
 * The store of one process, in memory, for tests of what lies above. It keeps the contract as Redis does, by the same rules
 * (redelivery-rules.ts, retry-policy.ts), and says in TypeScript what the scripts do in Lua. Only damage to a record is not
 * found here, as there is none; and portions are not small: each is all there is.
 */
export class MemoryStore implements Store {
  readonly clock: StoreClock;
  readonly queries: StoreQueries;
  readonly #state: MemoryState;
  readonly #times: StoreTimes;
  readonly #lease: number;
  readonly #handlers: Handlers;

  constructor(options: MemoryStoreOptions) {
    const { retry, clock = { now: Date.now, aheadOfWall: () => 0 }, lease = LEASE } = options;
    this.clock = clock;
    this.#times = retry.storeTimes(options);
    this.#lease = lease;
    this.#state = new MemoryState(clock, options.shardOf);
    this.#handlers = handlersOf(this.#state, clock);
    this.queries = new MemoryQueries(this.#state);
  }

  /** @param at the time (ms) to carry them out at; by default the clock's */
  async batch(requests: readonly Request[], at: number = this.clock.now()): Promise<Outcome[]> {
    const times = this.#timesAt(at, this.#lease);
    const outcomes = requests.map((request) => {
      const handler = this.#handlers[request.kind] as (request: Request, times: MemoryTimes) => Outcome;
      try {
        return handler(request, times);
      } catch (error) {
        return new OperationError((error as Error).message, { cause: error });
      }
    });
    if (this.#state.delivered.takeNews()) replaceDelivered(this.#state, times, GATHERED_FOR);
    return outcomes;
  }

  /** @param at as of {@link batch} */
  async perform<R extends Request>(request: R, at?: number): Promise<ReplyTo<R>> {
    const [outcome] = await this.batch([request], at);
    if (outcome instanceof Error) throw outcome;
    return outcome as ReplyTo<R>;
  }

  /** @param at as of {@link batch} */
  async sweep(lease: number, limit: number, at: number = this.clock.now()): Promise<Swept> {
    const times = this.#timesAt(at, lease);
    const taken = sweep(this.#state, limit, times);
    replaceDelivered(this.#state, times);
    const overdue = taken.sort((one, other) => byStoring(orderOf(one), orderOf(other))).map((entry) => shown(entry));
    return { now: at, overdue, ...reportDamaged(this.#state, times), unreadable: [] };
  }

  async status(keys: readonly string[], forSender = false): Promise<(StoredRecord | undefined)[]> {
    return keys.map((key) => {
      const own = this.#state.entries.get(key);
      const other = this.#state
        .candidates(key, true)
        .filter((entry) => entry !== own)
        .at(-1);
      const isOwnNewer = own !== undefined && other !== undefined && own.record.storedAt > other.record.storedAt;
      const newest = isOwnNewer ? own : (other ?? own);
      if (newest === undefined) return this.#state.delivered.has(key) ? nothingButDelivered(key) : undefined;
      const record = shown(newest, key);
      // How often it was sent shows when its recipient comes.
      const isHidden = forSender && !this.#state.presence.isSubscribed(record.recipient, record.sender);
      return isHidden ? { ...record, copies: 0, attempt: 1 } : record;
    });
  }

  async figures(now: number = this.clock.now()): Promise<Figures> {
    const all = this.#state.entries.entries().map(([, { record }]) => record);
    const pending = all.filter(({ state }) => state === 'pending');
    const oldest = Math.min(...pending.map(({ storedAt }) => Math.floor(storedAt / 60_000) * 60_000));
    const oldestPendingAgeSeconds = pending.length === 0 ? 0 : Math.max(0, (now - oldest) / 1000);
    const owed = Math.max(0, this.#state.due.size - pending.length);
    return { pending: pending.length, owed, oldestPendingAgeSeconds, damaged: this.#state.damaged.size };
  }

  /** All in one portion. */
  async contacts(_cursor: string): Promise<{ next: string; users: string[] }> {
    return { next: '0', users: await this.queries.contacts() };
  }

  async sessionsOf(user: string): Promise<string[]> {
    return this.#state.presence.resources(user);
  }

  #timesAt(now: number, lease: number): MemoryTimes {
    const { dedupWindow, messageTtl } = this.#times;
    return { ...this.#times, now, leaseUntil: now + lease, keep: dedupWindow + messageTtl };
  }
}

const orderOf = ({ record, tokens }: Entry) => ({ storedAt: record.storedAt, token: tokens[0] ?? '' });
