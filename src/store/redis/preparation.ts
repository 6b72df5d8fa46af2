import type { Cluster, Redis } from 'ioredis';
import type { StoreTimes } from '../retry-policy.ts';
import { LEDGER_FORMAT } from './format.ts';
import { KeyTakeover } from './key-takeover.ts';
import type { Probe } from './probe.ts';
import { MIGRATE, REPACK } from './scripts.ts';
import type { Shards } from './shards.ts';

/** Field of the ledger's mark: the format that it is being taken over from. */
const TAKING = 'taking';
/** The first format with copies as they are now. */
const COPIES_PACKED = 5;

/** Keys, or names, that one call moves. */
const PORTION = 50;

/** The ledger cannot be used by this process. redis-faults.ts knows it by its first word. */
class LedgerFormatError extends Error {
  override name = 'LedgerFormatError';
  constructor(text: string) {
    super(`LEDGER ${text}`);
  }
}

export interface PreparationOptions {
  readonly redis: Redis | Cluster;
  readonly shards: Shards;
  /** Whether its number was asked for: a ledger with another one is refused then, instead of taken as it is. */
  readonly isNumberSet: boolean;
  readonly times: StoreTimes;
  readonly probe: Pick<Probe, 'write'>;
  readonly log: { info(fields: object, message: string): void };
}

/** Makes sure, once, that the ledger is one that this process can use; takes over what a version before it has written. */
export class LedgerPreparation {
  readonly #options: PreparationOptions;
  #preparing: Promise<void> | undefined;
  #isReady = false;

  constructor(options: PreparationOptions) {
    this.#options = options;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /**
   * @throws {LedgerFormatError}
   * @throws errors of ioredis; then it is tried again at the next call
   */
  prepare(): Promise<void> {
    if (this.#isReady) return Promise.resolve();
    this.#preparing ??= this.#prepare().finally(() => {
      this.#preparing = undefined;
    });
    return this.#preparing;
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
    const { shards, isNumberSet, probe } = this.#options;
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
    if (isNumberSet && kept !== shards.count) {
      throw new LedgerFormatError(
        `The ledger in Redis has ${kept} shards, which its first start has fixed; SHARDS is ${shards.count}. Set SHARDS=${kept}, or leave it out.`,
      );
    }
    if (kept !== shards.count) shards.adopt(kept);
    const from = Number(await this.#options.redis.hget(this.#identity, TAKING)) || format;
    if (from < LEDGER_FORMAT) await this.#takeOverFrom(from);
    this.#isReady = true;
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
    await redis.hdel(this.#identity, TAKING);
    log.info({ format: LEDGER_FORMAT, seconds: (performance.now() - begun) / 1000 }, 'The ledger is taken over');
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
