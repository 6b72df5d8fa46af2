import type { Cluster, Redis } from 'ioredis';
import type { Restored, StoreMark } from '../contract.ts';
import { RESTORED } from './scripts.ts';
import { keysOf, scriptFor } from './shard-scripts.ts';
import type { Shards } from './shards.ts';

/**
 * How many probes an older copy lacks at least: a minute's of one process. With fewer it is rather a replica that was behind when it took
 * over, and what was confirmed meanwhile is little: it is not worth holding back all that is pending.
 */
export const LEAST_BEHIND = 30;
/** A ledger younger than this (s) was made because there was none: nothing in it is old. */
const FRESH = 60;
/** How much longer ago than the look before (ms) another process may have found the same: it was still led to the newer ledger then. */
const FOUND_EARLIER = 60_000;

type Known = Pick<StoreMark, 'id' | 'count'>;

interface Look extends Known {
  /** When it was so (monotonic, ms). */
  readonly at: number;
}

export interface RestoredCopyOptions {
  readonly redis: Redis | Cluster;
  readonly shards: Shards;
  /** ms. */
  readonly messageTtl: number;
}

/** Notices that the ledger was set back to an older copy, and has what is in that held back. All reject with errors of ioredis. */
export class RestoredCopy {
  readonly #options: RestoredCopyOptions;
  /** The last look. */
  #known: Look | undefined;
  /** The one of the same ledger with the highest count: who restores the wrong copy first then restores another one. */
  #highest: Look | undefined;
  /** What Redis kept of the last finding when that was compared with it: as long as it is that, nothing is new, whatever clocks say. */
  #compared: string | undefined;
  /** Looks are taken one after the other. */
  #looked: Promise<unknown> = Promise.resolve();

  constructor(options: RestoredCopyOptions) {
    this.#options = options;
  }

  /** The mark of the ledger is read, before anything of that is sent if there is another connection. */
  async read(): Promise<void> {
    const [id, count] = await this.#options.redis.hmget(this.#options.shards.identity, 'id', 'count');
    if (typeof id === 'string') await this.saw({ id, count: Number(count) });
  }

  /** The mark as it was seen last, and what follows from it was done. */
  get known(): Known | undefined {
    return this.#known && { id: this.#known.id, count: this.#known.count };
  }

  /**
   * The mark of the ledger as others have seen it, before this process did. When this fails, it is made up for at the next call.
   *
   * @param age how long ago that was, ms
   */
  async heard(mark: Known, age = 0): Promise<void> {
    const at = performance.now() - age;
    await this.#inTurn(async () => {
      const known = this.#known;
      if (known?.id !== mark.id || known.count < mark.count) this.#knows({ ...mark, at });
    });
    await this.read();
  }

  /**
   * The mark of the ledger as it stands, as a probe has found it: also that a part of a cluster remembers a newer one. When this fails, it
   * is made up for at the next call.
   */
  async saw({ id, count, highest }: Known & Pick<StoreMark, 'highest'>): Promise<void> {
    if (highest !== undefined) await this.heard({ id, count: highest });
    else await this.#inTurn(() => this.#saw({ id, count }));
  }

  #inTurn(look: () => Promise<void>): Promise<void> {
    const turn = this.#looked.then(look);
    this.#looked = turn.catch(() => {});
    return turn;
  }

  async #saw(mark: Known): Promise<void> {
    const at = performance.now();
    const lost = (await this.#lost(this.#known, mark)) ?? (await this.#lost(this.#highest, mark));
    if (lost !== undefined) {
      if (lost.id === mark.id) await this.#say('h', lost);
      else if (await this.#isOld(lost)) await this.#say('h');
      const highest = this.#highest?.id === lost.id ? Math.max(lost.count, this.#highest.count) : lost.count;
      const [seconds] = await this.#options.redis.time();
      const found = `${highest} ${lost.id} ${seconds}`;
      await this.#options.redis.hset(this.#options.shards.identity, 'replaced', found);
      this.#compared = found;
    }
    this.#knows({ ...mark, at });
  }

  #knows(look: Look): void {
    this.#known = look;
    if (this.#highest?.id === look.id && this.#highest.count > look.count) return;
    this.#highest = look;
    this.#compared = undefined;
  }

  /** What was known, if this is another ledger or an older copy, and nobody has found that yet. */
  async #lost(known: Look | undefined, { id, count }: Known): Promise<Look | undefined> {
    if (known === undefined || (id === known.id && known.count < count + LEAST_BEHIND)) return undefined;
    return (await this.#wasFoundBefore(known)) ? undefined : known;
  }

  /** What is held back; undefined while there is nothing. */
  async state(): Promise<Restored | undefined> {
    const { redis, shards } = this.#options;
    // In a cluster one of them alone may have been set back.
    if (!redis.isCluster && (await redis.exists(shards.home.restored)) === 0) return undefined;
    const all = await Promise.all(shards.keys.map(({ restored }) => redis.get(restored)));
    const found = all.flatMap((text) => (text === null ? [] : [text.split(' ') as [string, string, string]]));
    if (found.length === 0) return undefined;
    return {
      upto: Math.max(...found.map(([upto]) => Number(upto))),
      pending: found.reduce((sum, [, pending]) => sum + Number(pending), 0),
      isEnding: found.every(([, , word]) => word === 'e'),
    };
  }

  /** From now on what is still pending of the copy is over, as soon as somebody looks at it. */
  beginEnd(): Promise<void> {
    return this.#say('e');
  }

  /** From now on it is like all else. */
  letGo(): Promise<void> {
    return this.#say('s');
  }

  /** @param newer the ledger as it was: what is noted of that in a shard of a cluster tells that it was not set back */
  async #say(word: 'h' | 'e' | 's', newer?: Known): Promise<void> {
    const { redis, shards, messageTtl } = this.#options;
    const prefixes = shards.keys.map(({ prefix }) => prefix);
    const calls = redis.isCluster ? prefixes.map((prefix) => keysOf(redis, prefix)) : [prefixes];
    const lua = scriptFor(redis, RESTORED);
    const least = newer === undefined || !redis.isCluster ? ['', ''] : [newer.id, newer.count - LEAST_BEHIND];
    await Promise.all(calls.map((names) => redis.eval(lua, names.length, ...names, word, messageTtl, ...least)));
  }

  /**
   * Whether another process has found the same, which may be long ago: an operator has had his say, or has it yet. What was found before
   * the look was another restoring, of which this copy has kept that.
   */
  async #wasFoundBefore(known: Look): Promise<boolean> {
    const { redis } = this.#options;
    const replaced = (await redis.hget(this.#options.shards.identity, 'replaced')) ?? '';
    if (known === this.#highest && replaced === this.#compared) return true;
    const [count = '', id, found] = replaced.split(' ');
    if (id !== known.id || known.count >= Number(count) + LEAST_BEHIND) return false;
    // A version before this one has not written when.
    if (found === undefined) return true;
    const [now] = await redis.time();
    const isFound = (Number(now) - Number(found)) * 1000 <= performance.now() - known.at + FOUND_EARLIER;
    if (isFound && known === this.#highest) this.#compared = replaced;
    return isFound;
  }

  /** Whether the ledger was there when the one before was looked at last: else it was made in its place. */
  async #isOld(before: Look): Promise<boolean> {
    const { redis } = this.#options;
    const [since, [now]] = await Promise.all([redis.hget(this.#options.shards.identity, 'since'), redis.time()]);
    return Number(now) - Number(since) >= FRESH + (performance.now() - before.at) / 1000;
  }
}
