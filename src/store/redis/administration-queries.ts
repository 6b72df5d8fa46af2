import type { Redis } from 'ioredis';
import type { Found, KeyPortion, LifeEvent, Load, Paused, StoreQueries } from '../contract.ts';
import { pausedBy } from './codec/replies.ts';
import { decodeScript } from './codec/script-replies.ts';
import { heaviest } from './heaviest.ts';
import type { Keys } from './keys.ts';
import { LOOK } from './scripts.ts';

/** How many events of a message's life are shown, the newest. */
const MAX_EVENTS = 200;

/** How many of a sender's messages in trouble are looked at: a client may have tens of thousands. */
const MAX_LOOKED_AT = 2000;
/** Records that one call looks at; it holds up everything else. */
const PORTION = 50;

/** Rejects with errors of ioredis. */
export class RedisQueries implements StoreQueries {
  readonly #redis: Redis;
  readonly #keys: Keys;
  #looking: Promise<unknown> = Promise.resolve();

  constructor(redis: Redis, keys: Keys) {
    this.#redis = redis;
    this.#keys = keys;
    redis.defineCommand('receiptsLook', { numberOfKeys: 1, lua: LOOK });
  }

  async inTrouble(sender: string, limit: number): Promise<{ found: Found[]; total: number }> {
    const name = this.#keys.from(sender);
    const count = await this.#redis.scard(name);
    const keys = await this.#members(name, MAX_LOOKED_AT);
    const looked = Math.min(keys.length, MAX_LOOKED_AT);
    const all: Found[] = [];
    for (let i = 0; i < looked; i += PORTION) {
      all.push(...(await this.#look(false, keys.slice(i, Math.min(i + PORTION, looked)))));
    }
    const found = all
      .filter(({ record, kept }) => record.sender === sender && (record.state === 'pending' || kept))
      .sort((a, b) => a.record.firstStoredAt - b.record.firstStoredAt);
    return { found: found.slice(0, limit), total: found.length + Math.max(0, count - looked) };
  }

  byKey(key: string): Promise<Found[]> {
    return this.#look(true, [key]);
  }

  records(keys: readonly string[]): Promise<Found[]> {
    return keys.length === 0 ? Promise.resolve([]) : this.#look(false, keys);
  }

  async life(key: string): Promise<LifeEvent[]> {
    const lines = await this.#redis.lrange(this.#keys.life(key), -MAX_EVENTS, -1);
    return lines
      .map((line) => {
        const [at = '', ...words] = line.split(' ');
        return { at: Number(at), what: words.join(' ') };
      })
      .filter(({ at, what }) => Number.isFinite(at) && what !== '')
      .sort((a, b) => a.at - b.at);
  }

  async paused(): Promise<Paused | undefined> {
    const text = await this.#redis.get(this.#keys.paused);
    return text === null ? undefined : pausedBy(text);
  }

  contacts(): Promise<string[]> {
    return this.#members(this.#keys.contacts);
  }

  heaviest(limit: number): Promise<Load[]> {
    return heaviest(this.#redis, this.#keys, limit);
  }

  /** Members of a set, a portion at a time; about `most` of them. */
  async #members(name: string, most = Number.POSITIVE_INFINITY): Promise<string[]> {
    const members = new Set<string>();
    let cursor = '0';
    do {
      const [next, some] = await this.#redis.sscan(name, cursor, 'COUNT', 500);
      for (const member of some) members.add(member);
      cursor = next;
    } while (cursor !== '0' && members.size < most);
    return [...members];
  }

  async portion(cursor: string): Promise<KeyPortion> {
    const [next, names] = await this.#redis.scan(cursor, 'MATCH', this.#keys.recordPattern, 'COUNT', 200);
    const keys = [...new Set(names.map((name) => this.#keys.keyOf(name)))];
    return { keys, next: next === '0' ? undefined : next };
  }

  /** One after the other, whoever asks: what comes between is not held up by more than one of them. */
  #look(all: boolean, keys: readonly string[]): Promise<Found[]> {
    const found = this.#looking.then(() => this.#lookAt(all, keys));
    this.#looking = found.catch(() => {});
    return found;
  }

  async #lookAt(all: boolean, keys: readonly string[]): Promise<Found[]> {
    const look = this.#redis as unknown as Record<'receiptsLook', (...args: string[]) => Promise<unknown[]>>;
    const replies = await look.receiptsLook(this.#keys.prefix, all ? '1' : '0', ...keys);
    return replies.map((reply) => decodeScript('look', reply));
  }
}
