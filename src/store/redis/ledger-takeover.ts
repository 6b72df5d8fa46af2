import type { Cluster, Redis } from 'ioredis';
import type { StoreTimes } from '../retry-policy.ts';
import { LEDGER_FORMAT } from './format.ts';
import { KeyTakeover } from './key-takeover.ts';
import { MIGRATE, REPACK } from './scripts.ts';
import type { Shards } from './shards.ts';

/** Field of the ledger's mark: the format that it is being taken over from. */
export const TAKING = 'taking';
/** The first format with copies as they are now. */
const COPIES_PACKED = 5;

/**
 * After a takeover: until Redis' disk has all of it, ms. What its machine loses in a crash before that is found when it is looked
 * through once more then.
 */
const SETTLED_AFTER = 3000;

/** Keys, or names, that one call moves. */
const PORTION = 50;

export interface LedgerTakeoverOptions {
  readonly redis: Redis | Cluster;
  readonly shards: Shards;
  readonly times: StoreTimes;
  readonly log: { info(fields: object, message: string): void };
  /** ms; 0 for not at all. */
  readonly settledAfter?: number;
}

/**
 * Takes over what a version before this one has written, a part at a time. It may be broken off, and be done again, by several processes at
 * once. Rejects with errors of ioredis.
 */
export class LedgerTakeover {
  readonly #options: LedgerTakeoverOptions;
  #settling: NodeJS.Timeout | undefined;

  constructor(options: LedgerTakeoverOptions) {
    this.#options = options;
  }

  /** From a version without shards, which knew no cluster. */
  async unsharded(): Promise<void> {
    const { redis, shards, log } = this.#options;
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

  /** From format 3 or a later one, whose records are read as they are. */
  async from(format: number): Promise<void> {
    const { redis, shards, log } = this.#options;
    log.info({ from: format, format: LEDGER_FORMAT }, 'Taking over the ledger of a version before');
    const begun = performance.now();
    // An older process is refused from here on, and a new one goes on with this if it is broken off.
    await redis.hset(shards.identity, TAKING, format, 'format', LEDGER_FORMAT);
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
    const { redis, shards, settledAfter = SETTLED_AFTER } = this.#options;
    if (settledAfter === 0) {
      await redis.hdel(shards.identity, TAKING);
      return;
    }
    const look = async () => {
      try {
        if ((await takeover.carryOut()) === 0) {
          await redis.hdel(shards.identity, TAKING);
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
