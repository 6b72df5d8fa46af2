import { LateCallError, OperationError, type Outcome, type Request, type Store } from '../contract.ts';
import { redisFault } from './redis-faults.ts';

/** What one request of a call came to. */
export interface Item {
  readonly request: Request | undefined;
  /** Given up before it was carried out, or what came of it matters to nobody any more. */
  over: boolean;
  /** Redis was given it, whatever became of that. */
  tried: boolean;
  /** Undefined also where the reply is so. */
  reply: Outcome;
  /** It cannot be carried out, for what it is or what it found; Redis is not to blame. */
  error: Error | undefined;
}

export interface CallsOptions {
  readonly store: Pick<Store, 'batch'>;
  /** Redis has answered. */
  readonly onAnswer: () => void;
  /** Redis did not take a call; the items that are not marked as over by this are called again. */
  readonly onFailure: (error: unknown, items: readonly Item[]) => void;
  /** Whether Redis is being left. */
  readonly closed: () => boolean;
}

const RETRY_AFTER = 100;

/**
 * Carries items out in calls to the ledger, however long it takes: what Redis does not take is called again, and what it
 * rejects for what is in it is halved until the one that is at fault stands alone.
 */
export class Calls {
  readonly #options: CallsOptions;

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /**
   * Resolves when each item has a reply, an error, or is over. Never rejects.
   *
   * @param turn resolves when the items may be called again: what is called again must not be overtaken, nor overtake
   */
  async carryOut(items: readonly Item[], turn: () => Promise<void> = async () => {}): Promise<void> {
    const { onFailure, closed } = this.#options;
    for (;;) {
      const open: Item[] = [];
      const requests: Request[] = [];
      for (const item of items) {
        if (item.request === undefined || item.over) continue;
        item.tried = true;
        open.push(item);
        requests.push(item.request);
      }
      if (open.length === 0) return;
      const error = await this.#call(open, requests);
      if (error === undefined) return;
      if (closed()) {
        for (const item of items) item.over = true;
        return;
      }
      // It was late, and the next is not: that is no failure of Redis.
      if (error instanceof LateCallError) {
        await turn();
        continue;
      }
      if (redisFault(error).kind === 'content') {
        const [alone, ...others] = open;
        if (alone !== undefined && others.length === 0) alone.error = error as Error;
        else {
          await turn();
          const half = Math.ceil(open.length / 2);
          await this.carryOut(open.slice(0, half), turn);
          await this.carryOut(open.slice(half), turn);
        }
        return;
      }
      onFailure(error, open);
      await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER));
      await turn();
    }
  }

  /** Gives the error of a call that Redis did not take. */
  async #call(open: readonly Item[], requests: readonly Request[]): Promise<unknown> {
    const { store, onAnswer } = this.#options;
    try {
      const outcomes = await store.batch(requests);
      for (let i = 0; i < open.length; i += 1) {
        const item = open[i] as Item;
        const outcome = outcomes[i];
        if (outcome instanceof OperationError) item.error = outcome;
        else item.reply = outcome;
      }
      onAnswer();
      return undefined;
    } catch (error) {
      return error ?? new Error('Redis did not take a call');
    }
  }
}
