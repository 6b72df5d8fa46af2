import { Backoff } from './backoff.ts';
import type { LinkProblem } from './link-problem.ts';
import type { LinkLog, LinkTiming } from './options.ts';

/** The wait between two attempts to connect, as long as the reason of the last failure demands. */
export class ReconnectDelay {
  readonly #timing: LinkTiming;
  readonly #log: LinkLog;
  readonly #backoff: Backoff;
  #cancel: (() => void) | undefined;

  constructor(timing: LinkTiming, log: LinkLog) {
    this.#timing = timing;
    this.#log = log;
    this.#backoff = new Backoff(timing.backoffMin, timing.backoffMax);
  }

  /**
   * Waits before the next attempt, and says so in the log.
   *
   * @param proved whether the stream that ended had answered a ping
   * @param held for the log: stanzas that wait or are not proved to have arrived
   */
  async wait(problem: LinkProblem, proved: boolean, held: number): Promise<void> {
    const { kind, condition, message } = problem;
    const delay = this.#delayAfter(problem, proved);
    const text = `${message}. Next attempt in ${(delay / 1000).toFixed(1)} s`;
    this.#log.warn({ kind, condition, held, delay: Math.round(delay) }, text);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delay);
      this.#cancel = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Ends the wait, if there is one. */
  cancel(): void {
    this.#cancel?.();
  }

  /** ms. */
  #delayAfter({ kind }: LinkProblem, proved: boolean): number {
    if (kind === 'auth') return this.#backoff.slow();
    // A server that another process of this domain has taken over refuses, though the link had worked.
    if (proved && kind !== 'refused') this.#backoff.reset();
    const { unreachableMax, backoffMax } = this.#timing;
    return this.#backoff.next(kind === 'network' ? unreachableMax : backoffMax);
  }
}
