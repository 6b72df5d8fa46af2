import type { StoreFault, StoreMark, StoreSetup } from '../store/contract.ts';
import { LedgerIdentity, LOSS_TEXT, type Loss, type Seen } from './ledger-identity.ts';

/** In ms. */
export interface RedisTiming {
  /** Between two probes. */
  readonly probeEvery: number;
  /** Redis counts as unusable when no write was accepted for so long. */
  readonly staleAfter: number;
  /** Between two looks at how Redis is set up. */
  readonly inspectEvery: number;
  /** How long a loss is shown. */
  readonly lossShownFor: number;
}

export const REDIS_TIMING: RedisTiming = {
  probeEvery: 2000,
  staleAfter: 5000,
  inspectEvery: 60_000,
  lossShownFor: 600_000,
};

export interface RedisMonitorOptions {
  /** Writes; rejects when that is not accepted. */
  readonly write: () => Promise<StoreMark>;
  /** How Redis is set up; rejects when it does not answer, or may not be asked. */
  readonly inspect: () => Promise<StoreSetup>;
  /** Queues of the library that somebody has paused, by name. */
  readonly pausedQueues: () => Promise<string[]>;
  /** What is held back of a restored copy, in words for an operator; undefined while there is nothing. */
  readonly heldBack?: () => Promise<string | undefined>;
  /** How much of Redis' `maxmemory` is used, 0 to 1; undefined when there is none, or nobody tells. */
  readonly memory?: () => Promise<number | undefined>;
  /** The part of Redis' memory that is kept free, 0 to 1. */
  readonly reserve?: number;
  readonly explain: (error: unknown) => Promise<StoreFault>;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  readonly timing?: Partial<RedisTiming>;
}

/** Times are of `performance.now()`, ms. */
export interface RedisState {
  /** Since when it is watched. */
  readonly watchedSince?: number;
  /** When a write was last accepted. */
  readonly lastSuccessAt: number | undefined;
  /** Since when writes have failed; undefined while they are accepted. */
  readonly failingSince: number | undefined;
  readonly fault: StoreFault | undefined;
  readonly refusals: readonly string[];
  /** Since when there are any. */
  readonly refusedSince?: number | undefined;
  readonly warnings: readonly string[];
  readonly pausedQueues: readonly string[];
  /** What is held back of a restored copy, in words for an operator. */
  readonly heldBack?: string | undefined;
  /** How much of its `maxmemory` is used, 0 to 1, if it has one. */
  readonly memoryUsed?: number | undefined;
  /** Since when the reserve of its memory is in use. */
  readonly reserveReachedSince?: number | undefined;
  readonly loss: { readonly text: string; readonly at: number } | undefined;
}

/** Looks at Redis again and again: whether it takes writes, whether it is the same, whether it is set up as it should be. */
export class RedisMonitor {
  readonly #options: RedisMonitorOptions;
  readonly #timing: RedisTiming;
  readonly #identity = new LedgerIdentity();
  readonly #watchedSince = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #probing: Promise<void> | undefined;
  #inspectedAt = Number.NEGATIVE_INFINITY;
  #lastSuccessAt: number | undefined;
  #failingSince: number | undefined;
  #fault: StoreFault | undefined;
  #health: StoreSetup = { refusals: [], warnings: [] };
  #refusedSince: number | undefined;
  #pausedQueues: readonly string[] = [];
  #heldBack: string | undefined;
  #memoryUsed: number | undefined;
  #reserveReachedSince: number | undefined;
  #loss: { text: string; at: number } | undefined;
  #losses = 0;
  readonly #lossListeners: ((loss: Loss) => void)[] = [];

  constructor(options: RedisMonitorOptions) {
    this.#options = options;
    this.#timing = { ...REDIS_TIMING, ...options.timing };
  }

  get state(): RedisState {
    const shown = this.#loss !== undefined && performance.now() - this.#loss.at < this.#timing.lossShownFor;
    return {
      watchedSince: this.#watchedSince,
      lastSuccessAt: this.#lastSuccessAt,
      failingSince: this.#failingSince,
      fault: this.#fault,
      ...this.#health,
      refusedSince: this.#refusedSince,
      pausedQueues: this.#pausedQueues,
      heldBack: this.#heldBack,
      memoryUsed: this.#memoryUsed,
      reserveReachedSince: this.#reserveReachedSince,
      loss: shown ? this.#loss : undefined,
    };
  }

  /** The part of {@link state} that is asked for at every message. */
  get memoryUsed(): number | undefined {
    return this.#memoryUsed;
  }

  /** How often the ledger was found to be lost. */
  get losses(): number {
    return this.#losses;
  }

  /** The ledger is not what it was: what is cached of it counts no more. */
  onLoss(listener: (loss: Loss) => void): void {
    this.#lossListeners.push(listener);
  }

  /** Others have seen the ledger so. A probe that is under way may have read the mark before them. Never rejects. */
  async heard(seen: Seen): Promise<void> {
    await this.#probing;
    this.#identity.heard(seen);
    await this.check();
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.check(), this.#timing.probeEvery).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Probes now, unless a probe is under way; resolves when it is done. Never rejects. */
  check(): Promise<void> {
    this.#probing ??= this.#check().finally(() => {
      this.#probing = undefined;
    });
    return this.#probing;
  }

  async #check(): Promise<void> {
    const sentAt = performance.now();
    try {
      const mark = await this.#options.write();
      this.#lastSuccessAt = performance.now();
      this.#failingSince = undefined;
      this.#fault = undefined;
      const loss = this.#identity.compare(mark);
      if (loss !== undefined) this.#lost(loss);
      await this.#checkHeldBack();
      await this.#checkMemory();
      this.#pausedQueues = await this.#checkPaused();
      if (sentAt - this.#inspectedAt >= this.#timing.inspectEvery) await this.inspect();
    } catch (error) {
      this.#fault = await this.#options.explain(error);
      this.#failingSince ??= sentAt;
      // Whatever answers next may be set up in another way.
      this.#inspectedAt = Number.NEGATIVE_INFINITY;
    }
  }

  /** Looks at how Redis is set up, and logs what is new in it. Never rejects. */
  async inspect(): Promise<StoreSetup> {
    const { log } = this.#options;
    this.#inspectedAt = performance.now();
    const before = this.#health;
    try {
      this.#health = await this.#options.inspect();
    } catch {
      // It may not be asked, or fails, which the next probe tells.
      return before;
    }
    this.#refusedSince = this.#health.refusals.length === 0 ? undefined : (this.#refusedSince ?? this.#inspectedAt);
    // At the start they are the process' last words.
    const refusals = this.#timer === undefined ? [] : this.#health.refusals;
    for (const text of newIn(refusals, before.refusals)) log.error({}, text);
    for (const text of newIn(this.#health.warnings, before.warnings)) log.warn({}, text);
    if (before.refusals.length > 0 && this.#health.refusals.length === 0)
      log.info({}, 'Redis is set up as it should be');
    return this.#health;
  }

  /** Each process says it, also one that was started since. */
  async #checkHeldBack(): Promise<void> {
    const before = this.#heldBack;
    this.#heldBack = await this.#options.heldBack?.();
    if (this.#heldBack !== undefined && this.#heldBack !== before) this.#options.log.error({}, this.#heldBack);
  }

  async #checkMemory(): Promise<void> {
    const { memory, reserve = 0 } = this.#options;
    this.#memoryUsed = await memory?.();
    const reached = isReserveReached(this.#memoryUsed, reserve);
    this.#reserveReachedSince = reached ? (this.#reserveReachedSince ?? performance.now()) : undefined;
  }

  async #checkPaused(): Promise<readonly string[]> {
    const before = this.#pausedQueues;
    let now: string[];
    try {
      now = await this.#options.pausedQueues();
    } catch {
      return before;
    }
    for (const name of newIn(now, before)) {
      this.#options.log.error({ queue: name }, 'A queue is paused; what is in it is not worked off');
    }
    return now;
  }

  #lost(loss: Loss): void {
    const { log } = this.#options;
    this.#losses += 1;
    this.#loss = { text: LOSS_TEXT[loss], at: performance.now() };
    log.error({ loss }, LOSS_TEXT[loss]);
    for (const listener of this.#lossListeners) listener(loss);
  }
}

/** Both are parts of Redis' `maxmemory`, 0 to 1; a reserve of 0 is none. */
export function isReserveReached(used: number | undefined, reserve: number): boolean {
  return used !== undefined && reserve > 0 && used >= 1 - reserve;
}

function newIn(now: readonly string[], before: readonly string[]): string[] {
  return now.filter((text) => !before.includes(text));
}
