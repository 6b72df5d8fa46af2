import { MAX_STATUS_MESSAGES } from '../../packages/protocol/elements.ts';
import type { StoredRecord } from '../store/contract.ts';
import { withResource } from '../xmpp/stanza/address.ts';
import { BatchSessions } from './batch-sessions.ts';
import type { NoticeOutbox } from './notice-outbox.ts';
import { type NoticeSubject, type Notices, turnOf } from './notices.ts';
import type { LinkPort } from './ports.ts';
import type { SessionEvents } from './session-events.ts';

export interface AcknowledgementBatchesOptions {
  readonly link: LinkPort;
  readonly notices: Notices;
  /**
   * Sends a client (full JID) a request (IQ set) with this one child, and tells what became of it. Never rejects. Without
   * it there are no batches.
   */
  readonly request?: (fullJid: string, payload: string) => Promise<'taken' | 'refused' | 'silent'>;
  /** Whether other processes serve the domain: the server gives a client's answer to any of them. */
  readonly isShared?: () => boolean;
  /** Takes what cannot go in a batch, and what a batch has told. */
  readonly noticeOutbox: Pick<NoticeOutbox, 'send' | 'recordNotified'>;
  readonly sessions: SessionEvents;
  /** How long an acknowledgement or a receipt waits for others, ms. */
  readonly maxDelay?: number;
}

const MAX_DELAY = 200;
/** How many characters a batch has at most. */
const MAX_CHARACTERS = 20_000;

/** What one session is about to be told. */
interface Batch {
  stored: NoticeSubject[];
  readonly delivered: StoredRecord[];
  entries: number;
  characters: number;
  readonly timer: NodeJS.Timeout;
}

/**
 * Many acknowledgements and receipts in one stanza, for sessions that said in their last message that they take it.
 * Another client may have logged in on the resource since, which nothing here need know of: a batch is a request, and
 * RFC 6120 section 8.2.3 has a client refuse one that it does not understand. What is refused, or answered by nobody, is
 * told of each message by itself. While several processes serve the domain, none is sent: the answer would come to another
 * one as often as not, and all be told twice.
 */
export class AcknowledgementBatches {
  readonly #options: AcknowledgementBatchesOptions;
  readonly #sessions = new BatchSessions();
  readonly #open = new Map<string, Batch>();
  /** Keys of those that are being told as delivered in a batch, sent or not. */
  readonly #pendingKeys = new Set<string>();
  #closed = false;

  constructor(options: AcknowledgementBatchesOptions) {
    this.#options = options;
    options.sessions.on('ended', (user, resource) => this.forget(withResource(user, resource)));
  }

  /** A session has written a message that asks for a receipt, and said whether it takes batches. */
  recordSupport(session: string, acceptsBatches: boolean): void {
    // Asked for every message: where nobody takes batches it must cost nothing.
    if (!acceptsBatches) {
      if (this.#sessions.size > 0) this.forget(session);
      return;
    }
    if (this.#options.request === undefined || this.#closed) return;
    const oldest = this.#sessions.add(session);
    if (oldest !== undefined) this.flush(oldest);
  }

  /** A session is over, or is another client's by now. */
  forget(session: string): void {
    if (this.#sessions.delete(session)) this.flush(session);
  }

  /**
   * A message was stored. Not for its sender to be told again: a message that is delivered meanwhile was stored.
   *
   * @param acceptsBatches whether that very message said so
   * @returns whether he will be told in a batch
   */
  stored(about: NoticeSubject, acceptsBatches: boolean): boolean {
    if (!acceptsBatches || !this.#options.notices.acknowledges(about)) return false;
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
    // A sweep finds it while the client is slow to answer.
    if (record.state === 'delivered' && this.#pendingKeys.has(record.key)) return true;
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
    batch.delivered.push(record);
    this.#pendingKeys.add(record.key);
    this.#grown(session, batch, record);
    return true;
  }

  /** Sends what waits for this session. */
  flush(session: string): void {
    const batch = this.#open.get(session);
    if (batch === undefined) return;
    this.#open.delete(session);
    clearTimeout(batch.timer);
    const { request, notices, noticeOutbox } = this.#options;
    // One by itself is as short, and needs no answer.
    if (this.#closed || request === undefined || batch.stored.length + batch.delivered.length < 2) {
      this.#sendSeparately(batch);
      return;
    }
    void request(session, notices.batch(batch.stored, batch.delivered)).then((outcome) => {
      if (outcome === 'taken') {
        for (const { key } of batch.delivered) this.#pendingKeys.delete(key);
        noticeOutbox.recordNotified(batch.delivered);
        return;
      }
      if (outcome === 'silent') this.#sessions.unresponsive(session);
      this.#sendSeparately(batch);
      this.forget(session);
    });
  }

  /** Sends all that waits, and makes no batches any more. */
  close(): void {
    this.#closed = true;
    this.#sessions.clear();
    for (const session of [...this.#open.keys()]) this.flush(session);
  }

  #sendSeparately({ stored, delivered }: Batch): void {
    const { link, notices, noticeOutbox } = this.#options;
    for (const { key } of delivered) this.#pendingKeys.delete(key);
    for (const about of stored) {
      const acknowledgement = notices.acknowledgement(about);
      if (acknowledgement !== undefined) link.send(acknowledgement, undefined, 'high', undefined, turnOf(about));
    }
    for (const record of delivered) noticeOutbox.send(record);
  }

  /** The batch that something for this session goes into; undefined when it is to be sent alone. */
  #batch(session: string, { senderId = '' }: NoticeSubject): Batch | undefined {
    if (!this.#sessions.has(session)) return undefined;
    if (this.#options.isShared?.() === true) {
      this.forget(session);
      return undefined;
    }
    if (senderId.length > MAX_CHARACTERS / 10) {
      this.flush(session);
      return undefined;
    }
    let batch = this.#open.get(session);
    if (batch === undefined) {
      const timer = setTimeout(() => this.flush(session), this.#options.maxDelay ?? MAX_DELAY).unref();
      batch = { stored: [], delivered: [], entries: 0, characters: 0, timer };
      this.#open.set(session, batch);
    }
    return batch;
  }

  #grown(session: string, batch: Batch, { senderId = '', recipient }: NoticeSubject): void {
    batch.entries += 1;
    batch.characters += senderId.length + recipient.length;
    if (batch.entries >= MAX_STATUS_MESSAGES || batch.characters >= MAX_CHARACTERS) this.flush(session);
  }
}
