import type { Job } from 'bullmq';
import type { Erasure } from '../store/erasure.ts';
import { removeJobsAbout } from './dead-letters.ts';
import { type ErasureData, erasureJobId } from './jobs.ts';
import type { Queues } from './queues.ts';

/** How long a command waits for the work to be done before it says that it goes on, ms; clients wait for 5 s or more. */
const TIMEOUT = 3000;
const POLL_EVERY = 50;
/** Records between two notes of how far it is. */
const PROGRESS_EVERY = 2000;

export interface UserErasureOptions {
  readonly queues: Queues;
  readonly erasure: Erasure;
  /** Lets go of what this process keeps of such users (bare JIDs); of others see {@link ForgottenUsers}. */
  readonly forgetHere?: (isForgotten: (jid: string) => boolean) => void;
  /** Whether this is the error of a store that has reached its memory limit, and takes no job. */
  readonly isFull: (error: unknown) => boolean;
  /** ms; default {@link TIMEOUT}. */
  readonly timeout?: number;
  readonly log: { info(fields: object, message: string): void };
}

/**
 * Forgets users, as jobs: with millions of records it takes minutes, and must come to its end though the process that
 * began it dies, or the operator closes his window.
 */
export class UserErasure {
  readonly #options: UserErasureOptions;

  constructor(options: UserErasureOptions) {
    this.#options = options;
  }

  /** Begins, or looks how far it is; resolves when it is done or after a few seconds. */
  async forget(jid: string, proxied: string): Promise<{ done: boolean; erased: number }> {
    const { queues, timeout = TIMEOUT } = this.#options;
    const { erasure } = queues;
    const jobId = erasureJobId(jid);
    const earlier = await erasure.getJob(jobId);
    if (earlier !== undefined && (await earlier.isCompleted())) await earlier.remove();
    const end = Date.now() + timeout;
    try {
      await erasure.add('user', { jid, proxied }, { jobId });
    } catch (error) {
      if (!this.#options.isFull(error)) throw error;
      return this.#withoutJob(jid, proxied, timeout);
    }
    for (;;) {
      const job = await erasure.getJob(jobId);
      // It has failed for good, or Redis was emptied.
      if (job === undefined) throw new Error('A user could not be forgotten');
      if (await job.isCompleted()) {
        // It may have been completed since it was read, and its result is not in what was read then.
        const { returnvalue } = (await erasure.getJob(jobId)) ?? job;
        return { done: true, erased: Number(returnvalue ?? 0) };
      }
      if (Date.now() >= end) return { done: false, erased: typeof job.progress === 'number' ? job.progress : 0 };
      await new Promise((resolve) => setTimeout(resolve, POLL_EVERY));
    }
  }

  /** At its memory limit Redis takes no job, and to erase is what makes room: then it is done here and now. */
  async #withoutJob(jid: string, proxied: string, timeout: number): Promise<{ done: boolean; erased: number }> {
    let erased = 0;
    const done = this.#erase(jid, proxied, async (soFar) => {
      erased = soFar;
    }).then(() => true);
    const late = new Promise<false>((resolve) => setTimeout(resolve, timeout, false).unref());
    const first = await Promise.race([done, late]);
    done.catch((err: unknown) => this.#options.log.info({ err }, 'A user could not be forgotten'));
    return { done: first, erased };
  }

  /** How many records there are to erase: all, or as many as are found in a moment. */
  async count(jid: string): Promise<{ all: boolean; count: number }> {
    const { erasure, timeout = TIMEOUT } = this.#options;
    const end = Date.now() + timeout;
    let count = 0;
    for await (const soFar of erasure.records(jid, true)) {
      count = soFar;
      if (Date.now() >= end) return { all: false, count };
    }
    return { all: true, count };
  }

  /** The job: idempotent, since what is erased is not found again. Gives how many records were erased. */
  async work(job: Job<ErasureData, number>): Promise<number> {
    const { jid, proxied } = job.data;
    if (jid === '') return 0;
    let recorded = 0;
    let looks = 0;
    const erased = await this.#erase(jid, proxied, async (soFar) => {
      looks += 1;
      if (soFar - recorded < PROGRESS_EVERY && looks % 500 !== 0) return;
      recorded = soFar;
      await job.updateProgress(soFar);
    });
    await job.updateData({ jid: '', proxied: '' });
    return erased;
  }

  async #erase(jid: string, proxied: string, onProgress: (soFar: number) => Promise<void>): Promise<number> {
    const { queues, erasure, log } = this.#options;
    let erased = 0;
    for await (const soFar of erasure.records(jid, false)) {
      erased = soFar;
      await onProgress(soFar);
    }
    await erasure.user(jid);
    this.#options.forgetHere?.((one) => one === jid);
    await removeJobsAbout([queues.redelivery, queues.expiry, queues.undelivered], [jid, proxied]);
    log.info({ erased }, 'A user is forgotten');
    return erased;
  }
}
