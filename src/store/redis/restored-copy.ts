import type { Cluster, Redis } from 'ioredis';
import type { Restored, StoreMark } from '../contract.ts';
import { RESTORED } from './scripts.ts';
import { keysOf, scriptFor } from './shard-scripts.ts';
import type { Shards } from './shards.ts';

/**
 * How many probes an older copy lacks at least: a minute's of one process. With fewer it is rather a replica that was behind when it took
 * over, and what was confirmed meanwhile is little: it is not worth holding back all that is pending.
 */
const LEAST_BEHIND = 30;
/** A ledger younger than this (s) was made because there was none: nothing in it is old. */
const FRESH = 60;

type Known = Pick<StoreMark, 'id' | 'count'>;

export interface RestoredCopyOptions {
  readonly redis: Redis | Cluster;
  readonly shards: Shards;
  /** ms. */
  readonly messageTtl: number;
}

/** Notices that the ledger was set back to an older copy, and has what is in that held back. All reject with errors of ioredis. */
export class RestoredCopy {
  readonly #options: RestoredCopyOptions;
  #known: Known | undefined;
  /** Looks are taken one after the other. */
  #looked: Promise<unknown> = Promise.resolve();

  constructor(options: RestoredCopyOptions) {
    this.#options = options;
  }

  /** The mark of the ledger is read, before anything of that is sent if there is another connection. */
  async read(): Promise<void> {
    const [id, count] = await this.#options.redis.hmget(this.#identity, 'id', 'count');
    if (typeof id === 'string') await this.saw({ id, count: Number(count) });
  }

  /** The mark as it was seen last, and what follows from it was done. */
  get known(): Known | undefined {
    return this.#known;
  }

  /** The mark of the ledger as others have seen it, before this process did. When this fails, it is made up for at the next call. */
  async heard(mark: Known): Promise<void> {
    await this.#inTurn(async () => {
      const known = this.#known;
      if (known?.id !== mark.id || known.count < mark.count) this.#known = mark;
    });
    await this.read();
  }

  /** The mark of the ledger as it stands. When this fails, it is made up for at the next call. */
  saw(mark: Known): Promise<void> {
    return this.#inTurn(() => this.#saw(mark));
  }

  #inTurn(look: () => Promise<void>): Promise<void> {
    const turn = this.#looked.then(look);
    this.#looked = turn.catch(() => {});
    return turn;
  }

  async #saw({ id, count }: Known): Promise<void> {
    const known = this.#known;
    const isOther = known !== undefined && id !== known.id;
    if (
      known !== undefined &&
      (isOther || known.count >= count + LEAST_BEHIND) &&
      !(await this.#wasFoundBefore(known))
    ) {
      if (!isOther || (await this.#isOld())) await this.#say('h');
      await this.#options.redis.hset(this.#identity, 'replaced', `${known.count} ${known.id}`);
    }
    this.#known = { id, count };
  }

  /** What is held back; undefined while there is nothing. */
  async state(): Promise<Restored | undefined> {
    const { redis, shards } = this.#options;
    if ((await redis.exists(shards.home.restored)) === 0) return undefined;
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

  async #say(word: 'h' | 'e' | 's'): Promise<void> {
    const { redis, shards, messageTtl } = this.#options;
    const prefixes = shards.keys.map(({ prefix }) => prefix);
    const calls = redis.isCluster ? prefixes.map((prefix) => keysOf(redis, prefix)) : [prefixes];
    const lua = scriptFor(redis, RESTORED);
    await Promise.all(calls.map((names) => redis.eval(lua, names.length, ...names, word, messageTtl)));
  }

  /** Whether another process has found the same, which may be long ago: an operator has had his say, or has it yet. */
  async #wasFoundBefore(known: Known): Promise<boolean> {
    const [count = '', id] = ((await this.#options.redis.hget(this.#identity, 'replaced')) ?? '').split(' ');
    return id === known.id && known.count < Number(count) + LEAST_BEHIND;
  }

  async #isOld(): Promise<boolean> {
    const { redis } = this.#options;
    const [since, [now]] = await Promise.all([redis.hget(this.#identity, 'since'), redis.time()]);
    return Number(now) - Number(since) >= FRESH;
  }

  get #identity(): string {
    return `${this.#options.shards.base}:identity`;
  }
}
