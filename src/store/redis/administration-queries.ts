import type { Cluster, Redis } from 'ioredis';
import type { Found, KeyPortion, LifeEvent, Load, Paused, PendingPortion, StoreQueries } from '../contract.ts';
import { layoutOf, refreshed, serversOf } from './cluster-nodes.ts';
import { pausedBy } from './codec/replies.ts';
import { decodeScript } from './codec/script-replies.ts';
import { copiesOut } from './copies.ts';
import { slotOf } from './hash-slot.ts';
import { heaviest } from './heaviest.ts';
import type { Keys } from './keys.ts';
import type { LedgerPreparation } from './preparation.ts';
import { LOOK } from './scripts.ts';
import { defineShardScript, keysOf } from './shard-scripts.ts';
import type { Shards } from './shards.ts';

/** How many events of a message's life are shown, the newest. */
const MAX_EVENTS = 200;

/** How many of a sender's messages in trouble are looked at: a client may have tens of thousands. */
const MAX_LOOKED_AT = 2000;
/** How many copies to one recipient are looked through for those of one sender, or for one message's. */
const MOST_COPIES = 100_000;
/** Records that one call looks at; it holds up everything else. */
const PORTION = 25;

/** Rejects with errors of ioredis. */
export class RedisQueries implements StoreQueries {
  readonly #redis: Redis | Cluster;
  readonly #shards: Shards;
  readonly #preparation: Pick<LedgerPreparation, 'prepare'> | undefined;
  #looking: Promise<unknown> = Promise.resolve();

  /** @param preparation of the ledger: how many shards it has is known after it */
  constructor(redis: Redis | Cluster, shards: Shards, preparation?: Pick<LedgerPreparation, 'prepare'>) {
    this.#preparation = preparation;
    this.#redis = redis;
    this.#shards = shards;
    defineShardScript(redis, 'receiptsLook', LOOK);
  }

  async inTrouble(sender: string, limit: number): Promise<{ found: Found[]; total: number }> {
    await this.#preparation?.prepare();
    const all: Found[] = [];
    let left = 0;
    for (const shard of this.#shards.keys) {
      const ended = await this.#redis.scard(shard.from(sender));
      const recipients = await this.#held(shard.holds(sender));
      const held = [...recipients.values()].reduce((sum, count) => sum + count, 0);
      if (held + ended === 0) continue;
      const most = Math.max(0, MAX_LOOKED_AT - all.length);
      const named = new Set(await this.#members(shard.from(sender), most));
      for (const recipient of recipients.keys()) {
        if (named.size >= most) break;
        const { found } = await copiesOut(this.#redis, shard, recipient, MOST_COPIES);
        for (const copy of found) if (copy.sender === sender) named.add(copy.key);
      }
      const keys = [...named].slice(0, most);
      // Few may be named by both.
      if (named.size >= most) left += Math.max(0, held + ended - keys.length);
      all.push(...(await this.#lookThrough(shard, keys)));
    }
    const found = all
      .filter(({ record, kept }) => record.sender === sender && (record.state === 'pending' || kept))
      .sort((a, b) => a.record.firstStoredAt - b.record.firstStoredAt);
    return { found: found.slice(0, limit), total: found.length + left };
  }

  async waitingFor(recipient: string, limit: number): Promise<{ found: Found[]; total: number }> {
    await this.#preparation?.prepare();
    const all: Found[] = [];
    let left = 0;
    for (const shard of this.#shards.keys) {
      const most = Math.max(0, MAX_LOOKED_AT - all.length);
      const copies = await copiesOut(this.#redis, shard, recipient, most);
      const keys = copies.found.slice(0, most).map(({ key }) => key);
      left += Math.max(0, copies.total - keys.length);
      all.push(...(await this.#lookThrough(shard, keys)));
    }
    const found = all
      .filter(({ record }) => record.recipient === recipient && record.state === 'pending')
      .sort((a, b) => a.record.firstStoredAt - b.record.firstStoredAt);
    return { found: found.slice(0, limit), total: found.length + left };
  }

  /** The cursor is that of a shard, with its number. */
  async pending(cursor: string): Promise<PendingPortion> {
    await this.#preparation?.prepare();
    const [own = '0', number = '0'] = cursor.split(':');
    const shard = this.#shards.keys[Number(number)];
    if (shard === undefined) return { found: [], next: undefined };
    const [next, flat] = await this.#redis.zscan(shard.due, own, 'COUNT', 2 * PORTION);
    // Beside them stand ended messages whose senders are owed a notice.
    const names = flat.filter((_, at) => at % 2 === 0);
    const found = (await this.#lookThrough(shard, names)).filter(({ record }) => record.state === 'pending');
    if (next !== '0') return { found, next: `${next}:${number}` };
    return { found, next: Number(number) + 1 < this.#shards.count ? `0:${Number(number) + 1}` : undefined };
  }

  async byKey(key: string): Promise<Found[]> {
    await this.#preparation?.prepare();
    return this.#look(this.#shards.keysOfMessage(key), true, [key]);
  }

  async records(keys: readonly string[]): Promise<Found[]> {
    await this.#preparation?.prepare();
    const byShard = this.#shards.split(keys, (key) => this.#shards.ofKey(key));
    const found = await Promise.all(
      [...byShard].map(([shard, own]) => this.#lookThrough(this.#shards.keys[shard] as Keys, own)),
    );
    return found.flat();
  }

  async life(key: string): Promise<LifeEvent[]> {
    await this.#preparation?.prepare();
    const shard = this.#shards.keysOfMessage(key);
    const lines = await this.#redis.lrange(shard.life(key), -MAX_EVENTS, -1);
    if (lines.length === 0) return this.#firstHandOver(shard, key);
    return lines
      .map((line) => {
        const [at = '', ...words] = line.split(' ');
        return { at: Number(at), what: words.join(' ') };
      })
      .filter(({ at, what }) => Number.isFinite(at) && what !== '')
      .sort((a, b) => a.at - b.at);
  }

  /** Of a message whose first copy was handed over, and to which nothing else has happened, the copy's entry says so. */
  async #firstHandOver(shard: Keys, key: string): Promise<LifeEvent[]> {
    const [found] = await this.#look(shard, false, [key]);
    if (found === undefined) return [];
    const copies = await copiesOut(this.#redis, shard, found.record.recipient, MOST_COPIES);
    const copy = copies.found.find((one) => one.key === key);
    return copy?.isFirst ? [{ at: copy.handed, what: `handed-over ${copy.how}` }] : [];
  }

  async paused(): Promise<Paused | undefined> {
    await this.#preparation?.prepare();
    // One that stood still when all were paused, or resumed, may be of another mind.
    const all = await Promise.allSettled(this.#shards.keys.map(({ paused }) => this.#redis.get(paused)));
    for (const one of all) if (one.status === 'fulfilled' && one.value !== null) return pausedBy(one.value);
    const [home] = all;
    if (home?.status === 'rejected') throw home.reason;
    return undefined;
  }

  async contacts(): Promise<string[]> {
    await this.#preparation?.prepare();
    const all: string[] = [];
    for (const { contacts } of this.#shards.keys) all.push(...(await this.#members(contacts)));
    return all;
  }

  async heaviest(limit: number): Promise<Load[]> {
    await this.#preparation?.prepare();
    const { keys, home } = this.#shards;
    return heaviest(this.#redis, this.#redis.isCluster ? keys : [home], limit);
  }

  /** How many of a sender's messages were handed over and wait, by recipient: a portion at a time, as a bot may have any number. */
  async #held(name: string): Promise<Map<string, number>> {
    const held = new Map<string, number>();
    let cursor = '0';
    do {
      const [next, flat] = await this.#redis.hscan(name, cursor, 'COUNT', 500);
      for (let at = 0; at < flat.length; at += 2) held.set(flat[at] as string, Number(flat[at + 1]));
      cursor = next;
    } while (cursor !== '0');
    return held;
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

  /**
   * The cursor is that of the server, or in Redis Cluster of a master, with that one's number. Rejects where masters, or slots, have
   * become others since the first portion, or some are not known: of what lay there a part may not have been seen.
   */
  async portion(cursor: string): Promise<KeyPortion> {
    await this.#preparation?.prepare();
    const [own = '0', number = '0', before] = cursor.split(':');
    const layout = await this.#layout(before === undefined);
    if (before !== undefined) expectLayout(layout, before);
    const masters = serversOf(this.#redis);
    const master = masters[Number(number)];
    if (master === undefined) return { keys: [], next: undefined };
    const [next, names] = await master.scan(own, 'MATCH', this.#shards.recordPattern, 'COUNT', 200);
    const keys = [...new Set(names.flatMap((name) => this.#shards.keyIn(name) ?? []))];
    if (next !== '0') return { keys, next: `${next}:${number}:${layout}` };
    if (Number(number) + 1 < masters.length) return { keys, next: `0:${Number(number) + 1}:${layout}` };
    expectLayout(await this.#layout(true), layout);
    return { keys, next: undefined };
  }

  /** Which master has which shard; of one server, the same always. @param anew whether the cluster is asked */
  async #layout(anew: boolean): Promise<string> {
    if (!('nodes' in this.#redis)) return '';
    if (anew) await refreshed(this.#redis);
    return layoutOf(
      this.#redis,
      this.#shards.keys.map(({ prefix }) => slotOf(prefix)),
    );
  }

  /** What is found under these keys, a few at a time. */
  async #lookThrough(shard: Keys, keys: readonly string[]): Promise<Found[]> {
    const all: Found[] = [];
    for (let i = 0; i < keys.length; i += PORTION)
      all.push(...(await this.#look(shard, false, keys.slice(i, i + PORTION))));
    return all;
  }

  /** One after the other, whoever asks: what comes between is not held up by more than one of them. */
  #look(shard: Keys, all: boolean, keys: readonly string[]): Promise<Found[]> {
    if (keys.length === 0) return Promise.resolve([]);
    const found = this.#looking.then(() => this.#lookAt(shard, all, keys));
    this.#looking = found.catch(() => {});
    return found;
  }

  async #lookAt(shard: Keys, all: boolean, keys: readonly string[]): Promise<Found[]> {
    const look = this.#redis as unknown as Record<'receiptsLook', (...args: string[]) => Promise<unknown[]>>;
    const replies = await look.receiptsLook(...keysOf(this.#redis, shard.prefix), all ? '1' : '0', ...keys);
    return replies.map((reply) => decodeScript('look', reply));
  }
}

function expectLayout(now: string, before: string): void {
  if (now !== before)
    throw new Error('The Redis Cluster has changed meanwhile: what lies where must be looked at anew');
}
