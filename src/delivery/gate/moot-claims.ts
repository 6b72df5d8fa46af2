import { heldAsOf, type Missed, type StoredRecord } from '../../store/contract.ts';
import type { GateCopies } from './gate-copies.ts';
import type { HeldMessages } from './held-messages.ts';

export interface MootClaimsOptions {
  readonly messages: Pick<HeldMessages, 'get'>;
  readonly copies: Pick<GateCopies, 'leave'>;
  /** The newest message under each key. */
  readonly status: (keys: readonly string[]) => Promise<(StoredRecord | undefined)[]>;
}

interface Asked {
  readonly n: string;
  readonly attempt: number;
}

/**
 * Messages that this process has sent and could not claim for another copy. What another process has ended, or sends again itself, it need
 * not look at again: a gate that has forgotten a message, or is older, does not tell that. What is only not to be sent now stays.
 */
export class MootClaims {
  readonly #options: MootClaimsOptions;
  /** By key. */
  #asked = new Map<string, Asked>();

  constructor(options: MootClaimsOptions) {
    this.#options = options;
  }

  note({ key, attempt, token }: Missed): void {
    const n = heldAsOf(token);
    if (n === undefined || this.#options.messages.get(n)?.attempt !== attempt) return;
    if (this.#asked.size === 0) setImmediate(() => void this.#look());
    this.#asked.set(key, { n, attempt });
  }

  async #look(): Promise<void> {
    const { messages, copies, status } = this.#options;
    const asked = [...this.#asked];
    this.#asked = new Map();
    let records: readonly (StoredRecord | undefined)[];
    try {
      records = await status(asked.map(([key]) => key));
    } catch {
      // Redis is away, which others say. It is claimed again when its recipient comes.
      return;
    }
    for (const [i, [, { n, attempt }]] of asked.entries()) {
      const record = records[i];
      // This process has claimed it, or it has ended here, meanwhile.
      if (messages.get(n)?.attempt !== attempt) continue;
      const isOpen = record?.state === 'pending' && record.heldAs === n && record.attempt === attempt;
      if (!isOpen) copies.leave(n);
    }
  }
}
