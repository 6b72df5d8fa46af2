import type { AddressPolicy } from '../../addressing/address-policy.ts';
import {
  type Bounced,
  type Found,
  reject,
  type StoredRecord,
  type StoreQueries,
  type StoreQueue,
} from '../../store/contract.ts';
import type { Erasure } from '../../store/erasure.ts';
import type { Endings } from '../endings.ts';

export interface DeletedAccountsOptions {
  readonly queries: Pick<StoreQueries, 'pending'>;
  readonly pipeline: Pick<StoreQueue, 'perform'>;
  readonly addresses: Pick<AddressPolicy, 'returnsKeyOf'>;
  readonly endings: Pick<Endings, 'conclude'>;
  readonly erasure: Pick<Erasure, 'user'>;
  /** Lets go of what this process keeps of messages to such recipients, which Redis does not know. */
  readonly forget: (isOver: (record: StoredRecord) => boolean) => void;
  /** Whether somebody (bare JID) has a session. */
  readonly isThere: (user: string) => boolean;
  readonly clock: { now(): number };
  /** How soon it is tried again what the store did not do, ms; default {@link AGAIN_AFTER}. */
  readonly againAfter?: number;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

const TEXT = 'This account was deleted';
const AGAIN_AFTER = 5000;
/** So many accounts wait to be looked after, and so many are known to be done: as many as a gate remembers. */
const MOST = 1000;
/** What a gate tells again differs by so little from when it was told first, ms. */
const SAME = 1000;

/**
 * What waits for a user whose account was deleted ends, and its senders are told: whoever gets the name next must not get his
 * messages. What is kept about him beside messages goes. What he has written to others is delivered all the same: it was acknowledged.
 */
export class DeletedAccounts {
  readonly #options: DeletedAccountsOptions;
  /** When (ms) they were deleted, of those whose messages have not all ended yet; by bare JID. */
  readonly #open = new Map<string, number>();
  /** The same of those that are done: a gate tells each lease that begins. */
  readonly #done = new Map<string, number>();
  #isRunning = false;
  #isPaused = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DeletedAccountsOptions) {
    this.#options = options;
  }

  /**
   * A gate says so, and says it again for a while.
   *
   * @param user his bare JID
   * @param at when he was deleted (ms): what was stored later is for who has the name now
   * @param again whether it may have said so before
   */
  take(user: string, at: number, again: boolean): void {
    this.#options.forget((record) => record.recipient === user && record.firstStoredAt <= at);
    if (again && at - (this.#done.get(user) ?? 0) < SAME) return;
    put(this.#open, user, Math.max(at, this.#open.get(user) ?? 0));
    void this.#run();
  }

  /** Whether a message is about to end, and must not be sent again: who has the name now may be there before that is done. */
  isOver({ recipient, firstStoredAt }: Pick<StoredRecord, 'recipient' | 'firstStoredAt'>): boolean {
    return this.#open.size > 0 && firstStoredAt <= (this.#open.get(recipient) ?? 0);
  }

  /** Tries nothing again until {@link resume}. */
  pause(): void {
    this.#isPaused = true;
    clearTimeout(this.#timer);
  }

  resume(): void {
    this.#isPaused = false;
    void this.#run();
  }

  /** All that wait, in one look through the store: a thousand accounts may be deleted at once. */
  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#isRunning) return;
    this.#isRunning = true;
    const { log, againAfter = AGAIN_AFTER } = this.#options;
    try {
      while (this.#open.size > 0) await this.#end(new Map(this.#open));
    } catch (err) {
      log.warn({ err }, 'What waits for accounts that were deleted could not be ended yet: it is tried again');
      if (!this.#isPaused) this.#timer = setTimeout(() => void this.#run(), againAfter).unref();
    } finally {
      this.#isRunning = false;
    }
  }

  async #end(users: ReadonlyMap<string, number>): Promise<void> {
    const { queries, erasure, isThere, clock, log } = this.#options;
    let ended = 0;
    let cursor: string | undefined = '0';
    while (cursor !== undefined) {
      const { found, next }: { found: readonly Found[]; next: string | undefined } = await queries.pending(cursor);
      for (const { record } of found)
        if (record.firstStoredAt <= (users.get(record.recipient) ?? 0) && (await this.#reject(record))) ended += 1;
      cursor = next;
    }
    for (const [user, at] of users) {
      // Long ago: who is there has the name now, and what is kept is his.
      if (clock.now() - at < SAME || !isThere(user)) await erasure.user(user);
      if (this.#open.get(user) === at) this.#open.delete(user);
      put(this.#done, user, at);
      log.info({ ended }, 'An account was deleted: what waited for it has ended, and its senders are told');
    }
  }

  /** @returns whether it was pending still */
  async #reject({ key, recipient }: StoredRecord): Promise<boolean> {
    const { pipeline, addresses, endings, clock } = this.#options;
    const request = reject(key, clock.now(), 'item-not-found', 'cancel', TEXT);
    let concluded: Promise<unknown> | undefined;
    const take = (rejected: Bounced) => {
      if (rejected.outcome === 'done') concluded = endings.conclude(rejected.record, 'rejected');
    };
    // Behind a receipt that came before, and waits.
    await pipeline.perform(request, take, addresses.returnsKeyOf(recipient));
    await concluded;
    return concluded !== undefined;
  }
}

/** The oldest makes room. */
function put(map: Map<string, number>, user: string, at: number): void {
  map.delete(user);
  map.set(user, at);
  if (map.size > MOST) map.delete(map.keys().next().value as string);
}
