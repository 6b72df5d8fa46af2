import { type Backoff, retryDelay } from './backoff.ts';
import { type Item, type Saved, toItem } from './entries.ts';
import { bare } from './jid.ts';
import { NEVER, nextDue, nextToWrite } from './schedule.ts';
import { evictOldest } from './seen-messages.ts';
import type { Tree } from './tree.ts';
import type { Failure } from './types.ts';

export interface QueueOptions {
  readonly maxInFlight: number;
  readonly backoff: Backoff;
  /** ms */
  readonly giveUpAfter: number;
  /** How many ended messages are remembered. */
  readonly remember: number;
}

/**
 * ms that a message under stream management is not sent again. `@xmpp/client` asks for an
 * acknowledgement within 30 s and ends a stream that gives none for 60 s more; before that, a copy would go to the same
 * dead socket.
 */
const MANAGED_TIMEOUT = 100_000;

const inOrder = (a: Saved, b: Saved) => a.seq - b.seq;

/** The state of everything that was sent. Knows nothing of streams, stores and clocks. */
export class OutgoingQueue {
  readonly #options: QueueOptions;
  /** Messages that nobody has stored yet, in the order of sending. */
  #unacknowledged = new Map<string, Item>();
  /** Messages that are stored, or that nobody acknowledges, and that have not ended. */
  readonly #awaitingReceipt = new Map<string, Item>();
  readonly #ended = new Map<string, Item>();
  #seq = 0;
  #account: string | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  get(id: string): Item | undefined {
    return this.#unacknowledged.get(id) ?? this.#awaitingReceipt.get(id) ?? this.#ended.get(id);
  }

  /** All that have not ended, in the order of sending. */
  pending(): Item[] {
    return [...this.#unacknowledged.values(), ...this.#awaitingReceipt.values()].sort(inOrder);
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
    const item = toItem(saved, false);
    this.#unacknowledged.set(id, item);
    return item;
  }

  /** Adds the messages that an earlier run left in the store. */
  restore(entries: readonly Saved[]): void {
    const restored = [...entries].sort(inOrder).map((saved) => toItem(saved, true));
    // Messages that were sent while the store was read come after those that it had.
    const added = [...this.#unacknowledged.values()];
    this.#unacknowledged.clear();
    for (const item of restored) {
      this.#seq = Math.max(this.#seq, item.seq);
      if (item.endedAt !== undefined) this.#ended.set(item.id, item);
      // A message that nobody acknowledges is not known to be lost, and most clients would show a copy.
      else if (item.state === 'stored' || item.unwitnessed) this.#awaitingReceipt.set(item.id, item);
      else this.#unacknowledged.set(item.id, item);
    }
    for (const item of added) {
      item.seq = ++this.#seq;
      this.#unacknowledged.set(item.id, item);
    }
  }

  /**
   * Sets the account that messages are sent from. Those of another account are forgotten here, and stay in the store.
   *
   * @returns those that had no account yet, to be saved, and how many were forgotten
   */
  claimFor(account: string): { claimed: Item[]; others: number } {
    this.#account = account;
    const items = this.pending();
    const others = items.filter((item) => item.account !== undefined && item.account !== account);
    for (const { id } of others) this.forget(id);
    const claimed = items.filter((item) => item.account === undefined);
    for (const item of claimed) item.account = account;
    return { claimed, others: others.length };
  }

  /** A new session, with nothing in flight: messages that nobody has stored are due, in order. */
  restart(): void {
    for (const item of this.#unacknowledged.values()) {
      item.inFlight = false;
      item.bounced = false;
      item.due = 0;
    }
    for (const item of this.#awaitingReceipt.values()) {
      const { unwitnessed, inFlight, attempts } = item;
      item.inFlight = false;
      // That its connection broke is weak evidence of a loss: it is sent once more, and not again.
      if (unwitnessed && inFlight && attempts === 1) this.requeue(item);
    }
  }

  /**
   * A session that was resumed (XEP-0198 section 5): stream management sends its own messages again.
   *
   * @param managed the ids of the messages in its queue
   */
  resume(managed: ReadonlySet<string>, now: number): void {
    for (const item of this.#unacknowledged.values()) {
      // A message that is not in the queue may have been lost after it was written and before it was counted.
      if (!item.inFlight) continue;
      if (managed.has(item.id)) item.due = now + MANAGED_TIMEOUT;
      else this.writeFailed(item);
    }
  }

  /** The next message to write, if one may be written now. */
  next(now: number): Item | undefined {
    return nextToWrite(this.#unacknowledged.values(), this.#options.maxInFlight, now);
  }

  /** When {@link next} has to be asked again if nothing else happens, ms since 1970; {@link NEVER} if not at all. */
  nextDueAt(now: number): number {
    return nextDue(this.#unacknowledged.values(), now);
  }

  /**
   * To be called before the message is written, since its answer may come at once.
   *
   * @param proxied whether the proxy will acknowledge it
   * @param managed whether the server will (XEP-0198)
   */
  written(item: Item, proxied: boolean, managed: boolean, now: number): void {
    const again = item.attempts > 0;
    item.attempts += 1;
    item.sentAt = now;
    if (item.state === 'queued') item.state = 'sent';
    item.bounced = false;
    item.inFlight = true;
    item.inDoubt = true;
    const timeout = retryDelay(this.#options.backoff, item.attempts);
    item.due = proxied ? now + Math.max(managed ? MANAGED_TIMEOUT : 0, timeout) : NEVER;
    if (!proxied && !managed) this.unwitnessed(item);
    if (again) this.#requeueFollowers(item);
  }

  /** Nobody will acknowledge it. */
  unwitnessed(item: Item): void {
    item.unwitnessed = true;
    this.#move(item);
  }

  /** Stream management's acknowledgement: the server has it; from now on the proxy's is awaited. */
  serverAck(item: Item, now: number): void {
    if (item.inFlight && !item.bounced) item.due = now + retryDelay(this.#options.backoff, item.attempts);
  }

  /** It could not be written. */
  writeFailed(item: Item): void {
    item.inFlight = false;
    item.due = 0;
  }

  /** Refused for now. */
  bounced(item: Item, now: number): void {
    item.bounced = true;
    item.inFlight = false;
    item.due = now + retryDelay(this.#options.backoff, item.attempts);
  }

  /** @returns whether this changes its state; as all that follow */
  stored(item: Item, by: 'proxy' | 'server', now: number, durability?: string): boolean {
    if (item.state !== 'queued' && item.state !== 'sent') return false;
    item.state = 'stored';
    item.storedAt = now;
    item.storedBy = by;
    if (durability) item.durability = durability;
    this.#move(item);
    return true;
  }

  /** Nobody has stored it after all: it is sent again. */
  requeue(item: Item): boolean {
    if (!this.#awaitingReceipt.delete(item.id)) return false;
    item.state = 'queued';
    this.writeFailed(item);
    const items = [...this.#unacknowledged.values(), item].sort(inOrder);
    this.#unacknowledged = new Map(items.map((one) => [one.id, one]));
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

  /** Removes it altogether. */
  forget(id: string): void {
    for (const map of [this.#unacknowledged, this.#awaitingReceipt, this.#ended]) map.delete(id);
  }

  /** Those that have not ended within `giveUpAfter`. */
  overdue(now: number): Item[] {
    return this.pending().filter((item) => item.queuedAt + this.#options.giveUpAfter <= now);
  }

  /** Forgets the oldest ended messages beyond `remember`. @returns their ids */
  evict(): string[] {
    return evictOldest(this.#ended, this.#options.remember);
  }

  #move(item: Item): void {
    this.#unacknowledged.delete(item.id);
    this.#awaitingReceipt.set(item.id, item);
  }

  #end(item: Item, state: 'delivered' | 'failed', now: number): void {
    item.state = state;
    item.endedAt = now;
    this.forget(item.id);
    // The text is not needed any more.
    delete item.stanza;
    this.#ended.set(item.id, item);
  }

  /** What was written after a lost message in its conversation goes again after it; the proxy drops what it has. */
  #requeueFollowers(item: Item): void {
    const conversation = bare(item.to);
    for (const other of this.#unacknowledged.values()) {
      if (other.seq > item.seq && other.inFlight && bare(other.to) === conversation) this.writeFailed(other);
    }
  }
}
