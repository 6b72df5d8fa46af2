/** How long this process takes for granted that Redis remembers a recipient, ms. */
const FRESH_FOR = 3600_000;
const MAX_KNOWN = 50_000;

/**
 * Who returns receipts, as far as this process has seen lately. Redis remembers it for 90 days; this spares it being
 * told the same with every receipt.
 */
export class Confirmers {
  readonly #seen = new Map<string, number>();

  /** The JID if Redis should be told that he returns receipts, else empty. */
  toRemember(bare: string, now: number): string {
    const since = this.#seen.get(bare);
    return since !== undefined && now - since < FRESH_FOR ? '' : bare;
  }

  /** Redis has been told. */
  remembered(bare: string, now: number): void {
    const since = this.#seen.get(bare);
    if (since !== undefined && now - since < FRESH_FOR) return;
    if (this.#seen.size >= MAX_KNOWN) this.#seen.clear();
    this.#seen.set(bare, now);
  }
}
