import type { Cluster, Redis } from 'ioredis';
import type { StoreMark } from '../contract.ts';
import type { StoreTimes } from '../retry-policy.ts';
import { LEDGER_FORMAT } from './format.ts';
import { KeyTakeover } from './key-takeover.ts';
import type { Probe } from './probe.ts';
import { redisFault } from './redis-faults.ts';
import type { RestoredCopy } from './restored-copy.ts';
import { MIGRATE, REPACK } from './scripts.ts';
import type { Shards } from './shards.ts';

/** Field of the ledger's mark: the format that it is being taken over from. */
const TAKING = 'taking';
/** The first format with copies as they are now. */
const COPIES_PACKED = 5;

/**
 * After a takeover: until Redis' disk has all of it, ms. What its machine loses in a crash before that is found when it is looked
 * through once more then.
 */
const SETTLED_AFTER = 3000;

/** Keys, or names, that one call moves. */
const PORTION = 50;

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

export interface PreparationOptions {
  readonly redis: Redis | Cluster;
  readonly shards: Shards;
  /** Whether its number was asked for: a ledger with another one is refused then, instead of taken as it is. */
  readonly isNumberSet: boolean;
  readonly times: StoreTimes;
  readonly probe: Pick<Probe, 'write'>;
  readonly restored?: Pick<RestoredCopy, 'read' | 'saw'>;
  readonly log: { info(fields: object, message: string): void };
  /** ms; 0 for not at all. */
  readonly settledAfter?: number;
}

/**
 * Makes sure that the ledger is one that this process can use; takes over what a version before it has written. It does so before the
 * first call, and again when there is another connection: that may lead to another Redis, to an older copy, or to one that has lost the
 * last of what was taken over.
 */
export class LedgerPreparation {
  readonly #options: PreparationOptions;
  #preparing: Promise<void> | undefined;
  #isReady = false;
  /** It has been ready: the number of shards is fixed for as long as the process lives. */
  #wasReady = false;
  /** Of connections. */
  #generation = 0;
  #settling: NodeJS.Timeout | undefined;

  constructor(options: PreparationOptions) {
    this.#options = options;
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
    const [format, count, taking] = await redis.hmget(this.#identity, 'format', 'shards', TAKING);
    return Number(format) === LEDGER_FORMAT && Number(count) === shards.count && taking === null;
  }

  async #prepareAnew(): Promise<void> {
    const { shards, probe } = this.#options;
    const isNumberFixed = this.#options.isNumberSet || this.#wasReady;
    let mark = await probe.write();
    if (mark.format === undefined) {
      await this.#takeOver();
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
    const from = Number(await this.#options.redis.hget(this.#identity, TAKING)) || format;
    if (from < LEDGER_FORMAT) await this.#takeOverFrom(from);
  }

  /** From format 3 or a later one, whose records are read as they are. */
  async #takeOverFrom(format: number): Promise<void> {
    const { redis, shards, log } = this.#options;
    log.info({ from: format, format: LEDGER_FORMAT }, 'Taking over the ledger of a version before');
    const begun = performance.now();
    // An older process is refused from here on, and a new one goes on with this if it is broken off.
    await redis.hset(this.#identity, TAKING, format, 'format', LEDGER_FORMAT);
    const takeover = new KeyTakeover(redis, shards);
    await takeover.carryOut();
    // Those were never in a cluster.
    if (format < COPIES_PACKED && !redis.isCluster) {
      await this.#repack();
      const prefixes = shards.keys.map(({ prefix }) => prefix);
      await redis.eval(REPACK, prefixes.length, ...prefixes, Date.now(), 'ages');
    }
    if (!redis.isCluster) await takeover.gatherLoad();
    await this.#settle(takeover);
    log.info({ format: LEDGER_FORMAT, seconds: (performance.now() - begun) / 1000 }, 'The ledger is taken over');
  }

  /** The mark says that it is being taken over until all of it is sure to be kept; the ledger is used meanwhile. */
  async #settle(takeover: KeyTakeover): Promise<void> {
    const { redis, settledAfter = SETTLED_AFTER } = this.#options;
    if (settledAfter === 0) {
      await redis.hdel(this.#identity, TAKING);
      return;
    }
    const look = async () => {
      try {
        if ((await takeover.carryOut()) === 0) {
          await redis.hdel(this.#identity, TAKING);
          return;
        }
      } catch {
        // Redis is not there: with the next connection it is all done again.
      }
      later();
    };
    const later = () => {
      this.#settling = setTimeout(() => void look(), settledAfter).unref();
    };
    clearTimeout(this.#settling);
    later();
  }

  get #identity(): string {
    return `${this.#options.shards.base}:identity`;
  }

  /** What stands beside records, where it is; a part at a time, and what was broken off goes on. */
  async #repack(): Promise<void> {
    const { redis, shards } = this.#options;
    for (const kind of ['held', 'out']) {
      for await (const names of this.#scan(shards.patternOf(kind))) {
        for (const { prefix } of shards.keys) {
          const begin = `${prefix}:${kind}:`;
          const own = names.filter((name) => name.startsWith(begin)).map((name) => name.slice(begin.length));
          for (let first = 0; first < own.length; first += PORTION) {
            const portion = own.slice(first, first + PORTION);
            while (Number(await redis.eval(REPACK, 1, prefix, Date.now(), kind, ...portion)) > 0);
          }
        }
      }
    }
  }

  async *#scan(pattern: string): AsyncGenerator<string[]> {
    let cursor = '0';
    do {
      const [next, names] = await (this.#options.redis as Redis).scan(cursor, 'MATCH', pattern, 'COUNT', 1000);
      if (names.length > 0) yield names;
      cursor = next;
    } while (cursor !== '0');
  }

  async #takeOver(): Promise<void> {
    const { redis, shards, log } = this.#options;
    if (redis.isCluster) {
      throw new LedgerFormatError(
        'The ledger in the Redis Cluster was written by a version that knew none, and cannot be taken over there. Use another REDIS_PREFIX, or start this version once without REDIS_CLUSTER on a copy in one Redis.',
      );
    }
    log.info({ shards: shards.count }, 'Taking over the ledger of a version without shards');
    const begun = performance.now();
    const isInPlace = shards.home.prefix === shards.base;
    // What a version before this one has moved, if it was broken off.
    if (!isInPlace) await new KeyTakeover(redis, shards).carryOut();
    const others: string[] = [];
    let moved = 0;
    for await (const names of this.#scan(`${escaped(shards.base)}:*`)) {
      const keys = new Set<string>();
      for (const name of names) {
        const own = name.slice(shards.base.length + 1);
        const key = /^[muq]:([\w-]{22}(?:[~-].{16})?)$/.exec(own)?.[1];
        if (key !== undefined) keys.add(key);
        else if (OTHERS.test(own)) others.push(own);
      }
      await this.#move('records', [...keys]);
      moved += keys.size;
    }
    await this.#move('others', others);
    // What is left there is of no record that could be read.
    if (isInPlace) {
      await this.#repack();
      await new KeyTakeover(redis, shards).moveCopies();
    } else {
      for (const kind of ['held', 'out']) {
        for await (const names of this.#scan(`${escaped(shards.base)}:${kind}:*`)) await redis.del(...names);
      }
    }
    await this.#call('end', [LEDGER_FORMAT]);
    log.info({ records: moved, seconds: (performance.now() - begun) / 1000 }, 'The ledger is taken over');
  }

  async #move(what: string, all: readonly string[]): Promise<void> {
    for (let first = 0; first < all.length; first += PORTION) await this.#call(what, all.slice(first, first + PORTION));
  }

  #call(what: string, args: readonly (string | number)[]): Promise<unknown> {
    const { redis, shards, times } = this.#options;
    const prefixes = [...shards.keys.map(({ prefix }) => prefix), shards.base];
    const { messageTtl, dedupWindow, undeliveredRetention } = times;
    return redis.eval(
      MIGRATE,
      prefixes.length,
      ...prefixes,
      messageTtl,
      dedupWindow,
      undeliveredRetention,
      Date.now(),
      what,
      ...args,
    );
  }
}

/** Beside records and what hangs on them; not the queues of the library, which stay. */
const OTHERS =
  /^(?:(?:confirms|sub|sessions|asked|granted|hidden|probed|caps|session):|(?:iq|iq:due|iq:by|alive|asking|clock|subs|paused|advance)$)/;
const escaped = (text: string) => text.replace(/[*?[\]^\\]/g, '\\$&');
