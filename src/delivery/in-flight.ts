import { randomInt } from 'node:crypto';
import { KEY_LENGTH } from '../xmpp/stanza/message-key.ts';

/** Places of an empty table; a power of two, as all its sizes. */
const LEAST = 64;
/** Where the characters of a key begin that tell it from others: before come those of its shard. */
const TELLING = 2;
const TOLD = 10;
/** The mark at the end of a key (message-key.ts) tells those from each other that have one id; so many of its characters do. */
const TELLING_OF_MARK = 8;
const PRIME = 0x01000193;

/**
 * What is under way, by its record's key: a hash table with linear probing. Not a Map: entries come and go tens of thousands of
 * times a second, and each time that V8's Map makes itself a new table it has the old one point to it. One table among them that
 * has grown old keeps all that follow alive, and everything that ever stood in them, until the next full collection (a third of
 * all memory that the proxy allocated, once). Nor an object: the engine keeps each of its keys in a table of its own.
 *
 * Keys are digests; what is mixed in keeps those who choose messages from choosing places.
 */
export class InFlight<V> {
  readonly #seed = randomInt(2 ** 31);
  #keys: (string | undefined)[] = new Array(LEAST).fill(undefined);
  #values: (V | undefined)[] = new Array(LEAST).fill(undefined);
  #size = 0;

  get(key: string): V | undefined {
    if (this.#size === 0) return undefined;
    return this.#values[this.#find(key)];
  }

  set(key: string, value: V): void {
    const place = this.#find(key);
    if (this.#keys[place] === undefined) {
      this.#keys[place] = key;
      this.#size += 1;
    }
    this.#values[place] = value;
    if (this.#size * 2 > this.#keys.length) this.#resize(this.#keys.length * 2);
  }

  delete(key: string): void {
    // Asked far more often than there is anything.
    if (this.#size === 0) return;
    const keys = this.#keys;
    let empty = this.#find(key);
    if (keys[empty] === undefined) return;
    this.#size -= 1;
    const mask = keys.length - 1;
    // Those behind it that belong there, or before, move up: else they would not be found any more.
    for (let place = (empty + 1) & mask; keys[place] !== undefined; place = (place + 1) & mask) {
      const home = this.#home(keys[place] as string);
      if (((place - home) & mask) < ((place - empty) & mask)) continue;
      keys[empty] = keys[place];
      this.#values[empty] = this.#values[place];
      empty = place;
    }
    keys[empty] = undefined;
    this.#values[empty] = undefined;
    if (keys.length > LEAST && this.#size * 16 < keys.length) this.#resize(keys.length / 2);
  }

  *[Symbol.iterator](): Generator<V> {
    // Of what is there now: places change.
    for (const value of this.#values.filter((one) => one !== undefined)) yield value;
  }

  /** Where it stands, or would stand. */
  #find(key: string): number {
    const keys = this.#keys;
    const mask = keys.length - 1;
    let place = this.#home(key);
    for (let there = keys[place]; there !== undefined && there !== key; there = keys[place]) place = (place + 1) & mask;
    return place;
  }

  #home(key: string): number {
    let hash = this.#seed;
    for (let at = TELLING; at < TOLD; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), PRIME);
    const { length } = key;
    if (length > KEY_LENGTH)
      for (let at = length - TELLING_OF_MARK; at < length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), PRIME);
    return (hash ^ (hash >>> 15)) & (this.#keys.length - 1);
  }

  #resize(places: number): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Array(places).fill(undefined);
    this.#values = new Array(places).fill(undefined);
    for (let from = 0; from < keys.length; from += 1) {
      const key = keys[from];
      if (key === undefined) continue;
      const place = this.#find(key);
      this.#keys[place] = key;
      this.#values[place] = values[from];
    }
  }
}
