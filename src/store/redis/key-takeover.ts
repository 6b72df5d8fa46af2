import type { Cluster, Redis } from 'ioredis';
import { layoutOf, refreshed, serversOf } from './cluster-nodes.ts';
import { slotOf } from './hash-slot.ts';
import type { Keys } from './keys.ts';
import { SHORTEN } from './scripts.ts';
import { keysOf, scriptFor } from './shard-scripts.ts';
import type { Shards } from './shards.ts';

/** Names that one call moves. */
const PORTION = 100;
/** What bears one message's key. */
const NAMED = /^(?:[muqic]|life):(?:.{22}|.{39})$/s;
/** What holds keys of many. */
const HOLDING = /^(copies|from):(.*)$/s;

/**
 * Takes over the keys of messages from formats 3 to 5, a part at a time (scripts/shorten.lua). It may be broken off, and be done again,
 * by several processes at once. No message may be stored meanwhile. Rejects with errors of ioredis.
 */
export class KeyTakeover {
  readonly #redis: Redis | Cluster;
  readonly #shards: Shards;

  constructor(redis: Redis | Cluster, shards: Shards) {
    this.#redis = redis;
    this.#shards = shards;
  }

  /** Gives how many names were moved; some may stay, where another is there already. */
  async carryOut(): Promise<number> {
    const { keys } = this.#shards;
    for (const shard of keys) await this.#call(shard, 'begin');
    let before = Number.POSITIVE_INFINITY;
    let found = await this.#moveSurely();
    const first = found;
    while (found > 0 && found < before) {
      before = found;
      found = await this.#moveSurely();
    }
    for (const shard of keys) {
      await this.#paged(shard, 'advance', '');
      for (const kind of ['due', 'ended', 'damaged', 'damaged:new']) {
        while (Number(await this.#call(shard, kind)) > 0);
      }
    }
    return first - found;
  }

  /**
   * The same as {@link #moveAll}. In a cluster a slot may go from one master to another meanwhile, with what has not been looked at on
   * either: what has ended would be found by nothing else. So it is looked through again until no slot has moved.
   */
  async #moveSurely(): Promise<number> {
    let found = 0;
    let before = await this.#layout();
    for (;;) {
      found += await this.#moveAll();
      const after = await this.#layout();
      if (after === before) return found;
      before = after;
    }
  }

  /** Where the shards lie; nothing on one Redis. */
  async #layout(): Promise<string> {
    if (!('nodes' in this.#redis)) return '';
    await refreshed(this.#redis);
    const slots = this.#shards.keys.map(({ prefix }) => slotOf(prefix));
    return layoutOf(this.#redis, slots);
  }

  /** Gives how many names there were to move. */
  async #moveAll(): Promise<number> {
    let found = 0;
    await this.#each(async (shard, names) => {
      const named = names.filter((name) => NAMED.test(name));
      found += named.length;
      for (let first = 0; first < named.length; first += PORTION) {
        await this.#call(shard, 'named', ...named.slice(first, first + PORTION));
      }
      await this.#moveHeld(shard, names);
    });
    return found;
  }

  /** Puts the sums of senders with the first shard. Not in a cluster. */
  async gatherLoad(): Promise<void> {
    const { home, keys } = this.#shards;
    for (const { prefix } of keys.slice(1)) {
      while (Number(await this.#redis.eval(SHORTEN, 2, prefix, home.prefix, Date.now(), 'load')) > 0);
    }
  }

  /** Only keys of copies that are out. */
  async moveCopies(): Promise<void> {
    await this.#each((shard, names) =>
      this.#moveHeld(
        shard,
        names.filter((name) => name.startsWith('copies:')),
      ),
    );
  }

  async #moveHeld(shard: Keys, names: readonly string[]): Promise<void> {
    for (const name of names) {
      const [, kind, whose] = HOLDING.exec(name) ?? [];
      if (kind !== undefined && whose !== undefined) await this.#paged(shard, kind, whose);
    }
  }

  async #paged(shard: Keys, kind: string, whose: string): Promise<void> {
    let cursor = '0';
    do cursor = String(await this.#call(shard, kind, whose, cursor));
    while (cursor !== '0');
  }

  #call(shard: Keys, what: string, ...args: readonly string[]): Promise<unknown> {
    const names = keysOf(this.#redis, shard.prefix);
    return this.#redis.eval(scriptFor(this.#redis, SHORTEN), names.length, ...names, Date.now(), what, ...args);
  }

  /** Names of a shard without its prefix, some at a time. What comes while this goes on may be missing. */
  async #each(take: (shard: Keys, names: readonly string[]) => Promise<void>): Promise<void> {
    for (const server of serversOf(this.#redis)) {
      let cursor = '0';
      do {
        const [next, names] = await server.scan(cursor, 'MATCH', this.#shards.patternOf('[a-z]*'), 'COUNT', 1000);
        cursor = next;
        for (const shard of this.#shards.keys) {
          const begin = `${shard.prefix}:`;
          const own = names.filter((name) => name.startsWith(begin)).map((name) => name.slice(begin.length));
          if (own.length > 0) await take(shard, own);
        }
      } while (cursor !== '0');
    }
  }
}
