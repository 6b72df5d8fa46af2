import { oldestBeyond } from '../util/oldest.ts';
import { isUniqueId } from '../xmpp/stanza/ids.ts';
import type { KnownSession } from './facts.ts';

/** A receipt that its sender has had by himself: his JID, and the full one of the client that returned it. */
export interface HadReceipt {
  readonly to: string;
  readonly by: string;
}

interface KnownUnheld {
  /** The recipient's at that time, by stream id. */
  readonly sessions: readonly string[];
  /** When (ms) it passed, which may be told much later: what was stored since is not what passed then. */
  readonly passedAt: number;
  readonly receipt: HadReceipt | undefined;
}

/** A message went its way before without being held. */
export interface UnheldBefore {
  /** Of its recipient's sessions those that had it, by stream id. */
  readonly sessions: readonly string[];
  /** Whether one of his clients has returned a receipt. */
  readonly isConfirmed: boolean;
}

/** So many messages that passed unheld are known, should they be sent again; of more, the oldest are forgotten. */
const MOST = 20_000;
/** The same of receipts for messages that nobody had stored. */
const MOST_CONFIRMED = 20_000;
/** ms: as long as duplicates are looked for by default. */
const LASTS = 8 * 86_400_000;
/** ms between looks for what is over. */
const LOOK = 60_000;
/** Of a longer name the id is longer than any client makes one: whoever does would fill the memory with them. */
const LONGEST_NAME = 4096;

/** What a gate let pass without holding it, or let go without its being stored, by sender, recipient (bare JIDs) and id. */
export class UnheldMessages {
  readonly #passed = new Map<string, KnownUnheld>();
  /** Receipts for what was not stored when they came: it was let go without us, and may be written again. */
  readonly #confirmed = new Map<string, HadReceipt & { readonly at: number }>();
  /** Of all that was told. */
  readonly #numbers = new Map<string, true>();
  readonly #lasts: number;
  #lookedAt = 0;

  /** @param lasts for how long (ms) what was told is known */
  constructor(lasts = LASTS) {
    this.#lasts = lasts;
  }

  get isEmpty(): boolean {
    return this.#passed.size === 0 && this.#confirmed.size === 0;
  }

  /**
   * One has passed, or is told of once more.
   *
   * @param sessions that it may have gone to, by stream id
   * @param receipt that its sender has had, if that is told
   * @returns whether it was not known
   */
  note(
    name: string,
    sessions: readonly string[],
    receipt: HadReceipt | undefined,
    id: string,
    now: number,
    passedAt = now,
  ): boolean {
    if (name.length > LONGEST_NAME) return true;
    this.#end(now);
    const before = this.#passed.get(name);
    const toldAgain = receipt === undefined ? undefined : before;
    // Written again it may pass after the receipt for the first. Under an id that a client counts it may be another message.
    const known = receipt ?? (isUniqueId(id) ? before?.receipt : undefined);
    this.#passed.set(name, { sessions, passedAt: toldAgain?.passedAt ?? passedAt, receipt: known });
    if (this.#passed.size > MOST) for (const old of oldestBeyond(this.#passed, MOST)) this.#passed.delete(old);
    return toldAgain === undefined;
  }

  /** Whether none was told under this number before. */
  isNew(number: string): boolean {
    if (this.#numbers.has(number)) return false;
    this.#numbers.set(number, true);
    for (const old of oldestBeyond(this.#numbers, MOST)) this.#numbers.delete(old);
    return true;
  }

  noteConfirmed(name: string, receipt: HadReceipt, now: number): void {
    if (name.length > LONGEST_NAME) return;
    this.#end(now);
    this.#confirmed.set(name, { ...receipt, at: now });
    if (this.#confirmed.size <= MOST_CONFIRMED) return;
    for (const old of oldestBeyond(this.#confirmed, MOST_CONFIRMED)) this.#confirmed.delete(old);
  }

  /** The receipt that the sender of what was let go without us has had for it. */
  receiptFor(name: string): HadReceipt | undefined {
    const confirmed = this.#confirmed.get(name);
    return confirmed === undefined ? this.#passed.get(name)?.receipt : { to: confirmed.to, by: confirmed.by };
  }

  /** Forgets what is over. */
  #end(now: number): void {
    if (now - this.#lookedAt < LOOK) return;
    this.#lookedAt = now;
    const since = now - this.#lasts;
    for (const [name, { passedAt }] of this.#passed) if (passedAt < since) this.#passed.delete(name);
    for (const [name, { at }] of this.#confirmed) if (at < since) this.#confirmed.delete(name);
  }

  /** See {@link Gate.unheldTo}. `sessions`: the recipient's. */
  to(
    name: string,
    id: string,
    since: number,
    sessions: () => readonly Pick<KnownSession, 'id'>[],
  ): UnheldBefore | undefined {
    const known = this.#passed.get(name);
    const isConfirmed = this.receiptFor(name) !== undefined;
    if ((known === undefined && !isConfirmed) || !isUniqueId(id)) return undefined;
    if (isConfirmed) return { sessions: known?.sessions ?? [], isConfirmed };
    if (known === undefined || known.passedAt < since) return undefined;
    const left = sessions().filter((session) => known.sessions.includes(session.id));
    if (left.length === 0 && known.sessions.length > 0) return undefined;
    return { sessions: left.map((session) => session.id), isConfirmed };
  }
}
