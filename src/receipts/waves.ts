import { came, type Missed, postpone } from '../ledger/evidence.ts';
import { claim } from '../ledger/operations.ts';
import type { StoredRecord } from '../ledger/record.ts';
import { jittered, type Timetable } from '../ledger/timetable.ts';
import type { Outbox } from './outbox.ts';
import type { Pipeline } from './pipeline.ts';

export interface WavesOptions {
  readonly pipeline: Pick<Pipeline, 'push'>;
  readonly outbox: Pick<Outbox, 'redeliver'>;
  readonly timetable: Timetable;
  /** How many messages at a time are on their way to one recipient unconfirmed (REDELIVERY_WINDOW). */
  readonly redeliveryWindow: number;
  /** The newest message under each key. */
  readonly status: (keys: readonly string[]) => Promise<(StoredRecord | undefined)[]>;
  readonly counts: { evidenceSessionEnded: number; evidenceBounced: number; evidenceNotStored: number };
}

/** One recipient's messages that are being sent again. */
interface Wave {
  /** Waiting for their turn, in the order in which they were stored. */
  readonly waiting: Map<string, Missed>;
  /** Sent again and not confirmed. */
  readonly open: Set<string>;
}

/** How long what waits for its turn is nobody else's to send, ms. Should this process die, a sweep finds it then. */
const LEASE = 60_000;
/** How often it is looked whether receipts came to another process, ms. */
const LOOK_EVERY = 1000;
const POSTPONE_EVERY = LEASE / 3;

const COUNTED = {
  'session-ended': 'evidenceSessionEnded',
  bounced: 'evidenceBounced',
  'not-stored': 'evidenceNotStored',
} as const;

/**
 * What a recipient has missed is sent again when he comes back: oldest first, and no more at a time than his client
 * confirms, since one that has just logged in over a bad network is easily lost again with all that was thrown at it.
 */
export class Waves {
  readonly #options: WavesOptions;
  readonly #waves = new Map<string, Wave>();
  #timer: NodeJS.Timeout | undefined;
  #postponedAt = 0;

  constructor(options: WavesOptions) {
    this.#options = options;
  }

  /** A session of this user's (bare JID) began, or one has sent an available presence. */
  came(user: string, login: boolean): void {
    const { pipeline, timetable } = this.#options;
    const now = Date.now();
    const operation = came({
      user,
      login,
      stepDue: now + jittered(timetable.schedule[0] as number, Math.random()),
      leaseUntil: now + LEASE,
      unconfirmedRetries: timetable.unconfirmedRetries,
    });
    pipeline.push({ operation, done: (reply) => this.#add(user, operation.decode(reply)) });
  }

  /** A session of his ended: what is not sent yet waits for the next one. */
  left(user: string): void {
    this.#waves.delete(user);
  }

  /** One of his messages has ended. */
  settled(user: string, key: string): void {
    // Called with every receipt; nearly always there is no wave at all.
    if (this.#waves.size === 0) return;
    const wave = this.#waves.get(user);
    if (wave?.open.delete(key)) this.#send(user, wave);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#waves.clear();
  }

  #add(user: string, missed: readonly Missed[]): void {
    if (missed.length === 0) return;
    const wave = this.#waves.get(user) ?? { waiting: new Map<string, Missed>(), open: new Set<string>() };
    this.#waves.set(user, wave);
    for (const one of missed) {
      // Its copy went to a session that has ended since.
      wave.open.delete(one.key);
      wave.waiting.set(one.key, one);
    }
    this.#timer ??= setInterval(() => void this.#look(), LOOK_EVERY).unref();
    this.#send(user, wave);
  }

  /** Sends as many as may be on their way, in one turn and in order. */
  #send(user: string, wave: Wave): void {
    const { pipeline, outbox, redeliveryWindow, counts } = this.#options;
    for (const [key, { attempt, evidence }] of wave.waiting) {
      if (wave.open.size >= redeliveryWindow) break;
      wave.waiting.delete(key);
      wave.open.add(key);
      const operation = claim(key, attempt);
      pipeline.push({
        operation,
        done: (reply) => {
          const claimed = operation.decode(reply);
          if (claimed.outcome === 'claimed' && claimed.record.state === 'pending') {
            counts[COUNTED[evidence]] += 1;
            outbox.redeliver(claimed.record, claimed.noStore);
          } else if (wave.open.delete(key)) this.#send(user, wave);
        },
      });
    }
    if (wave.waiting.size === 0 && wave.open.size === 0 && this.#waves.get(user) === wave) this.#waves.delete(user);
  }

  /** With several processes on one domain the receipts are dealt to all of them. */
  async #look(): Promise<void> {
    if (this.#waves.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    this.#postpone();
    for (const [user, { open }] of [...this.#waves]) {
      const keys = [...open];
      if (keys.length === 0) continue;
      try {
        const records = await this.#options.status(keys);
        for (const [i, record] of records.entries()) {
          if (record?.state !== 'pending') this.settled(user, keys[i] as string);
        }
      } catch {
        // Redis is away, which others say; it is asked again in a second.
        return;
      }
    }
  }

  #postpone(): void {
    const now = Date.now();
    if (now - this.#postponedAt < POSTPONE_EVERY) return;
    this.#postponedAt = now;
    for (const { waiting } of this.#waves.values()) {
      for (const key of waiting.keys()) {
        this.#options.pipeline.push({ operation: postpone(key, now + LEASE), done: () => {} });
      }
    }
  }
}
