import { type ConnectionOptions, Queue } from 'bullmq';
import type { JobsPort, ScheduledAttempt } from '../delivery/ports.ts';
import type { Clock, StoredRecord } from '../store/contract.ts';
import {
  addressesOf,
  attemptJobId,
  type ErasureData,
  type JobData,
  jobData,
  sweptJobId,
  type UndeliveredData,
  undeliveredData,
} from './jobs.ts';

export const QUEUE = {
  redelivery: 'redelivery',
  expiry: 'expiry',
  undelivered: 'undelivered',
  // Its name in Redis from before the word was changed: jobs that wait there must be found.
  erasure: 'forgetting',
} as const;

// The ledger is the truth: a job that is done or has failed has nothing to add to it, and a sweep makes another.
const NOT_KEPT = { removeOnComplete: true, removeOnFail: true } as const;

/**
 * The library would ask Redis who it is, once; a queue to which that was not answered (Redis is not there yet, hangs, starts) answers
 * nothing for as long as the process lives.
 */
const ASKS_NOTHING_FIRST = { skipVersionCheck: true, skipWaitingForReady: true } as const;

/** Somebody was told that it goes on by itself: a part of Redis may be away for hours. */
const ERASURE_ATTEMPTS = 1_000_000;

export interface QueuesOptions {
  readonly connection: ConnectionOptions;
  /** With a hash tag, for Redis Cluster. */
  readonly prefix: string;
  /** How long a dead letter stays, ms. */
  readonly undeliveredRetention: number;
  /** Redis failed; told of many times a second while it does. */
  readonly onProblem: (error: Error) => void;
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
}

/** The queues that an operator watches: what is in trouble, and only that. */
export class Queues implements JobsPort {
  readonly redelivery: Queue<JobData>;
  readonly expiry: Queue<JobData>;
  readonly undelivered: Queue<UndeliveredData>;
  /** Users that are being forgotten; not for the dashboard either. */
  readonly erasure: Queue<ErasureData, number>;
  readonly #options: QueuesOptions;

  constructor(options: QueuesOptions) {
    this.#options = options;
    const { connection, prefix } = options;
    const common = { connection, prefix, ...ASKS_NOTHING_FIRST };
    const settings = { ...common, defaultJobOptions: NOT_KEPT };
    this.redelivery = new Queue(QUEUE.redelivery, settings);
    this.expiry = new Queue(QUEUE.expiry, settings);
    // A dead letter is a failed job, which the dashboard lets an operator retry.
    const keep = { removeOnComplete: true, removeOnFail: { age: Math.ceil(options.undeliveredRetention / 1000) } };
    this.undelivered = new Queue(QUEUE.undelivered, { ...common, defaultJobOptions: keep });
    // How many were erased is told for an hour; whose they were, the job does not know any more.
    const tell = { removeOnComplete: { age: 3600 }, removeOnFail: true, attempts: ERASURE_ATTEMPTS, backoff: 5000 };
    this.erasure = new Queue(QUEUE.erasure, { ...common, defaultJobOptions: tell });
    for (const queue of this.all) {
      queue.on('error', options.onProblem);
    }
  }

  get all(): readonly Queue[] {
    return [this.redelivery, this.expiry, this.undelivered, this.erasure];
  }

  /** What the dashboard shows. */
  get shown(): readonly Queue[] {
    return [this.redelivery, this.expiry, this.undelivered];
  }

  /** Those that somebody has paused with the library's means, by name. */
  async paused(): Promise<string[]> {
    const paused = await Promise.all(this.all.map((queue) => queue.isPaused()));
    return this.all.flatMap(({ name }, at) => (paused[at] ? [name] : []));
  }

  /** How many jobs wait for a worker. */
  async waiting(): Promise<number> {
    const counts = await Promise.all([this.redelivery.getWaitingCount(), this.expiry.getWaitingCount()]);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Makes jobs of what a sweep has found. `expires` tells what has come to its end, `lease` (ms) until when they are the jobs'. */
  async addSwept(
    overdue: readonly StoredRecord[],
    expires: (record: StoredRecord) => boolean,
    now: number,
    lease: number,
  ): Promise<void> {
    const jobs = (records: readonly StoredRecord[]) =>
      records.map((record) => ({
        name: record.state === 'pending' ? 'message' : 'notice',
        data: { ...jobData(record), lease },
        opts: { jobId: sweptJobId(record.key, record.attempt, now) },
      }));
    await this.expiry.addBulk(jobs(overdue.filter(expires)));
    await this.redelivery.addBulk(jobs(overdue.filter((record) => !expires(record))));
    // The job that shows this attempt is moot; on a clock that was set back it would stay for long.
    for (const { key, attempt } of overdue) if (attempt > 1) this.#unawaited(this.#removeAttempt(key, attempt));
  }

  attemptScheduled({ record, attempt, due, expires }: ScheduledAttempt): void {
    const queue = expires ? this.expiry : this.redelivery;
    const options = { jobId: attemptJobId(record.key, attempt), delay: Math.max(0, due - this.#options.clock.now()) };
    this.#unawaited(queue.add('message', jobData(record, attempt), options));
  }

  attemptOver({ key, attempt }: StoredRecord): void {
    this.#unawaited(this.#removeAttempt(key, attempt));
  }

  async putDeadLetter(record: StoredRecord): Promise<void> {
    await this.#logged(this.undelivered.add('message', undeliveredData(record), { jobId: record.key }));
  }

  removeDeadLetter({ key }: StoredRecord): void {
    this.#unawaited(this.undelivered.remove(key));
  }

  async putStanza(xml: string, why: string): Promise<void> {
    const data = { ...addressesOf(xml), key: '', attempt: 0, stored: '', ended: new Date().toISOString(), why };
    await this.undelivered.add('stanza', data);
  }

  /** Shows a damaged record that is kept aside. Idempotent. */
  async addDamaged(key: string): Promise<void> {
    const data = { key, attempt: 0, from: '', to: '', id: '', stored: '', ended: new Date().toISOString() };
    const why = 'Its record in Redis was damaged; what was found is kept there as <REDIS_PREFIX>:q:<key>';
    await this.undelivered.add('damaged', { ...data, why }, { jobId: `damaged.${key}` });
  }

  async #removeAttempt(key: string, attempt: number): Promise<void> {
    const id = attemptJobId(key, attempt);
    await Promise.all([this.redelivery.remove(id), this.expiry.remove(id)]);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.all.map((queue) => queue.close()));
  }

  #unawaited(work: Promise<unknown>): void {
    void this.#logged(work);
  }

  async #logged(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#options.log.warn({ err: error }, 'A job could not be written; the next sweep makes up for it');
    }
  }
}
