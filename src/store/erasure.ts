import { erase, forgetUser, type Perform, type StepStore, type StoreQueries } from './contract.ts';

/** Operations that one call to Redis carries: small, so that messages do not wait for it. */
const PORTION = 20;

export interface ErasureOptions {
  readonly queries: StoreQueries;
  readonly perform: Perform;
  readonly steps?: Pick<StepStore, 'forgetSteps'>;
}

/** Takes what is stored about one user out of the ledger, a little at a time. Rejects when Redis does not answer. */
export class Erasure {
  readonly #options: ErasureOptions;

  constructor(options: ErasureOptions) {
    this.#options = options;
  }

  /**
   * Goes through all records and erases, or only counts, those that a user sent or was to get; records are named by
   * hashes, so that there is no shorter way. Gives how many there were, after each portion.
   *
   * @param jid his bare JID in the served domain
   */
  async *records(jid: string, onlyCount: boolean): AsyncGenerator<number> {
    const { queries, perform } = this.#options;
    let count = 0;
    let cursor: string | undefined = '0';
    while (cursor !== undefined) {
      const { keys, next } = await queries.portion(cursor);
      for (let i = 0; i < keys.length; i += PORTION) {
        count += await perform(erase(jid, keys.slice(i, i + PORTION), onlyCount));
        yield count;
      }
      cursor = next;
    }
  }

  /**
   * Erases his subscriptions, his sessions, what is known of his clients, and the steps of his messages; gives how many things
   * but for the steps that were.
   */
  async user(jid: string): Promise<number> {
    const { queries, perform, steps } = this.#options;
    await steps?.forgetSteps(jid);
    const contacts = await queries.contacts();
    let count = await perform(forgetUser(jid, contacts.slice(0, PORTION)));
    for (let i = PORTION; i < contacts.length; i += PORTION) {
      count += await perform(forgetUser(jid, contacts.slice(i, i + PORTION)));
    }
    return count;
  }
}
