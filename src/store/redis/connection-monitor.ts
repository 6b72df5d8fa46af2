import type { Cluster, Redis } from 'ioredis';
import type { StoreConnection, StoreFault } from '../contract.ts';
import { redisFault } from './redis-faults.ts';

/** Knows why a connection is not usable, which its commands do not say while it is being made again. */
export class ConnectionMonitor implements StoreConnection {
  readonly #redis: Redis | Cluster;
  #problem: Error | undefined;

  constructor(redis: Redis | Cluster) {
    this.#redis = redis;
    redis.on('error', (error: Error) => {
      // What ioredis says of a connection that it is giving up itself; why it does came before.
      if (!/^Stream isn't writeable/.test(error.message)) this.#problem = error;
    });
    redis.on('ready', () => {
      this.#problem = undefined;
    });
  }

  /** What was last wrong with making the connection; undefined while there is one. */
  get fault(): StoreFault | undefined {
    return this.#problem && redisFault(this.#problem);
  }

  /**
   * What an error of a command means: of the connection, where it says no more than that there is none.
   *
   * @param error of ioredis
   */
  async explain(error: unknown): Promise<StoreFault> {
    const fault = redisFault(error);
    if (fault.kind !== 'connection' || this.#redis.status === 'ready') return fault;
    // Connected and not ready: it reads its data, or does not say anything.
    if (this.#redis.status === 'connect') {
      try {
        const info = await this.#redis.info('persistence');
        if (/^(async_)?loading:1/m.test(info)) return redisFault(new Error('LOADING'));
      } catch (silent) {
        return this.fault ?? redisFault(silent);
      }
    }
    return this.fault ?? fault;
  }

  /** Resolves with whether the connection is usable within `ms`; sooner when what is wrong needs other settings. */
  usable(ms: number, hopeless: (fault: StoreFault) => boolean): Promise<boolean> {
    const redis = this.#redis;
    if (redis.status === 'ready') return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (ready: boolean) => {
        clearTimeout(timer);
        redis.off('ready', onReady);
        redis.off('error', onError);
        resolve(ready);
      };
      const onReady = () => done(true);
      const onError = (error: Error) => hopeless(redisFault(error)) && done(false);
      const timer = setTimeout(() => done(false), ms);
      redis.on('ready', onReady);
      redis.on('error', onError);
    });
  }
}
