import { bringForward, type Clock, type Perform, type StoreQueries } from '../store/contract.ts';

export interface LostDueTimesOptions {
  readonly queries: Pick<StoreQueries, 'portion' | 'records'>;
  readonly perform: Perform;
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
}

/**
 * Makes messages due again whose due times somebody has taken out of Redis (an operator's DEL): they were acknowledged, and nothing would
 * ever be done about them. Sweeps notice it, by the count of what is pending. Then all records are looked at.
 */
export class LostDueTimes {
  readonly #options: LostDueTimesOptions;
  /** By the part of the ledger that a sweep looks at: so many are missing by the count when none is. It drifts where records are damaged. */
  readonly #miscounted = new Map<number, number>();
  #isLooking = false;

  constructor(options: LostDueTimesOptions) {
    this.#options = options;
  }

  miscounted(part: number): number {
    return this.#miscounted.get(part) ?? 0;
  }

  /** A sweep has found that so many are missing, by the count. */
  take(part: number, missing: number): void {
    if (missing <= this.miscounted(part)) {
      this.#miscounted.set(part, missing);
      return;
    }
    if (this.#isLooking) return;
    this.#isLooking = true;
    void this.#look()
      .then(
        (found) => {
          if (found === 0) this.#miscounted.set(part, missing);
        },
        (err: unknown) => this.#options.log.warn({ err }, 'Lost due times could not be looked for: it is tried again'),
      )
      .finally(() => {
        this.#isLooking = false;
      });
  }

  /** Gives how many were not due at any time. */
  async #look(): Promise<number> {
    const { queries, perform, clock, log } = this.#options;
    let found = 0;
    let cursor: string | undefined = '0';
    while (cursor !== undefined) {
      const portion: Awaited<ReturnType<StoreQueries['portion']>> = await queries.portion(cursor);
      for (const { record, due } of await queries.records(portion.keys)) {
        if (record.state !== 'pending' || due !== undefined) continue;
        found += 1;
        await perform(bringForward(record.key, clock.now(), record.recipient));
      }
      cursor = portion.next;
    }
    if (found > 0)
      log.warn({ messages: found }, 'Somebody has deleted in Redis when messages are due: they are due now');
    return found;
  }
}
