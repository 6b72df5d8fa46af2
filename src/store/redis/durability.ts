import type { Cluster, Redis } from 'ioredis';
import type { Durability } from '../../../packages/protocol/elements.ts';
import { serversOf } from './cluster-nodes.ts';
import { redisFault } from './redis-faults.ts';

/** What was written is not, or not yet, kept as DURABILITY wants it. redis-faults.ts knows it by its first word. */
class DurabilityError extends Error {
  override name = 'DurabilityError';
  constructor(what: string) {
    super(`DURABILITY ${what}`);
  }
}

/**
 * How long replicas, or a disk, may take, ms. Two calls may wait one behind the other, which the connection's time limit for
 * commands allows for (connections.ts). A disk that is synced every second may take one.
 */
const TIMEOUT = { wait: 700, waitaof: 1500 } as const;
/** The same after they have taken too long, so that receipts, which wait behind it, do not. */
const TIMEOUT_AFTER_MISS = { wait: 100, waitaof: 1100 } as const;
/** How often the whole time is given again after that, ms: replicas that are far away never answer within the short one. */
const WHOLE_AGAIN_AFTER = 2000;

/** How the level is had on this connection. `always`: Redis answers nothing before it is on its disk. */
type Method = 'wait' | 'waitaof' | 'always' | { readonly impossible: string };

/** How many replicas must have taken a message; 0 where none need to. */
function replicasOf(durability: Durability): number {
  return durability.startsWith('replicas:') ? Number(durability.slice('replicas:'.length)) : 0;
}

type DurableRedis = Pick<Redis, 'set' | 'wait' | 'call' | 'info' | 'config' | 'on'>;

/** What others ask of it, of one server or of a cluster. */
export interface Durable {
  /** Whether anything is waited for. */
  readonly isNeeded: boolean;
  /** Calls this whenever the level was had, in a cluster with the connection to the master that it was had on. */
  onKept(listener: (master?: Redis) => void): void;
  /** Why the level cannot be had however long one waits, in a sentence for an operator; undefined when it can. */
  refusal(): Promise<string | undefined>;
}

export interface DurabilityWaitOptions {
  readonly redis: DurableRedis;
  /** A key that is written so that there is always something to wait for: a duplicate may have changed nothing. */
  readonly key: string;
  readonly durability: Durability;
}

/**
 * Waits until what a connection has written is kept as DURABILITY demands, by WAIT or WAITAOF on that very connection: those
 * speak of the server that carried out the call, so that one which was replaced meanwhile cannot answer for it. All calls of
 * one turn share one such command. While Redis holds its answer, it carries out nothing else of this connection.
 */
export class DurabilityWait implements Durable {
  readonly #options: DurabilityWaitOptions;
  readonly #listeners: ((master?: Redis) => void)[] = [];
  #method: Promise<Method> | undefined;
  #next: Promise<void> | undefined;
  /** When (of the monotonic clock, ms) the level was not had within the whole time; undefined when it was had since. */
  #missedAt: number | undefined;

  constructor(options: DurabilityWaitOptions) {
    this.#options = options;
    // Another server may be set up in another way.
    options.redis.on('ready', () => {
      this.#method = undefined;
    });
  }

  get isNeeded(): boolean {
    return this.#options.durability !== 'memory';
  }

  onKept(listener: (master?: Redis) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Makes a call of this connection, and gives what it gives once that is kept.
   *
   * @param key to write, where another one than usual lies on this server
   * @throws {DurabilityError} when it is not kept in time; the call was carried out all the same
   * @throws what the call rejects with, and connection errors of ioredis
   */
  async keep<T>(call: () => Promise<T>, key: string = this.#options.key): Promise<T> {
    if (!this.isNeeded) return call();
    const method = await this.#getMethod();
    if (typeof method === 'object') throw new DurabilityError(method.impossible);
    let isAnswered = false;
    const answer = call().finally(() => {
      isAnswered = true;
    });
    if (method === 'always') {
      const result = await answer;
      this.#kept();
      return result;
    }
    // Both may fail, and only one is reported.
    answer.catch(() => {});
    for (;;) {
      try {
        await this.#confirm(method, key);
      } catch (error) {
        // What the call itself met says more.
        await answer;
        throw error;
      }
      // Answers come in order. Where a script was sent again, as Redis had forgotten it, it was written after this WAIT.
      if (!isAnswered) await new Promise((resolve) => setImmediate(resolve));
      if (isAnswered) break;
      await answer;
    }
    const result = await answer;
    this.#kept();
    return result;
  }

  /** The same; but where the level cannot be had at all it is not waited for: {@link refusal} says that. */
  async keepIfPossible<T>(call: () => Promise<T>, key?: string): Promise<T> {
    const isPossible = !this.isNeeded || typeof (await this.#getMethod()) !== 'object';
    return isPossible ? this.keep(call, key) : call();
  }

  async refusal(): Promise<string | undefined> {
    this.#method = undefined;
    const method = this.isNeeded ? await this.#getMethod() : 'always';
    return typeof method === 'object' ? method.impossible : undefined;
  }

  #kept(): void {
    this.#missedAt = undefined;
    for (const listener of this.#listeners) listener();
  }

  /** Resolves when all that was called in this turn is kept. */
  #confirm(method: 'wait' | 'waitaof', key: string): Promise<void> {
    this.#next ??= Promise.resolve().then(() => {
      this.#next = undefined;
      return this.#wait(method, key);
    });
    return this.#next;
  }

  async #wait(method: 'wait' | 'waitaof', key: string): Promise<void> {
    const { redis, durability } = this.#options;
    const isWhole = this.#missedAt === undefined || performance.now() - this.#missedAt >= WHOLE_AGAIN_AFTER;
    const timeout = (isWhole ? TIMEOUT : TIMEOUT_AFTER_MISS)[method];
    const wanted = method === 'wait' ? replicasOf(durability) : 1;
    const written = redis.set(key, '1');
    const waited = method === 'wait' ? redis.wait(wanted, timeout) : redis.call('WAITAOF', 1, 0, timeout);
    const [, answer] = await Promise.all([written, waited]).catch((error) => {
      if (redisFault(error).kind !== 'content') throw error;
      // Redis has been set up in another way since: without a file to sync, say.
      this.#method = undefined;
      throw new DurabilityError(String(error));
    });
    const reached = Number(Array.isArray(answer) ? answer[0] : answer);
    if (reached >= wanted) return;
    if (isWhole) this.#missedAt = performance.now();
    throw new DurabilityError(
      method === 'wait'
        ? `${reached} of ${wanted} replicas have confirmed in time`
        : 'its disk has not confirmed in time',
    );
  }

  #getMethod(): Promise<Method> {
    this.#method ??= this.#findMethod().catch((error) => {
      this.#method = undefined;
      throw error;
    });
    return this.#method;
  }

  async #findMethod(): Promise<Method> {
    const { redis, durability } = this.#options;
    if (replicasOf(durability) > 0) return 'wait';
    try {
      // It says at once whether it can be had; with nothing written yet, it has nothing to wait for.
      await redis.call('WAITAOF', 1, 0, 1);
      return 'waitaof';
    } catch (error) {
      if (redisFault(error).kind === 'connection') throw error;
      if (/appendonly is disabled/.test(String(error))) return { impossible: NO_AOF };
    }
    const fsync = await redis.config('GET', 'appendfsync').then(
      (answer) => (answer as string[])[1],
      (error) => {
        if (redisFault(error).kind === 'connection') throw error;
        return undefined;
      },
    );
    if (fsync === undefined) return { impossible: UNKNOWN };
    const isOn = /^aof_enabled:1\r?$/m.test(await redis.info('persistence'));
    if (!isOn) return { impossible: NO_AOF };
    return fsync === 'always' ? 'always' : { impossible: NOT_ALWAYS };
  }
}

/** The same of a cluster: of each of its connections to a master by itself. */
export class ClusterDurability implements Durable {
  readonly #cluster: Cluster;
  readonly #durability: Durability;
  readonly #waits = new WeakMap<Redis, DurabilityWait>();
  readonly #listeners: ((master?: Redis) => void)[] = [];

  constructor(cluster: Cluster, durability: Durability) {
    this.#cluster = cluster;
    this.#durability = durability;
  }

  get isNeeded(): boolean {
    return this.#durability !== 'memory';
  }

  onKept(listener: (master?: Redis) => void): void {
    this.#listeners.push(listener);
  }

  on(master: Redis): DurabilityWait {
    const known = this.#waits.get(master);
    if (known !== undefined) return known;
    const wait = new DurabilityWait({ redis: master, key: '', durability: this.#durability });
    for (const listener of this.#listeners) wait.onKept(() => listener(master));
    this.#waits.set(master, wait);
    return wait;
  }

  async refusal(): Promise<string | undefined> {
    const all = await Promise.all(serversOf(this.#cluster).map((master) => this.on(master).refusal()));
    return all.find((text) => text !== undefined);
  }
}

const NO_AOF = 'DURABILITY=disk wants a Redis that writes each change to its disk: set "appendonly yes" there.';
const NOT_ALWAYS =
  'DURABILITY=disk wants a Redis that syncs before it answers: set "appendfsync always" there, or use Redis 7.2 or newer, or Valkey.';
const UNKNOWN =
  'Redis does not let us see whether it syncs its disk, which DURABILITY=disk wants: allow "CONFIG GET" to the user of REDIS_URL, or use Redis 7.2 or newer, or Valkey.';

/** What suits the connection. */
export function durabilityOf(
  redis: Redis | Cluster,
  key: string,
  durability: Durability,
): DurabilityWait | ClusterDurability {
  return 'nodes' in redis ? new ClusterDurability(redis, durability) : new DurabilityWait({ redis, key, durability });
}
