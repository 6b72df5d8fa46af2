import type { StoredRecord } from '../ledger/record.ts';
import { withResource } from '../stanza/address.ts';
import type { About, Notices } from './notices.ts';
import type { LinkPort } from './outbox.ts';

export interface BatchesOptions {
  readonly link: LinkPort;
  readonly notices: Notices;
  /** Asks a client (full JID) whether it takes batches. Never rejects. */
  readonly takesBatches?: (fullJid: string) => Promise<boolean>;
  /** How long an acknowledgement or a receipt waits for others, ms. */
  readonly late?: number;
}

const LATE = 200;
/** How many of them, and how many characters, a stanza has at most. */
const MOST = 100;
const LARGEST = 20_000;
/** How long what a client said is taken for granted, ms. Another one may log in on its resource. */
const GRANTED_FOR = 300_000;
/** Sessions that are remembered, and asked at a time. */
const MOST_SESSIONS = 50_000;
const MOST_ASKED = 1000;

/** What one session is about to be told. */
interface Batch {
  stored: About[];
  /** Receipts by the session that returned them. */
  readonly delivered: Map<string, StoredRecord[]>;
  entries: number;
  characters: number;
  readonly timer: NodeJS.Timeout;
}

/**
 * Many acknowledgements, or receipts, in one stanza, for clients that say that they take them. Who does is known to this
 * process alone, from the client's own word: another that does not know it sends each by itself, which means the same.
 */
export class Batches {
  readonly #options: BatchesOptions;
  /** Until when (ms) a session takes them, by full JID. */
  readonly #sessions = new Map<string, number>();
  /** Sessions that are being asked, and whether to ask again: what they said meanwhile may be another thing. */
  readonly #asking = new Map<string, boolean>();
  readonly #open = new Map<string, Batch>();

  constructor(options: BatchesOptions) {
    this.#options = options;
  }

  /** This session asked what we can do, as each does that takes batches: it is asked the same. */
  ask(session: string): void {
    const { takesBatches } = this.#options;
    if (takesBatches === undefined || this.#asking.size >= MOST_ASKED) return;
    if (this.#asking.has(session)) {
      this.#asking.set(session, true);
      return;
    }
    this.#asking.set(session, false);
    void takesBatches(session).then((yes) => {
      const again = this.#asking.get(session);
      this.#asking.delete(session);
      if (again) this.ask(session);
      if (yes) this.#sessions.set(session, Date.now() + GRANTED_FOR);
      else this.forget(session);
      const [oldest] = this.#sessions.size > MOST_SESSIONS ? this.#sessions.keys() : [];
      if (oldest !== undefined) this.#sessions.delete(oldest);
    });
  }

  /** A session is over. */
  forget(session: string): void {
    if (this.#sessions.delete(session)) this.flush(session);
  }

  /**
   * A message was stored. Not for its sender to be told again: a message that is delivered meanwhile was stored.
   *
   * @returns whether he will be told in a batch
   */
  stored(about: About): boolean {
    // Asked for every message: where nobody takes batches it must cost nothing.
    if (this.#sessions.size === 0 || !this.#options.notices.acknowledges(about)) return false;
    const session = withResource(about.sender, about.senderResource);
    const batch = this.#batch(session, about);
    if (batch === undefined) return false;
    batch.stored.push(about);
    this.#grown(session, batch, about);
    return true;
  }

  /**
   * A message has ended.
   *
   * @returns whether its sender will be told in a batch
   */
  delivered(record: StoredRecord): boolean {
    if (this.#sessions.size === 0) return false;
    const session = withResource(record.sender, record.senderResource);
    if (record.state !== 'delivered' || !record.owesReceipt || record.senderId === undefined) {
      // What he is told of a message alone comes after its acknowledgement all the same.
      this.flush(session);
      return false;
    }
    const batch = this.#batch(session, record);
    if (batch === undefined) return false;
    batch.stored = batch.stored.filter((one) => one.senderId !== record.senderId || one.recipient !== record.recipient);
    const from = withResource(record.recipient, record.receiptResource);
    const together = batch.delivered.get(from);
    if (together === undefined) batch.delivered.set(from, [record]);
    else together.push(record);
    this.#grown(session, batch, record);
    return true;
  }

  /** Sends what waits for this session. */
  flush(session: string): void {
    const batch = this.#open.get(session);
    if (batch === undefined) return;
    this.#open.delete(session);
    clearTimeout(batch.timer);
    const { link, notices } = this.#options;
    if (batch.stored.length > 0) link.send(notices.storedTogether(batch.stored), undefined, 'high');
    for (const records of batch.delivered.values()) {
      const [record, ...others] = records as [StoredRecord, ...StoredRecord[]];
      link.send(
        notices.deliveredTogether(records),
        { kind: 'notice', attempt: record.attempt, record, others },
        'high',
      );
    }
  }

  /** Sends all that waits, and makes no batches any more. */
  close(): void {
    this.#sessions.clear();
    for (const session of [...this.#open.keys()]) this.flush(session);
  }

  /** The batch that something for this session goes into; undefined when it is to be sent alone. */
  #batch(session: string, { senderId = '' }: About): Batch | undefined {
    const until = this.#sessions.get(session);
    if (until === undefined) return undefined;
    const tooLarge = senderId.length > LARGEST / 10;
    if (tooLarge || Date.now() > until) {
      this.flush(session);
      if (tooLarge) return undefined;
      this.#sessions.delete(session);
      this.ask(session);
      return undefined;
    }
    let batch = this.#open.get(session);
    if (batch === undefined) {
      const timer = setTimeout(() => this.flush(session), this.#options.late ?? LATE).unref();
      batch = { stored: [], delivered: new Map(), entries: 0, characters: 0, timer };
      this.#open.set(session, batch);
    }
    return batch;
  }

  #grown(session: string, batch: Batch, { senderId = '', recipient }: About): void {
    batch.entries += 1;
    batch.characters += senderId.length + recipient.length;
    if (batch.entries >= MOST || batch.characters >= LARGEST) this.flush(session);
  }
}
