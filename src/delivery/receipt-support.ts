/** How long this process takes for granted that Redis remembers a recipient, ms. */
const FRESH_FOR = 3600_000;
/** Pairs in one of two generations. */
const MAX_KNOWN = 50_000;

type Seen = Map<string, Map<string, number>>;

/**
 * Who returns receipts, as far as this process has seen lately. Redis remembers it for 90 days; this spares it being
 * told the same with every receipt. Two generations: emptied at once it would know nobody of more pairs than it takes, who write in turn.
 */
export class ReceiptSupport {
  #size = 0;
  /** By recipient and sender, since it matters whether they are contacts. */
  #seen: Seen = new Map();
  /** Those of before, until as many others have been seen. */
  #before: Seen = new Map();

  /** Whether Redis should be told that he returns receipts. */
  isNews(sender: string, recipient: string, now: number): boolean {
    const since = this.#seen.get(recipient)?.get(sender) ?? this.#before.get(recipient)?.get(sender);
    return since === undefined || now - since >= FRESH_FOR;
  }

  /** Redis has lost what it was told. */
  clear(): void {
    this.#seen.clear();
    this.#before.clear();
    this.#size = 0;
  }

  /** Redis has been told, now or before. */
  record(sender: string, recipient: string, now: number): void {
    const known = this.#seen.get(recipient)?.get(sender);
    if (known !== undefined && now - known < FRESH_FOR) return;
    const before = this.#before.get(recipient)?.get(sender);
    const since = before !== undefined && now - before < FRESH_FOR ? before : now;
    if (known === undefined) {
      if (this.#size >= MAX_KNOWN) {
        this.#before = this.#seen;
        this.#seen = new Map();
        this.#size = 0;
      }
      this.#size += 1;
    }
    const senders = this.#seen.get(recipient);
    if (senders === undefined) this.#seen.set(recipient, new Map([[sender, since]]));
    else senders.set(sender, since);
  }
}
