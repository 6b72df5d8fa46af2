import { heldAsOf, type Missed, type StoredRecord } from '../../store/contract.ts';
import type { GateCopies } from './gate-copies.ts';
import type { HeldMessages } from './held-messages.ts';

export interface MootClaimsOptions {
  readonly messages: Pick<HeldMessages, 'get'>;
  readonly copies: Pick<GateCopies, 'leave'>;
  /** The newest message under each key. */
  readonly status: (keys: readonly string[]) => Promise<(StoredRecord | undefined)[]>;
  /** Nothing of this user (bare JID) is waited for any longer. */
  readonly onOver: (user: string) => void;
  readonly clock: { now(): number };
}

interface Moot {
  readonly n: string;
  readonly user: string;
  /** As this process knew it. */
  readonly attempt: number;
  /** When (ms) it is waited for no longer. */
  readonly until: number;
}

/** How long the copy of another process may take, and how often it is looked whether the server has it, ms. */
const WITHIN = 1000;
const LOOK_EVERY = 50;

/**
 * Messages that this process has sent and could not claim for another copy. What another process has ended, or sends again itself, it need
 * not look at again: a gate that has forgotten a message, or is older, does not tell that. What another is just sending, since it has heard
 * of the login sooner, goes before what is new: until the server has that, its recipient is not caught up. What is only not to be sent now
 * stays.
 */
export class MootClaims {
  readonly #options: MootClaimsOptions;
  /** By key. */
  readonly #open = new Map<string, Moot>();
  #isLooking = false;

  constructor(options: MootClaimsOptions) {
    this.#options = options;
  }

  /** Whether another process may be sending something to this user (bare JID). */
  has(user: string): boolean {
    if (this.#open.size === 0) return false;
    for (const moot of this.#open.values()) if (moot.user === user) return true;
    return false;
  }

  note(user: string, { key, attempt, token }: Missed): void {
    const { messages, clock } = this.#options;
    const n = heldAsOf(token);
    const held = n === undefined ? undefined : messages.get(n);
    if (n === undefined || held?.attempt !== attempt) return;
    this.#open.set(key, { n, user, attempt, until: clock.now() + WITHIN });
    if (this.#isLooking) return;
    this.#isLooking = true;
    setImmediate(() => void this.#look());
  }

  async #look(): Promise<void> {
    const asked = [...this.#open];
    let records: readonly (StoredRecord | undefined)[] = [];
    try {
      records = await this.#options.status(asked.map(([key]) => key));
    } catch {
      // Redis is away, which others say. They are claimed again when their recipients come.
    }
    const over = new Set<string>();
    for (const [i, [key, moot]] of asked.entries()) {
      if (records.length > 0 && this.#isBeingSent(moot, records[i])) continue;
      if (this.#open.get(key) === moot) this.#open.delete(key);
      over.add(moot.user);
    }
    for (const user of over) if (!this.has(user)) this.#options.onOver(user);
    this.#isLooking = this.#open.size > 0;
    if (this.#isLooking) setTimeout(() => void this.#look(), LOOK_EVERY).unref();
  }

  /** Whether another process has claimed it, and the server is not known to have that copy. */
  #isBeingSent({ n, attempt, until }: Moot, record: StoredRecord | undefined): boolean {
    const { messages, copies, clock } = this.#options;
    const held = messages.get(n);
    // It was claimed here since.
    if (held !== undefined && held.attempt !== attempt) return false;
    const isPending = record?.state === 'pending' && record.heldAs === n;
    if (isPending && record.attempt === attempt) return false;
    copies.leave(n);
    // Each claim leads to a copy, as a rule.
    return isPending && record.copies < record.attempt && clock.now() < until;
  }
}
