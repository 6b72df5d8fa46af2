import type { StoreMark } from '../contract.ts';
import { LEDGER_FORMAT } from './format.ts';
import { LedgerTakeover, type LedgerTakeoverOptions, TAKING } from './ledger-takeover.ts';
import type { Probe } from './probe.ts';
import { redisFault } from './redis-faults.ts';
import type { RestoredCopy } from './restored-copy.ts';

/** The ledger cannot be used by this process. redis-faults.ts knows it by its first word. */
class LedgerFormatError extends Error {
  override name = 'LedgerFormatError';
  constructor(text: string) {
    super(`LEDGER ${text}`);
  }
}

/** Something in Redis keeps the ledger from being made ready. redis-faults.ts knows it by its first word. */
class UnpreparedError extends Error {
  override name = 'UnpreparedError';
  constructor(cause: unknown) {
    super(`UNPREPARED ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/** Redis rejects a call of the preparation for what it found: to whoever waits for that it says nothing of his own operations. */
function asOfLedger(error: unknown): unknown {
  return redisFault(error).kind === 'content' ? new UnpreparedError(error) : error;
}

export interface PreparationOptions extends LedgerTakeoverOptions {
  /** Whether its number was asked for: a ledger with another one is refused then, instead of taken as it is. */
  readonly isNumberSet: boolean;
  readonly probe: Pick<Probe, 'write'>;
  readonly restored?: Pick<RestoredCopy, 'read' | 'saw'>;
}

/**
 * Makes sure that the ledger is one that this process can use; takes over what a version before it has written. It does so before the
 * first call, and again when there is another connection: that may lead to another Redis, to an older copy, or to one that has lost the
 * last of what was taken over.
 */
export class LedgerPreparation {
  readonly #options: PreparationOptions;
  readonly #takeover: LedgerTakeover;
  #preparing: Promise<void> | undefined;
  #isReady = false;
  /** It has been ready: the number of shards is fixed for as long as the process lives. */
  #wasReady = false;
  /** Of connections. */
  #generation = 0;

  constructor(options: PreparationOptions) {
    this.#options = options;
    this.#takeover = new LedgerTakeover(options);
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /**
   * @throws {LedgerFormatError}
   * @throws {UnpreparedError}
   * @throws errors of ioredis; then it is tried again at the next call
   */
  prepare(): Promise<void> {
    if (this.#isReady) return Promise.resolve();
    this.#preparing ??= this.#prepare()
      .catch((error) => {
        throw asOfLedger(error);
      })
      .finally(() => {
        this.#preparing = undefined;
      });
    return this.#preparing;
  }

  /** The connection is gone, or there is another one. */
  reconnected(): void {
    this.#generation += 1;
    this.#isReady = false;
  }

  /** A probe has read the ledger's mark. In a cluster, where connections of nodes come and go, it is the only word of another ledger. */
  saw({ format, shards }: Pick<StoreMark, 'format' | 'shards'>): void {
    if (this.#isReady && (format !== LEDGER_FORMAT || shards !== this.#options.shards.count)) this.reconnected();
  }

  /** Why this process cannot use the ledger; undefined when it can. Throws errors of ioredis. */
  async refusal(): Promise<string | undefined> {
    try {
      await this.prepare();
      return undefined;
    } catch (error) {
      if (error instanceof LedgerFormatError) return error.message.replace(/^LEDGER /, '');
      throw error;
    }
  }

  async #prepare(): Promise<void> {
    let generation: number;
    do {
      generation = this.#generation;
      if (!this.#wasReady || !(await this.#isAsBefore())) await this.#prepareAnew();
      await this.#options.restored?.read();
    } while (generation !== this.#generation);
    this.#isReady = true;
    this.#wasReady = true;
  }

  /** Whether the mark says that nothing is to be done. It is not counted, as a probe would be: that count tells an older copy. */
  async #isAsBefore(): Promise<boolean> {
    const { redis, shards } = this.#options;
    const [format, count, taking] = await redis.hmget(shards.identity, 'format', 'shards', TAKING);
    return Number(format) === LEDGER_FORMAT && Number(count) === shards.count && taking === null;
  }

  async #prepareAnew(): Promise<void> {
    const { redis, shards, probe } = this.#options;
    const isNumberFixed = this.#options.isNumberSet || this.#wasReady;
    let mark = await probe.write();
    if (mark.format === undefined) {
      await this.#takeOverUnsharded();
      // Another process may have come to the end of it.
      mark = await probe.write();
    }
    const { format = LEDGER_FORMAT, shards: kept = shards.count } = mark;
    if (format > LEDGER_FORMAT) {
      throw new LedgerFormatError(
        `The ledger in Redis is of format ${format}, which a newer version has written; this one knows format ${LEDGER_FORMAT}. Use that version, or another REDIS_PREFIX.`,
      );
    }
    if (isNumberFixed && kept !== shards.count) {
      const text = this.#options.isNumberSet
        ? `which its first start has fixed; SHARDS is ${shards.count}. Set SHARDS=${kept}, or leave it out.`
        : `and the one before it had ${shards.count}: it is another one. Check where REDIS_URL leads, and start the proxy anew to use it.`;
      throw new LedgerFormatError(`The ledger in Redis has ${kept} shards, ${text}`);
    }
    if (kept !== shards.count) {
      shards.adopt(kept);
      // In a cluster it has looked at no shards.
      mark = await probe.write();
    }
    await this.#options.restored?.saw(mark);
    const from = Number(await redis.hget(shards.identity, TAKING)) || format;
    if (from < LEDGER_FORMAT) await this.#takeover.from(from);
  }

  async #takeOverUnsharded(): Promise<void> {
    if (this.#options.redis.isCluster) {
      throw new LedgerFormatError(
        'The ledger in the Redis Cluster was written by a version that knew none, and cannot be taken over there. Use another REDIS_PREFIX, or start this version once without REDIS_CLUSTER on a copy in one Redis.',
      );
    }
    await this.#takeover.unsharded();
  }
}
