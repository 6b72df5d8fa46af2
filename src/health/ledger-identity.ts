import { isoTime } from './iso-time.ts';

/** What a look at a ledger's mark shows; see `StoreMark` in store/contract/health.ts. */
export interface Seen {
  readonly id: string;
  readonly count: number;
  readonly parts?: { readonly older: number; readonly emptied: number };
}

/** How the ledger that was here is no longer: it is `empty`, another one has come, or an older copy of the same. */
export type Loss = 'empty' | 'another' | 'older';

/** Knows the ledger again at each look, and notices when it is not the same any more. Pure. */
export class LedgerIdentity {
  #known: Seen | undefined;
  #parts = { older: 0, emptied: 0 };

  /** It was seen so by others, before the next look. */
  heard(seen: Seen): void {
    if (this.#known?.id !== seen.id || this.#known.count < seen.count) this.#known = seen;
  }

  /** @returns undefined when it is what it was; at the first look, when all parts are what they were */
  compare(seen: Seen & { readonly made: boolean }): Loss | undefined {
    const known = this.#known;
    const lost = this.#lostPart(seen);
    this.#known = { id: seen.id, count: seen.count };
    if (known === undefined) return lost;
    // Another process may have found the empty ledger first.
    if (seen.id !== known.id) return seen.made || seen.count < known.count ? 'empty' : 'another';
    return seen.count > known.count ? lost : 'older';
  }

  #lostPart({ parts }: Seen): Loss | undefined {
    if (parts === undefined) return undefined;
    const before = this.#parts;
    this.#parts = parts;
    if (parts.older > before.older) return 'older';
    return parts.emptied > before.emptied ? 'empty' : undefined;
  }
}

/** For an operator. */
export const LOSS_TEXT: Readonly<Record<Loss, string>> = {
  empty:
    'Redis has lost its data: it was emptied, or came back without them. Messages that were acknowledged and pending are gone; see "Loss of the ledger" in docs/operations.md',
  another:
    'Redis is another one than before, with another ledger in it. Messages that are pending in the former are not sent; check where REDIS_URL leads',
  older:
    'Redis has gone back to an older copy of its data. Messages that were acknowledged since may be gone; see "Loss of the ledger" in docs/operations.md',
};

/**
 * For an operator: what is held back of a restored copy.
 *
 * @param upto when (ms) it was found; @param messageTtl ms
 */
export function restoredText(
  { upto, pending, isEnding }: { readonly upto: number; readonly pending: number; readonly isEnding: boolean },
  messageTtl: number,
): string {
  const what = `An older copy of the data in Redis was restored, which was found ${isoTime(upto)}; messages that were pending in it: ${pending}.`;
  return isEnding
    ? `${what} They are being ended, as an administrator has said; give the command "Restored ledger" again should this stay`
    : `${what} None is sent again, and no sender is told, until you say whether they are to be sent or ended: by the command "Restored ledger", or at /api/restored. Without a word they end ${isoTime(upto + messageTtl)}`;
}
