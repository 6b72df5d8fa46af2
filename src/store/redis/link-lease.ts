import { randomBytes } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { decodeScript } from './codec/script-replies.ts';
import { CONNECT } from './scripts.ts';
import { defineShardScript, keysOf } from './shard-scripts.ts';

/** In ms. */
export interface LinkLeaseTiming {
  /** For how long a process that says nothing counts as connected. */
  readonly lasts: number;
  readonly renewEvery: number;
  /** How often a process that stands by asks. */
  readonly askEvery: number;
  /** How long one that could not connect leaves it to the others. */
  readonly restFor: number;
}

const TIMING: LinkLeaseTiming = { lasts: 4000, renewEvery: 1000, askEvery: 500, restFor: 1500 };

export interface LinkLeaseOptions {
  readonly redis: Redis | Cluster;
  readonly prefix: string;
  readonly log: { info(fields: object, message: string): void };
  readonly timing?: Partial<LinkLeaseTiming> | undefined;
}

/**
 * The lease of the link: one process at a time is connected to the server. While Redis does not answer, nobody else can get it,
 * so that whoever has it stays connected; he can store nothing meanwhile.
 */
export class LinkLease {
  readonly #options: LinkLeaseOptions;
  readonly #timing: LinkLeaseTiming;
  readonly #process = randomBytes(9).toString('base64url');
  #granted = false;
  #cancelled = false;
  #restUntil = 0;
  #timer: NodeJS.Timeout | undefined;
  #wake: () => void = () => {};
  #onLost: () => void = () => {};

  constructor(options: LinkLeaseOptions) {
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
    defineShardScript(options.redis, 'receiptsConnect', CONNECT);
  }

  get isGranted(): boolean {
    return this.#granted;
  }

  /** Calls this when another process has got it: this one stood still for too long. */
  whenLost(listener: () => void): void {
    this.#onLost = listener;
  }

  async wait(): Promise<void> {
    const { log } = this.#options;
    let isSaid = false;
    while (!this.#granted && !this.#cancelled) {
      if (performance.now() >= this.#restUntil && (await this.#ask()) === 'granted') {
        this.#granted = true;
        this.#timer = setInterval(() => void this.#renew(), this.#timing.renewEvery).unref();
        return;
      }
      if (!isSaid)
        log.info({}, 'Another process is connected to the XMPP server, or Redis does not answer: this one stands by');
      isSaid = true;
      await this.#pause(this.#timing.askEvery);
    }
  }

  giveUp(): void {
    this.#restUntil = performance.now() + this.#timing.restFor;
    void this.release();
  }

  cancel(): void {
    this.#cancelled = true;
    this.#wake();
  }

  /** Leaves it to the others. Resolves when they may have it, or Redis does not answer. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    if (!this.#granted) return;
    this.#granted = false;
    await this.#call(0);
  }

  async #renew(): Promise<void> {
    const answer = await this.#ask();
    if (answer !== 'other' || !this.#granted) return;
    this.#granted = false;
    clearInterval(this.#timer);
    this.#options.log.info({}, 'This process stood still, and another one has taken its place at the XMPP server');
    this.#onLost();
  }

  #ask(): Promise<'granted' | 'other' | 'free' | undefined> {
    return this.#call(this.#timing.lasts);
  }

  /** Undefined when Redis does not answer. */
  async #call(ms: number): Promise<'granted' | 'other' | 'free' | undefined> {
    const { redis, prefix } = this.#options;
    const { receiptsConnect } = redis as unknown as Record<
      'receiptsConnect',
      (...args: (string | number)[]) => Promise<unknown>
    >;
    try {
      return decodeScript('connect', await receiptsConnect.call(redis, ...keysOf(redis, prefix), this.#process, ms));
    } catch {
      return undefined;
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
