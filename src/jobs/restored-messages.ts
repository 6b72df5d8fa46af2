import type { AddressPolicy } from '../addressing/address-policy.ts';
import type { Endings } from '../delivery/endings.ts';
import {
  type Clock,
  expire,
  type Restored,
  type RestoredSaid,
  type RestoredWord,
  type StoreQueries,
  type StoreQueue,
} from '../store/contract.ts';

/** How long who gives the word waits for the messages to be ended before he is told that it goes on, ms; clients wait for 5 s or more. */
const TIMEOUT = 3000;

export interface RestoredMessagesOptions {
  readonly copy: {
    state(): Promise<Restored | undefined>;
    /** From now on what is still pending of the copy is over, as soon as somebody looks at it. */
    beginEnd(): Promise<void>;
    /** From now on it is like all else. */
    letGo(): Promise<void>;
  };
  readonly queries: Pick<StoreQueries, 'pending'>;
  readonly pipeline: Pick<StoreQueue, 'perform'>;
  readonly addresses: Pick<AddressPolicy, 'returnsKeyOf'>;
  readonly endings: Pick<Endings, 'conclude'>;
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void; error(fields: object, message: string): void };
  /** ms; default {@link TIMEOUT}. */
  readonly timeout?: number;
}

/** What is pending in a restored copy of the ledger, and what becomes of it by an operator's word. All reject while Redis does not answer. */
export class RestoredMessages {
  readonly #options: RestoredMessagesOptions;
  #ending: Promise<void> | undefined;
  #ended = 0;

  constructor(options: RestoredMessagesOptions) {
    this.#options = options;
  }

  state(): Promise<Restored | undefined> {
    return this.#options.copy.state();
  }

  /** @param by who says so, for the log */
  async say(word: RestoredWord, by: string): Promise<RestoredSaid> {
    const { copy, log, timeout = TIMEOUT } = this.#options;
    const before = await copy.state();
    if (before === undefined) return { before, ended: 0, done: true };
    log.warn({ by, word, pending: before.pending }, 'An administrator has said what becomes of a restored copy');
    if (word === 'send') {
      await copy.letGo();
      return { before, ended: 0, done: true };
    }
    await copy.beginEnd();
    this.#ending ??= this.#endAll(before).finally(() => {
      this.#ending = undefined;
    });
    const ending = this.#ending;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, timeout, false);
    });
    const done = await Promise.race([ending.then(() => true), late]).finally(() => clearTimeout(timer));
    // Until all is ended the ledger says so; the word can be given again.
    if (!done) ending.catch((err: unknown) => log.error({ err }, 'What a restored copy had is not all ended'));
    return { before, ended: this.#ended, done };
  }

  async #endAll({ upto }: Restored): Promise<void> {
    const { copy, queries, pipeline, addresses, endings, clock, log } = this.#options;
    this.#ended = 0;
    let cursor: string | undefined = '0';
    while (cursor !== undefined) {
      const { found, next } = await queries.pending(cursor);
      const old = found.filter(({ record }) => record.storedAt <= upto);
      await Promise.all(
        old.map(({ record }) =>
          pipeline.perform(
            expire(record.key, clock.now()),
            (ended) => {
              if (ended === undefined) return;
              this.#ended += 1;
              void endings.conclude(ended, ended.state === 'expired' ? 'expired' : 'unconfirmed');
            },
            // Behind a receipt that came before, and waits.
            addresses.returnsKeyOf(record.recipient),
          ),
        ),
      );
      cursor = next;
    }
    await copy.letGo();
    log.warn({ ended: this.#ended }, 'What was pending in a restored copy is ended, and its senders are told');
  }
}
