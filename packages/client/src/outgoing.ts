import { type Backoff, wait } from './backoff.ts';
import { fresh, type Item, type Saved } from './entries.ts';
import { bare } from './jid.ts';
import { forgetOldest } from './seen.ts';
import type { Tree } from './tree.ts';
import type { Failure } from './types.ts';

export interface QueueOptions {
  readonly maxInFlight: number;
  readonly backoff: Backoff;
  /** ms */
  readonly giveUpAfter: number;
  /** Ended messages that are known again. */
  readonly remember: number;
}

/**
 * ms that a message under stream management's watch is not sent again by the clock. `@xmpp/client` asks for an
 * acknowledgement within 30 s and ends a stream that gives none for 60 s more; before that, a copy would go to the same
 * dead socket.
 */
const UNDER_WATCH = 100_000;

/** ms since 1970 */
const NEVER = Number.MAX_SAFE_INTEGER;

const inOrder = (a: Saved, b: Saved) => a.seq - b.seq;

/** The state of everything that was sent. Knows nothing of streams, stores and clocks. */
export class OutgoingQueue {
  readonly #options: QueueOptions;
  /** What nobody has stored yet, in the order of sending. */
  #outstanding = new Map<string, Item>();
  /** What is stored, or will never be known to be, and has not ended. */
  readonly #waiting = new Map<string, Item>();
  readonly #ended = new Map<string, Item>();
  #seq = 0;
  #account: string | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  get(id: string): Item | undefined {
    return this.#outstanding.get(id) ?? this.#waiting.get(id) ?? this.#ended.get(id);
  }

  /** All that have not ended, in the order of sending. */
  pending(): Item[] {
    return [...this.#outstanding.values(), ...this.#waiting.values()].sort(inOrder);
  }

  /** @param id one that {@link get} does not know */
  add(id: string, to: string, stanza: Tree, now: number): Item {
    const saved: Saved = {
      id,
      to,
      stanza,
      seq: ++this.#seq,
      state: 'queued',
      attempts: 0,
      queuedAt: now,
      account: this.#account,
    };
    const item = fresh(saved, false);
    this.#outstanding.set(id, item);
    return item;
  }

  /** Takes what an earlier run left in the store. */
  restore(entries: readonly Saved[]): void {
    const restored = [...entries].sort(inOrder).map((saved) => fresh(saved, true));
    // What was sent while the store was read comes after what it had.
    const young = [...this.#outstanding.values()];
    this.#outstanding.clear();
    for (const item of restored) {
      this.#seq = Math.max(this.#seq, item.seq);
      if (item.endedAt !== undefined) this.#ended.set(item.id, item);
      // Written where nobody acknowledges, it is not known to be lost, and most clients would show a copy.
      else if (item.state === 'stored' || item.unwitnessed) this.#waiting.set(item.id, item);
      else this.#outstanding.set(item.id, item);
    }
    for (const item of young) {
      item.seq = ++this.#seq;
      this.#outstanding.set(item.id, item);
    }
  }

  /**
   * Says whose messages may go. What an earlier run left for another account is let go, and stays in the store.
   *
   * @returns those that are now known to be this account's, to be saved, and how many were let go
   */
  belongTo(account: string): { claimed: Item[]; others: number } {
    this.#account = account;
    const items = this.pending();
    const others = items.filter((item) => item.account !== undefined && item.account !== account);
    for (const { id } of others) this.forget(id);
    const claimed = items.filter((item) => item.account === undefined);
    for (const item of claimed) item.account = account;
    return { claimed, others: others.length };
  }

  /** A new session, in which nothing is on its way: what nobody has stored is due, in order. */
  restart(): void {
    for (const item of this.#outstanding.values()) {
      item.inFlight = false;
      item.bounced = false;
      item.due = 0;
    }
    for (const item of this.#waiting.values()) {
      const { unwitnessed, inFlight, attempts } = item;
      item.inFlight = false;
      // The connection that it was written to broke, which is evidence, if a weak one: once more, and never again.
      if (unwitnessed && inFlight && attempts === 1) this.unstored(item);
    }
  }

  /**
   * A session that was resumed (XEP-0198 section 5): what stream management sends again is left to it.
   *
   * @param watched the ids that it still answers for
   */
  resume(watched: ReadonlySet<string>, now: number): void {
    for (const item of this.#outstanding.values()) {
      // What is not watched may have got lost between the socket and its being counted.
      if (item.inFlight) item.due = watched.has(item.id) ? now + UNDER_WATCH : 0;
    }
  }

  /** The next message to write, if one may be written now. */
  next(now: number): Item | undefined {
    const held = new Set<string>();
    let inFlight = 0;
    for (const item of this.#outstanding.values()) {
      const conversation = bare(item.to);
      if (item.kept && item.due <= now && !held.has(conversation)) return item;
      // Order within a conversation: nothing overtakes what is not ready.
      if (!item.kept || item.bounced) held.add(conversation);
      if (item.inFlight) inFlight += 1;
      if (inFlight >= this.#options.maxInFlight) return undefined;
    }
    return undefined;
  }

  /** When {@link next} has to be asked again if nothing else happens, ms since 1970; {@link NEVER} if not at all. */
  wakeAt(now: number): number {
    let at = NEVER;
    for (const { due } of this.#outstanding.values()) if (due > now) at = Math.min(at, due);
    return at;
  }

  /**
   * To be called before it is written, so that no answer comes too early.
   *
   * @param proxied whether the proxy will acknowledge it
   * @param watched whether the server will (XEP-0198), so that until then the stream itself is under watch
   */
  written(item: Item, proxied: boolean, watched: boolean, now: number): void {
    const again = item.attempts > 0;
    item.attempts += 1;
    item.sentAt = now;
    if (item.state === 'queued') item.state = 'sent';
    item.bounced = false;
    item.inFlight = true;
    item.inDoubt = true;
    const patience = wait(this.#options.backoff, item.attempts);
    item.due = proxied ? now + Math.max(watched ? UNDER_WATCH : 0, patience) : NEVER;
    if (!proxied && !watched) {
      item.unwitnessed = true;
      this.#move(item);
    }
    if (again) this.#hurryFollowers(item);
  }

  /** Stream management's acknowledgement: the server has it; from now on the proxy's is awaited. */
  atServer(item: Item, now: number): void {
    if (item.inFlight && !item.bounced) item.due = now + wait(this.#options.backoff, item.attempts);
  }

  /** It could not be written. */
  unwritten(item: Item): void {
    item.inFlight = false;
    item.due = 0;
  }

  /** Refused for now. */
  bounced(item: Item, now: number): void {
    item.bounced = true;
    item.inFlight = false;
    item.due = now + wait(this.#options.backoff, item.attempts);
  }

  /** @returns whether this is news; as all that follow */
  stored(item: Item, by: 'proxy' | 'server', now: number): boolean {
    if (item.state !== 'queued' && item.state !== 'sent') return false;
    item.state = 'stored';
    item.storedAt = now;
    item.storedBy = by;
    this.#move(item);
    return true;
  }

  /** Nobody has it after all: it is to be sent again. */
  unstored(item: Item): boolean {
    if (!this.#waiting.delete(item.id)) return false;
    item.state = 'queued';
    this.unwritten(item);
    const items = [...this.#outstanding.values(), item].sort(inOrder);
    this.#outstanding = new Map(items.map((one) => [one.id, one]));
    return true;
  }

  /** Its recipient has it. */
  delivered(item: Item, now: number): boolean {
    if (item.state === 'delivered') return false;
    delete item.failure;
    this.#end(item, 'delivered', now);
    return true;
  }

  failed(item: Item, failure: Failure, now: number): boolean {
    if (item.endedAt !== undefined) return false;
    item.failure = failure;
    this.#end(item, 'failed', now);
    return true;
  }

  /** As if it had never been. */
  forget(id: string): void {
    for (const map of [this.#outstanding, this.#waiting, this.#ended]) map.delete(id);
  }

  /** Those of which nothing was heard for too long. */
  overdue(now: number): Item[] {
    return this.pending().filter((item) => item.queuedAt + this.#options.giveUpAfter <= now);
  }

  /** The oldest ended ones beyond what is to be remembered; they are forgotten. */
  superfluous(): string[] {
    return forgetOldest(this.#ended, this.#options.remember);
  }

  #move(item: Item): void {
    this.#outstanding.delete(item.id);
    this.#waiting.set(item.id, item);
  }

  #end(item: Item, state: 'delivered' | 'failed', now: number): void {
    item.state = state;
    item.endedAt = now;
    this.forget(item.id);
    // Its text is not needed any more.
    delete item.stanza;
    this.#ended.set(item.id, item);
  }

  /** What was written after a lost message in its conversation goes again after it; the proxy drops what it has. */
  #hurryFollowers(item: Item): void {
    const conversation = bare(item.to);
    for (const other of this.#outstanding.values()) {
      if (other.seq > item.seq && other.inFlight && bare(other.to) === conversation) other.due = 0;
    }
  }
}
