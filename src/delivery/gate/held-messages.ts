import { type Missed, type StoredRecord, tokenOfHeld } from '../../store/contract.ts';
import { oldestBeyond } from '../../util/oldest.ts';

/** A message whose original a gate held, and that nobody has confirmed. */
export interface HeldMessage {
  readonly n: string;
  readonly key: string;
  /** Bare JID. */
  readonly recipient: string;
  readonly storedAt: number;
  /** Claimed so far, as far as this process knows. */
  readonly attempt: number;
  readonly copies: number;
}

/** So many are known to a process; of others the store's rules take care, which look more seldom. */
const MOST = 200_000;

/** The messages of a gate that this process has sent and nobody has confirmed, by their number and their recipient. */
export class HeldMessages {
  readonly #byNumber = new Map<string, HeldMessage>();
  readonly #byRecipient = new Map<string, Map<string, HeldMessage>>();

  /** Notes a message as it stands now. */
  put({ heldAs, key, recipient, storedAt, attempt, copies }: StoredRecord): void {
    if (heldAs === undefined) return;
    const message = { n: heldAs, key, recipient, storedAt, attempt, copies };
    this.#byNumber.set(heldAs, message);
    const own = this.#byRecipient.get(recipient);
    if (own === undefined) this.#byRecipient.set(recipient, new Map([[heldAs, message]]));
    else own.set(heldAs, message);
    if (this.#byNumber.size > MOST) for (const old of oldestBeyond(this.#byNumber, MOST)) this.remove(old);
  }

  get(n: string): HeldMessage | undefined {
    return this.#byNumber.get(n);
  }

  remove(n: string): void {
    const message = this.#byNumber.get(n);
    if (message === undefined) return;
    this.#byNumber.delete(n);
    const own = this.#byRecipient.get(message.recipient);
    own?.delete(n);
    if (own?.size === 0) this.#byRecipient.delete(message.recipient);
  }

  /** Those to one recipient (bare JID), in the order in which they were sent. */
  to(recipient: string): HeldMessage[] {
    return [...(this.#byRecipient.get(recipient)?.values() ?? [])];
  }

  recipients(): string[] {
    return [...this.#byRecipient.keys()];
  }
}

/** For the redelivery run: it went to a session that has ended, or that has no connection and `mayResume`. */
export function missedOf({ n, key, attempt, storedAt }: HeldMessage, mayResume = false): Missed {
  const evidence = mayResume ? 'session-silent' : 'session-ended';
  return { key, attempt, evidence, storedAt, token: tokenOfHeld(n) };
}
