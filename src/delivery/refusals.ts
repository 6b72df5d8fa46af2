import type { AddressPolicy } from '../addressing/address-policy.ts';

import type { StoreQueue } from '../store/contract.ts';

import { type Clock, isAvailable, type StoredRecord } from '../store/contract.ts';

export interface RefusalsOptions {
  readonly pipeline: Pick<StoreQueue, 'perform'>;
  readonly addresses: AddressPolicy;
  readonly clock: Clock;
  /**
   * Asks a server in its user's place (XEP-0199), from an address of ours: whether it lets that through to him. Both are
   * bare; `unknown` when nothing came of it.
   */
  readonly reaches: (from: string, to: string) => Promise<'answered' | 'refused' | 'unknown'>;
}

/** How long it holds for the messages of one sender to one recipient that theirs is no refusal for good, ms. */
const HOLDS = 60_000;
const MOST = 1000;

/**
 * Tells a refusal for good from one of now. A server answers `service-unavailable` where the recipient has blocked the
 * sender (XEP-0191), and in the same words where he is away and his offline storage is full. What tells them apart is a
 * request, which is not stored: the server answers it in the recipient's place, but for one whom he has blocked. It is
 * asked with the address that the sender is seen by, and should it refuse, with the component's own, since a server may
 * answer nobody. Where both are refused, the recipient's presence decides, for a sender who gets it: what comes back
 * although he is there has not met a full storage. Another would learn by it who is there.
 */
export class Refusals {
  readonly #options: RefusalsOptions;
  readonly #known = new Map<string, { readonly at: number; readonly forGood: Promise<boolean> }>();

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  /** Whether a copy of this message, which came back with `service-unavailable`, would always come back. Never rejects. */
  isPermanent({ sender, recipient, recipientResource, type }: StoredRecord): Promise<boolean> {
    // What was for one session that is gone says nothing of the next copy, which is for any.
    const toAny = recipientResource === '' || type === 'chat';
    const name = `${sender} ${recipient} ${toAny}`;
    const now = this.#options.clock.now();
    const known = this.#known.get(name);
    if (known !== undefined && now - known.at < HOLDS) return known.forGood;
    const forGood = this.#ask(sender, recipient, toAny).catch(() => false);
    if (this.#known.size >= MOST) this.#known.clear();
    const entry = { at: now, forGood };
    this.#known.set(name, entry);
    // It ends a message, and he may have unblocked her since: it holds for those that came back meanwhile only.
    void forGood.then((is) => {
      if (is && this.#known.get(name) === entry) this.#known.delete(name);
    });
    return forGood;
  }

  async #ask(sender: string, recipient: string, toAny: boolean): Promise<boolean> {
    const { reaches, addresses, pipeline } = this.#options;
    const { outer } = addresses.parse(sender);
    if (outer === '' || (await reaches(outer, recipient)) !== 'refused') return false;
    if ((await reaches(addresses.componentDomain, recipient)) === 'answered') return true;
    return toAny && (await pipeline.perform(isAvailable(recipient, sender)));
  }
}
