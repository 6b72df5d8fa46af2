/** How long this process takes for granted that Redis remembers a recipient, ms. */
const FRESH_FOR = 3600_000;
const MAX_KNOWN = 50_000;

/**
 * Who returns receipts, as far as this process has seen lately. Redis remembers it for 90 days; this spares it being
 * told the same with every receipt.
 */
export class ReceiptSupport {
  #size = 0;
  /** By recipient and sender, since it matters whether they are contacts. */
  readonly #seen = new Map<string, Map<string, number>>();

  /** Whether Redis should be told that he returns receipts. */
  isNews(sender: string, recipient: string, now: number): boolean {
    const since = this.#seen.get(recipient)?.get(sender);
    return since === undefined || now - since >= FRESH_FOR;
  }

  /** Redis has lost what it was told. */
  clear(): void {
    this.#seen.clear();
    this.#size = 0;
  }

  /** Redis has been told. */
  record(sender: string, recipient: string, now: number): void {
    if (!this.isNews(sender, recipient, now)) return;
    if (this.#size >= MAX_KNOWN) {
      this.clear();
    }
    let senders = this.#seen.get(recipient);
    if (senders === undefined) {
      senders = new Map();
      this.#seen.set(recipient, senders);
    }
    senders.set(sender, now);
    this.#size += 1;
  }
}
