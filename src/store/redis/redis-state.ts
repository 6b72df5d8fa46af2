import type { StoreFault, StoreQueueHealth } from '../contract.ts';
import { redisFault } from './redis-faults.ts';

export interface RedisStateOptions {
  readonly log: {
    info(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  /** Redis begins to fail, or works again. */
  readonly onFailing: (failing: boolean) => void;
}

/** Whether Redis takes calls, by the outcome of each; the log says when that changes. */
export class RedisState {
  readonly #options: RedisStateOptions;
  #lastSuccessAt: number | undefined;
  #failing: { readonly since: number; readonly fault: StoreFault } | undefined;

  constructor(options: RedisStateOptions) {
    this.#options = options;
  }

  /** Whether the last call failed. */
  get failing(): boolean {
    return this.#failing !== undefined;
  }

  get health(): StoreQueueHealth {
    return { lastSuccessAt: this.#lastSuccessAt, failingSince: this.#failing?.since, fault: this.#failing?.fault };
  }

  /** A call failed; gives what is wrong. */
  failed(error: unknown): StoreFault {
    const fault = redisFault(error);
    const since = this.#failing?.since ?? performance.now();
    if (this.#failing?.fault.code !== fault.code) {
      const { log, onFailing } = this.#options;
      log.error({ err: error }, `No message is acknowledged. ${fault.text}`);
      if (this.#failing === undefined) onFailing(true);
    }
    this.#failing = { since, fault };
    return fault;
  }

  /** Whether it keeps messages less safely than is demanded. */
  get lacksDurability(): boolean {
    return this.#failing?.fault.code === 'DURABILITY';
  }

  /**
   * A call was answered; gives whether the one before it failed.
   *
   * @param kept whether it says that messages are kept as is demanded; a call without one does not
   */
  answered(kept = true): boolean {
    this.#lastSuccessAt = performance.now();
    if (this.#failing === undefined || (!kept && this.lacksDurability)) return false;
    const seconds = (this.#lastSuccessAt - this.#failing.since) / 1000;
    this.#options.log.info({ seconds }, 'Redis takes messages again');
    this.#failing = undefined;
    this.#options.onFailing(false);
    return true;
  }
}
