import { erasureJobId } from './jobs.ts';
import type { Queues } from './queues.ts';

/** How often it is looked, ms. */
const LOOK_EVERY = 60_000;
/** So many users that were forgotten last are looked at. */
const MOST = 200;

export interface ForgottenUsersOptions {
  readonly queues: Pick<Queues, 'erasure'>;
  /** Lets go of what this process keeps of such users (bare JIDs). */
  readonly forget: (isForgotten: (jid: string) => boolean) => void;
  /** Redis failed; told of many times a second while it does. */
  readonly onProblem: (error: Error) => void;
  /** ms. */
  readonly every?: number;
}

/**
 * Learns which users were forgotten by whichever process had the job: what another one keeps of them in memory, no job can erase.
 * A job that is done names nobody, and is found by the hash that is its id.
 */
export class ForgottenUsers {
  readonly #options: ForgottenUsersOptions;
  #timer: NodeJS.Timeout | undefined;
  #seen = new Set<string>();

  constructor(options: ForgottenUsersOptions) {
    this.#options = options;
  }

  start(): void {
    const { every = LOOK_EVERY, onProblem } = this.#options;
    this.#timer ??= setInterval(() => void this.look().catch(onProblem), every).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Called by the timer. */
  async look(): Promise<void> {
    const { queues, forget } = this.#options;
    const done = await queues.erasure.getJobs(['completed'], 0, MOST - 1);
    const seen = new Set(done.map(({ id, finishedOn }) => `${id} ${finishedOn}`));
    const ids = new Set(done.flatMap(({ id = '', finishedOn }) => (this.#seen.has(`${id} ${finishedOn}`) ? [] : id)));
    if (ids.size > 0) forget((jid) => ids.has(erasureJobId(jid)));
    this.#seen = seen;
  }
}
