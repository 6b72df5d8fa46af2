import { type Found, type Perform, reject, type StoredRecord, type StoreQueries } from '../store/contract.ts';
import type { Erasure } from '../store/erasure.ts';
import type { Endings } from './endings.ts';

export interface DeletedAccountsOptions {
  readonly queries: Pick<StoreQueries, 'pending'>;
  readonly perform: Perform;
  readonly endings: Pick<Endings, 'conclude'>;
  readonly erasure: Pick<Erasure, 'user'>;
  readonly clock: { now(): number };
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

const TEXT = 'This account was deleted';

/**
 * What waits for a user whose account was deleted ends, and its senders are told: whoever gets the name next must not get his
 * messages. What is kept about him beside messages goes. What he has written to others is delivered all the same: it was acknowledged.
 */
export class DeletedAccounts {
  readonly #options: DeletedAccountsOptions;

  constructor(options: DeletedAccountsOptions) {
    this.#options = options;
  }

  /**
   * Rejects when the store does not answer. A repetition finds nothing more.
   *
   * @param user his bare JID
   * @param at when it was deleted (ms): what was stored later is for who has the name now
   */
  async deleted(user: string, at: number): Promise<void> {
    const { queries, erasure, log } = this.#options;
    let ended = 0;
    let cursor: string | undefined = '0';
    while (cursor !== undefined) {
      const { found, next }: { found: readonly Found[]; next: string | undefined } = await queries.pending(cursor);
      for (const { record } of found)
        if (record.recipient === user && record.firstStoredAt <= at && (await this.#end(record))) ended += 1;
      cursor = next;
    }
    await erasure.user(user);
    log.info({ ended }, 'An account was deleted: what waited for it has ended, and its senders are told');
  }

  /** The same for a word of the gate's, which says it again for a while. */
  take(user: string, at: number): void {
    this.deleted(user, at).catch((err: unknown) =>
      this.#options.log.warn({ err }, 'What waits for an account that was deleted could not be ended'),
    );
  }

  /** @returns whether it was pending still */
  async #end({ key }: StoredRecord): Promise<boolean> {
    const { perform, endings, clock } = this.#options;
    const rejected = await perform(reject(key, clock.now(), 'item-not-found', 'cancel', TEXT));
    if (rejected.outcome !== 'done') return false;
    await endings.conclude(rejected.record, 'rejected');
    return true;
  }
}
