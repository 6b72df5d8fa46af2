import { hash } from 'node:crypto';
import type { Job } from 'bullmq';
import type { Erasure } from '../ledger/erasure.ts';
import { removeJobsAbout } from './dead-letters.ts';
import type { ForgettingData } from './jobs.ts';
import type { Queues } from './queues.ts';

/** How long a command waits for the work to be done before it says that it goes on, ms; clients wait for 5 s or more. */
const PATIENCE = 3000;
const LOOK_EVERY = 50;
/** Records between two notes of how far it is. */
const NOTE_EVERY = 2000;

export interface ForgettingOptions {
  readonly queues: Queues;
  readonly erasure: Erasure;
  readonly log: { info(fields: object, message: string): void };
}

/**
 * Forgets users, as jobs: with millions of records it takes minutes, and must come to its end though the process that
 * began it dies, or the operator closes his window.
 */
export class Forgetting {
  readonly #options: ForgettingOptions;

  constructor(options: ForgettingOptions) {
    this.#options = options;
  }

  /** Begins, or looks how far it is; resolves when it is done or after a few seconds. */
  async forget(jid: string, proxied: string): Promise<{ done: boolean; erased: number }> {
    const { forgetting } = this.#options.queues;
    // BullMQ keeps ids for ever in its events; a hash names nobody.
    const jobId = hash('sha256', jid, 'base64url').slice(0, 22);
    const earlier = await forgetting.getJob(jobId);
    if (earlier !== undefined && (await earlier.isCompleted())) await earlier.remove();
    await forgetting.add('user', { jid, proxied }, { jobId });
    const end = Date.now() + PATIENCE;
    for (;;) {
      const job = await forgetting.getJob(jobId);
      if (job === undefined) return { done: true, erased: 0 };
      if (await job.isCompleted()) return { done: true, erased: Number(job.returnvalue ?? 0) };
      if (Date.now() >= end) return { done: false, erased: typeof job.progress === 'number' ? job.progress : 0 };
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    }
  }

  /** How many records there are to erase: all, or as many as are found in a moment. */
  async count(jid: string): Promise<{ all: boolean; count: number }> {
    const end = Date.now() + PATIENCE;
    let count = 0;
    for await (const soFar of this.#options.erasure.records(jid, true)) {
      count = soFar;
      if (Date.now() >= end) return { all: false, count };
    }
    return { all: true, count };
  }

  /** The job: idempotent, since what is erased is not found again. Gives how many records were erased. */
  async work(job: Job<ForgettingData, number>): Promise<number> {
    const { queues, erasure, log } = this.#options;
    const { jid, proxied } = job.data;
    if (jid === '') return 0;
    let erased = 0;
    let noted = 0;
    let looks = 0;
    for await (const soFar of erasure.records(jid, false)) {
      erased = soFar;
      looks += 1;
      if (erased - noted >= NOTE_EVERY || looks % 500 === 0) {
        noted = erased;
        await job.updateProgress(erased);
      }
    }
    await erasure.user(jid);
    await removeJobsAbout([queues.redelivery, queues.expiry, queues.undelivered], [jid, proxied]);
    await job.updateData({ jid: '', proxied: '' });
    log.info({ erased }, 'A user is forgotten');
    return erased;
  }
}
