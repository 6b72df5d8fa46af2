import { partitionOf, partitionOfKey } from '../../xmpp/stanza/partition.ts';
import { slotOf } from './hash-slot.ts';
import { Keys } from './keys.ts';

/** Of a new ledger, where nothing else is set. */
export const DEFAULT_SHARDS = 16;

/** Slots of a Redis Cluster. */
const SLOTS = 16_384;
/** Where the hash tag of a name ends. */
const tagEnd = (name: string) => name.indexOf('}', name.indexOf('{'));

/**
 * The shards of a ledger: each has all its names under a prefix of its own, whose hash tag gives it a slot of its own. A shard
 * holds partitions of users (xmpp/stanza/partition.ts). A ledger of one shard has the names that it had before there were any.
 */
export class Shards {
  readonly base: string;
  #count: number;
  #keys: readonly Keys[] = [];
  #prefixes: ReadonlySet<string> = new Set();

  /**
   * @param base what all names begin with, with a hash tag
   * @param count of a new ledger: one that is there keeps its own ({@link adopt})
   */
  constructor(base: string, count: number) {
    this.base = base;
    this.#count = count;
    this.adopt(count);
  }

  get count(): number {
    return this.#count;
  }

  /** By number. */
  get keys(): readonly Keys[] {
    return this.#keys;
  }

  /** Takes the number that the ledger was begun with: before anything is looked for in it. */
  adopt(count: number): void {
    this.#count = count;
    this.#keys = Array.from({ length: count }, (_, shard) => new Keys(prefixOf(this.base, shard, count)));
    this.#prefixes = new Set(this.#keys.map(({ prefix }) => prefix));
  }

  /** HASH: which ledger it is, its format and its number of shards ({@link Keys.identity}). */
  get identity(): string {
    return `${this.base}:identity`;
  }

  /** Where what belongs to no user lies, and what belongs to a domain. */
  get home(): Keys {
    return this.#keys[0] as Keys;
  }

  ofUser(jid: string): number {
    return this.#count === 1 ? 0 : partitionOf(jid) % this.#count;
  }

  /** @param key a message's */
  ofKey(key: string): number {
    return this.#count === 1 ? 0 : partitionOfKey(key) % this.#count;
  }

  keysOfUser(jid: string): Keys {
    return this.#keys[this.ofUser(jid)] as Keys;
  }

  keysOfMessage(key: string): Keys {
    return this.#keys[this.ofKey(key)] as Keys;
  }

  /** What SCAN finds records, undelivered ones and quarantined ones by, and others; see {@link keyIn}. */
  get recordPattern(): string {
    return `${this.#prefixPattern}[.:]*`;
  }

  /** What SCAN finds all names of a kind by (keys.ts), and some of another ledger's. */
  patternOf(kind: string): string {
    return `${this.#prefixPattern}:${kind}:*`;
  }

  get #prefixPattern(): string {
    const close = tagEnd(this.base);
    const own = this.#count === 1 ? '' : '.*';
    return escaped(this.base.slice(0, close)) + own + escaped(this.base.slice(close));
  }

  /** The message's key in the name of a record, an undelivered one or a quarantined one of this ledger; undefined in others. */
  keyIn(name: string): string | undefined {
    for (const length of KEY_LENGTHS) {
      const key = name.slice(-length);
      const begin = name.slice(0, -length).replace(/(?:\.|:[uq]:)$/, '');
      if (KEY.test(key) && this.#prefixes.has(begin)) return key;
    }
    return undefined;
  }

  /** Splits a list by shard: those that have none of it are left out. */
  split<Each>(all: readonly Each[], shardOf: (one: Each) => number): Map<number, Each[]> {
    const parts = new Map<number, Each[]>();
    for (const one of all) {
      const shard = shardOf(one);
      const part = parts.get(shard);
      if (part === undefined) parts.set(shard, [one]);
      else part.push(one);
    }
    return parts;
  }
}

/** Of a key, and of one with what tells it from others of one id. */
const KEY_LENGTHS = [14, 31] as const;
const KEY = /^[\w~-]+$/;
const escaped = (text: string) => text.replace(/[*?[\]^\\]/g, '\\$&');

/**
 * `{receipts.3}` for `{receipts}`, with letters after the number so that the shards' slots follow each other at even distances:
 * masters of a cluster that have equal ranges of slots have equal numbers of shards.
 */
function prefixOf(base: string, shard: number, count: number): string {
  if (count === 1) return base;
  const [first, end] = [(shard * SLOTS) / count, ((shard + 1) * SLOTS) / count];
  const close = tagEnd(base);
  for (let attempt = 0; ; attempt += 1) {
    const tag = `.${shard}${attempt === 0 ? '' : `.${attempt.toString(36)}`}`;
    const prefix = base.slice(0, close) + tag + base.slice(close);
    const slot = slotOf(prefix);
    if (slot >= first && slot < end) return prefix;
  }
}
