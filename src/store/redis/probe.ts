import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { StoreMark, StoreProbe } from '../contract.ts';
import { decodeScript } from './codec/script-replies.ts';
import type { DurabilityWait } from './durability.ts';
import { LEDGER_FORMAT } from './format.ts';
import { Keys } from './keys.ts';
import { NEEDED_COMMANDS } from './needed-commands.ts';
import { PROBE, REHEARSE } from './scripts.ts';
import type { Shards } from './shards.ts';

/** How long it is remembered that a self-ping is of this Redis' processes, ms. */
const TOKEN_FOR = 120_000;

/** Writes that have no other purpose than to see whether, and where, Redis takes them. Rejects with errors of ioredis. */
export class Probe implements StoreProbe {
  readonly #redis: Redis;
  readonly #keys: Keys;
  readonly #durability: DurabilityWait | undefined;
  readonly #shards: Pick<Shards, 'count'>;

  /** @param shards how many a new ledger has, or one that has lost everything */
  constructor(redis: Redis, prefix: string, durability?: DurabilityWait, shards: Pick<Shards, 'count'> = { count: 1 }) {
    this.#durability = durability;
    this.#shards = shards;
    this.#redis = redis;
    this.#keys = new Keys(prefix);
    redis.defineCommand('receiptsProbe', { numberOfKeys: 1, lua: PROBE });
  }

  /** Writes, and reads the ledger's mark once that is kept as DURABILITY demands. */
  async write(): Promise<StoreMark> {
    const redis = this.#redis as unknown as Record<
      'receiptsProbe',
      (prefix: string, id: string, format: number, shards: number) => Promise<unknown>
    >;
    const call = () =>
      redis.receiptsProbe(this.#keys.prefix, randomBytes(9).toString('base64url'), LEDGER_FORMAT, this.#shards.count);
    return decodeScript('probe', await (this.#durability?.keepIfPossible(call) ?? call()));
  }

  /**
   * The format of the ledger, where it is one that this version does not know; else undefined. It is marked when an older one has
   * been taken over (preparation.ts).
   */
  async newerFormat(): Promise<number | undefined> {
    const name = this.#keys.identity;
    const found = Number(await this.#redis.hget(name, 'format')) || 0;
    return found > LEDGER_FORMAT ? found : undefined;
  }

  /** The commands that this connection's user may not give. */
  async denied(): Promise<string[]> {
    const calls = NEEDED_COMMANDS.flatMap(([name, ...args]) => [args.length, name, ...args]);
    return decodeScript('rehearse', await this.#redis.eval(REHEARSE, 1, this.#keys.prefix, ...calls));
  }

  /** Remembers ids of stanzas that this Redis' processes sent to themselves. */
  async register(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#redis.set(this.#keys.selfPing(id), '1', 'PX', TOKEN_FOR)));
  }

  /** Whether {@link register} was given this id, by whichever process. */
  async knows(id: string): Promise<boolean> {
    return (await this.#redis.exists(this.#keys.selfPing(id))) === 1;
  }
}
