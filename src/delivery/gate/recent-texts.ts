import { type StoredRecord, sizeOf } from '../../store/contract.ts';

/** Bytes of messages that are kept at most, all of them: a client's ids may be a thousand times as long as its texts. */
const MOST = 32_000_000;
/** What is left of them when there are more: to ask a Map for its oldest is dear after others were deleted (util/oldest.ts). */
const LEFT = 15 / 16;

/** The messages that went through a gate last, whole: Redis drops the text of a message that is confirmed. */
export class RecentTexts {
  readonly #byNumber = new Map<string, StoredRecord>();
  readonly #most: number;
  #size = 0;

  constructor(most = MOST) {
    this.#most = most;
  }

  /** Keeps a message until others take its place. */
  put(n: string, record: StoredRecord): void {
    this.take(n);
    this.#byNumber.set(n, record);
    this.#size += sizeOf(record);
    if (this.#size <= this.#most) return;
    for (const oldest of this.#byNumber.keys()) {
      if (this.#size <= this.#most * LEFT) return;
      this.take(oldest);
    }
  }

  has(n: string): boolean {
    return this.#byNumber.has(n);
  }

  /** Keeps none of these any longer. */
  drop(isOver: (record: StoredRecord) => boolean): void {
    for (const [n, record] of this.#byNumber) if (isOver(record)) this.take(n);
  }

  /** Gives a message and keeps it no longer. */
  take(n: string): StoredRecord | undefined {
    const record = this.#byNumber.get(n);
    if (record === undefined) return undefined;
    this.#byNumber.delete(n);
    this.#size -= sizeOf(record);
    return record;
  }
}
