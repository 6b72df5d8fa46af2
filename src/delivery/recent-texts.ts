import type { StoredRecord } from '../store/contract.ts';

/** Bytes of XML that are kept at most. */
const MOST = 8_000_000;

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
    this.#size += record.inner.length;
    while (this.#size > this.#most) this.take(this.#byNumber.keys().next().value as string);
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
    this.#size -= record.inner.length;
    return record;
  }
}
