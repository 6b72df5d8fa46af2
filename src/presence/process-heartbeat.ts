import { randomBytes } from 'node:crypto';
import type { AddressPolicy } from '../addressing/address-policy.ts';
import { type Clock, heartbeat, leaveService, type ReplyTo } from '../store/contract.ts';
import type { OperationQueue } from './ports.ts';

type Beat = ReplyTo<ReturnType<typeof heartbeat>>;

export interface ProcessHeartbeatOptions {
  readonly pipeline: OperationQueue;
  readonly addresses: AddressPolicy;
  readonly clock: Clock;
  /** After each beat that was started by {@link ProcessHeartbeat.start}. */
  readonly onBeat: (beat: Beat) => Promise<void>;
}

/** Says in Redis that this process serves the domain, and learns how many others do. */
export class ProcessHeartbeat {
  /** Names this process. */
  readonly process = randomBytes(9).toString('base64url');
  /** Other processes that serve the domain, as of the last beat. */
  others = 0;
  readonly #options: ProcessHeartbeatOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ProcessHeartbeatOptions) {
    this.#options = options;
  }

  /** One beat. Rejects when Redis does not answer. */
  async beat(): Promise<Beat> {
    const { pipeline, addresses, clock } = this.#options;
    const beat = await pipeline.perform(heartbeat(this.process, clock.now(), addresses.componentDomain));
    this.others = beat.others;
    return beat;
  }

  /** Beats every so many ms, until {@link stop} or another start. */
  start(every: number): void {
    this.stop();
    const timer = setInterval(async () => {
      try {
        const beat = await this.beat();
        if (this.#timer !== undefined) await this.#options.onBeat(beat);
      } catch {
        // Redis fails, which its pipeline tells.
      }
    }, every).unref();
    this.#timer = timer;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The link is down: this process serves the domain no longer. */
  leave(): void {
    const { pipeline, clock } = this.#options;
    pipeline.push({ request: leaveService(this.process, clock.now()), done: () => {}, refuse: () => {} });
  }

  /** The same, and resolves to how many others serve it. Rejects when Redis does not answer. */
  leaveAndCountOthers(): Promise<number> {
    const { pipeline, clock } = this.#options;
    return pipeline.perform(leaveService(this.process, clock.now()));
  }
}
