import {
  type Clock,
  isAskedFor,
  type StepStore,
  type TracedHead,
  type TracedQuery,
  type TracedStep,
} from '../contract.ts';

/** The steps of messages in memory, without a bound on how many. */
export class MemorySteps implements StepStore {
  #steps: TracedStep[] = [];
  readonly #kept: number;
  readonly #clock: Clock;

  /** @param kept for how long, ms */
  constructor(kept: number, clock: Clock = Date) {
    this.#kept = kept;
    this.#clock = clock;
  }

  async append(steps: readonly TracedStep[]): Promise<void> {
    this.#steps.push(...steps);
  }

  async stepsOf(key: string): Promise<TracedStep[]> {
    return this.#fresh().filter((step) => step.key === key);
  }

  async traced(query: TracedQuery, limit: number): Promise<{ found: TracedHead[]; more: boolean }> {
    const fresh = this.#fresh();
    const endings = new Map(fresh.flatMap(({ key, ending }) => (ending === undefined ? [] : [[key, ending]])));
    const all = fresh
      .filter((step) => step.isFirst && isAskedFor(step, query))
      .map(({ at, key, sender, recipient, id }) => ({ at, key, sender, recipient, id, ending: endings.get(key) }))
      .reverse();
    return { found: all.slice(0, limit), more: all.length > limit };
  }

  async forgetSteps(jid: string): Promise<number> {
    const before = this.#steps.length;
    this.#steps = this.#steps.filter(({ sender, recipient }) => sender !== jid && recipient !== jid);
    return before - this.#steps.length;
  }

  #fresh(): TracedStep[] {
    const oldest = this.#clock.now() - this.#kept;
    this.#steps = this.#steps.filter(({ at }) => at >= oldest);
    return this.#steps;
  }
}
