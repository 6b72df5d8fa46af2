import { type ConnectionOptions, type Job, UnrecoverableError, Worker } from 'bullmq';
import type { AddressPolicy } from '../addressing/address-policy.ts';
import type { Copies } from '../delivery/copies.ts';
import type { Endings } from '../delivery/endings.ts';
import { openRuleTrace, type RuleTrace } from '../delivery/rule-trace.ts';
import {
  type Claim,
  claim,
  type Expire,
  expire,
  type Perform,
  type ReplyTo,
  requeue,
  type Store,
  type StoreQueue,
} from '../store/contract.ts';
import type { RetryPolicy } from '../store/retry-policy.ts';
import type { MessageTrace, TracedMessage } from '../util/message-trace.ts';
import { presentKey } from '../xmpp/stanza/message-key.ts';
import type { ForgottenUsers } from './forgotten-users.ts';
import type { ErasureData, JobData, UndeliveredData } from './jobs.ts';
import { QUEUE, type Queues } from './queues.ts';
import { Sweeper, type SweeperOptions, type SweepState } from './sweeper.ts';

/** Redeliveries a second, of all processes together: far below what a server carries, so that live traffic goes on. */
const REDELIVERIES_PER_SECOND = 500;
const CONCURRENCY = 50;
/**
 * How soon the jobs that a dead process had in hand are another's, ms. BullMQ's half a minute would leave every message
 * unswept for so long when the process was killed while it swept.
 */
const TAKEOVER = {
  lockDuration: 5000,
  stalledInterval: 2500,
  maxStalledCount: 10,
  // After an error of Redis that is no broken connection, such as a failover's READONLY; by default 15 s.
  runRetryDelay: 1000,
} as const;

export interface WorkersOptions {
  /** Without a limit of retries, as BullMQ wants it. */
  readonly connection: ConnectionOptions;
  readonly prefix: string;
  readonly queues: Queues;
  readonly ledger: Pick<Store, 'sweep' | 'sweeps' | 'clock'>;
  readonly pipeline: StoreQueue;
  readonly addresses: Pick<AddressPolicy, 'returnsKeyOf'>;
  readonly copies: Pick<Copies, 'redeliver'>;
  readonly endings: Endings;
  /** Asks sessions of a user's whether they are there. */
  readonly pings: { ask(user: string, resources: readonly string[], message?: TracedMessage): void };
  readonly retry: RetryPolicy;
  /** Redis failed; told of many times a second while it does. */
  readonly onProblem: (error: Error) => void;
  readonly userErasure: { work(job: Job<ErasureData, number>): Promise<number> };
  readonly lostDueTimes?: SweeperOptions['lostDueTimes'];
  /** Looks for users that other processes have forgotten. */
  readonly forgottenUsers: Pick<ForgottenUsers, 'start' | 'stop'>;
  readonly sweepEvery?: number;
  readonly redeliveriesPerSecond?: number;
  readonly trace?: MessageTrace;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
}

/** What the queue library has no public name for. */
interface RenewsLocks {
  readonly lockManager: { close(): Promise<void> };
}

/** What works the queues off. Idle until resumed, and whenever the link is down: what cannot be sent is not taken up. */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #ruleTrace: RuleTrace;
  readonly #workers: readonly Worker[];
  readonly #sweeper: Sweeper;
  /** Ends the jobs in hand. */
  readonly #inHand = new Set<(why: Error) => void>();
  #running = false;

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#ruleTrace = openRuleTrace(options.pipeline, options.trace);
    const { connection, prefix, redeliveriesPerSecond = REDELIVERIES_PER_SECOND } = options;
    const settings = { connection, prefix, autorun: false, concurrency: CONCURRENCY, ...TAKEOVER };
    const limiter = { max: redeliveriesPerSecond, duration: 1000 };
    this.#workers = [
      new Worker<JobData>(QUEUE.redelivery, (job) => this.#untilLeft(this.#redeliver(job)), { ...settings, limiter }),
      new Worker<JobData>(QUEUE.expiry, (job) => this.#untilLeft(this.#expire(job)), settings),
      new Worker<UndeliveredData>(QUEUE.undelivered, (job) => this.#untilLeft(this.#undelivered(job)), settings),
      new Worker<ErasureData, number>(QUEUE.erasure, (job) => this.#untilLeft(options.userErasure.work(job)), {
        ...settings,
        concurrency: 1,
      }),
    ];
    for (const worker of this.#workers) {
      worker.on('error', options.onProblem);
    }
    this.#workers.at(-1)?.on('failed', (_, err) => {
      options.log.warn({ err }, 'A user could not be forgotten yet; it is tried again in 5 s');
    });
    const { sweepEvery, pipeline } = options;
    const perform: Perform = (request) => pipeline.perform(request);
    this.#sweeper = new Sweeper({ ...options, perform, ...(sweepEvery !== undefined && { every: sweepEvery }) });
  }

  /** Of what is overdue in the ledger; undefined while nothing is taken up. */
  get sweeps(): SweepState | undefined {
    return this.#running ? this.#sweeper.oldest : undefined;
  }

  /** Starts, or goes on after {@link pause}. */
  resume(): void {
    if (this.#running) return;
    this.#running = true;
    this.#sweeper.start();
    this.#options.forgottenUsers.start();
    // Not run(), which returns at once when the worker has come to rest while it was paused.
    for (const worker of this.#workers) void worker.resume();
  }

  /** Takes nothing up any more; what is in hand is finished. */
  async pause(): Promise<void> {
    if (!this.#running) return;
    this.#running = false;
    this.#options.forgottenUsers.stop();
    await Promise.allSettled([this.#sweeper.stop(), ...this.#workers.map((worker) => worker.pause(true))]);
  }

  async close(): Promise<void> {
    this.#options.forgottenUsers.stop();
    await Promise.allSettled([this.#sweeper.stop(), ...this.#workers.map((worker) => worker.close())]);
  }

  /**
   * After the connections were closed: ends the jobs in hand, whose answers do not come any more. The queue library would wait for
   * them for ever, and renew their locks by a timer that keeps the process. What they were about is another process' when their locks are over.
   */
  leave(): void {
    for (const end of this.#inHand) end(new Error('Redis has been left'));
    // A worker of a cluster may wait for a command that never settles as well: its own end, which stops the timer, is not waited for.
    for (const worker of this.#workers) void (worker as unknown as RenewsLocks).lockManager.close();
  }

  #untilLeft<V>(work: Promise<V>): Promise<V> {
    return new Promise((resolve, reject) => {
      this.#inHand.add(reject);
      work.then(resolve, reject).finally(() => this.#inHand.delete(reject));
    });
  }

  /** Another copy, or another try to tell a sender; idempotent, since an attempt can be claimed once. */
  async #redeliver(job: Job<JobData>): Promise<string> {
    const { pipeline, copies, endings, pings, log, trace } = this.#options;
    let deadLetter: Promise<void> | undefined;
    const { attempt } = job.data;
    const key = presentKey(job.data.key);
    // What is sent is sent before a receipt behind it is taken: the other way round it would come after the sender was told.
    const take = (taken: ReplyTo<Claim>) => {
      if (taken.outcome !== 'claimed') return;
      trace?.('claimed by a job', taken.record, { job: job.id });
      const { record, noStore, target } = taken;
      if (record.state === 'pending') copies.redeliver(record, noStore, undefined, target);
      else deadLetter = endings.repeat(record);
    };
    const claiming = pipeline.perform(claim(key, attempt, leaseOf(job)), take, this.#ownerOf(job));
    this.#ruleTrace?.(key, 'timer', { why: 'it was due', job: job.id });
    const claimed = await claiming;
    if (claimed.outcome === 'overdue') return this.#expire(job);
    if (claimed.outcome === 'moot') {
      trace?.('redelivery skipped', traced(job.data), {
        why: 'moot: another has this attempt, it has ended, or the rules let it wait',
        job: job.id,
      });
      return 'nothing to send';
    }
    if (claimed.outcome === 'asks') {
      const why = `first these sessions are asked whether they are there: ${claimed.resources.join(', ')}`;
      trace?.('redelivery skipped', traced(job.data), { why, job: job.id });
      pings.ask(claimed.user, claimed.resources, trace && traced(job.data));
      return 'asks whether its recipient is there';
    }
    const { sender: from, recipient: to, wireId: id, state, attempt: number } = claimed.record;
    if (state === 'pending') {
      log.info({ from, to, id, attempt: number }, 'Redelivering');
      return 'sent';
    }
    await deadLetter;
    return 'sender told';
  }

  /** What its recipient has returned by now comes first, however much waits: else a confirmed message would be sent again, or fail. */
  #ownerOf({ data }: Job<JobData>): string {
    return this.#options.addresses.returnsKeyOf(data.to);
  }

  async #expire(job: Job<JobData>): Promise<string> {
    const key = presentKey(job.data.key);
    const { pipeline, endings, log, ledger, trace } = this.#options;
    let deadLetter: Promise<void> | undefined;
    this.#ruleTrace?.(key, 'ends', { why: 'its time is over' });
    const take = (ended: ReplyTo<Expire>) => {
      if (ended !== undefined) {
        deadLetter = endings.conclude(ended, ended.state === 'expired' ? 'expired' : 'unconfirmed');
      }
    };
    const record = await pipeline.perform(expire(key, ledger.clock.now()), take, this.#ownerOf(job));
    if (record === undefined) {
      trace?.('redelivery skipped', { key }, { why: 'it was to expire, and has ended or got more time' });
      return 'not its time';
    }
    log.info({ from: record.sender, to: record.recipient, id: record.wireId }, `Message ${record.state}`);
    await deadLetter;
    return record.state;
  }

  /** Parks a dead letter by failing; when an operator retries it, sends the message after all. */
  async #undelivered(job: Job<UndeliveredData>): Promise<string> {
    // Counted when it fails, so that a worker that dies before it has failed the job begins anew.
    if (job.attemptsMade === 0) throw new UnrecoverableError(job.data.why);
    const { pipeline, endings, log } = this.#options;
    const record = await pipeline.perform(requeue(presentKey(job.data.key)), (requeued) => {
      if (requeued !== undefined) endings.requeue(requeued);
    });
    if (record === undefined) return 'nothing to send any more';
    log.info(
      { from: record.sender, to: record.recipient, id: record.wireId },
      'Sending an undelivered message after all',
    );
    return 'sent';
  }
}

/** What a job knows of its message, for the log. */
function traced({ key, from, to, id, attempt }: JobData): TracedMessage {
  return { key, sender: from, recipient: to, wireId: id, attempt };
}

/**
 * What a job may claim by. One that a sweep made has a lease of its own. One that shows a next attempt came when the queue
 * library said so, by the clock of whichever process, which may be wrong: the ledger's time decides. What an operator promotes
 * or adds, he wants now.
 */
export function leaseOf({ data, opts }: Pick<Job<JobData>, 'data' | 'opts'>): number | '*' {
  if (data.wanted === true) return '*';
  return data.lease ?? ((opts.delay ?? 0) === 0 ? '*' : 0);
}
