import { type StoredRecord, tokenOfHeld } from './record.ts';

/**
 * That a request is of the record alone that stands under its key, and not of others that go by that key, as its sender may have given them
 * one id: of what was stored by this attempt (its token), or ('') by whichever. Of one in whose place another stands
 * nothing is known.
 */
export type Only = string | undefined;

export const onlyThat = ({ heldAs }: Pick<StoredRecord, 'heldAs'>): Only =>
  heldAs === undefined ? '' : tokenOfHeld(heldAs);

/** Takes a receipt. Idempotent: a repetition is told as `repeated`, or by the same outcome as before. */
export interface Settle {
  readonly kind: 'settle';
  readonly key: string;
  /** The resource that the receipt came from. */
  readonly resource: string;
  /** ms. */
  readonly now: number;
  /** Bare JIDs, when it should be recorded that the recipient returns receipts. */
  readonly remember: { readonly sender: string; readonly recipient: string } | undefined;
  /** The record that it most likely settles, if the caller has it: then the store need not say it again. */
  readonly atHand: StoredRecord | undefined;
  readonly only?: Only;
}

export const settle = (
  key: string,
  resource: string,
  now: number,
  remember?: Settle['remember'],
  atHand?: StoredRecord,
  only?: Only,
): Settle => ({ kind: 'settle', key, resource, now, remember, atHand, only });

/** What a receipt meant: `late` came after the message had ended otherwise, `repeated` after it was delivered. */
export type Settled =
  | { readonly outcome: 'delivered' | 'late'; readonly record: StoredRecord }
  | { readonly outcome: 'repeated' | 'unknown' };

/**
 * Takes a reply or a reaction, which are evidence that a message has arrived, unless its author has a message of his own
 * under `ownKey`, which it may be about. As {@link Settle}; `repeated` then.
 */
export interface SettleByMention {
  readonly kind: 'settleByMention';
  readonly key: string;
  readonly ownKey: string;
  readonly resource: string;
  /** ms. */
  readonly now: number;
  readonly only?: Only;
}

export const settleByMention = (
  key: string,
  ownKey: string,
  resource: string,
  now: number,
  only?: Only,
): SettleByMention => ({ kind: 'settleByMention', key, ownKey, resource, now, only });

/**
 * A correction or a retraction was delivered: what its sender wrote in that message's place before it is of no use any
 * more, and counts as delivered with it. Idempotent.
 */
export interface Supersede {
  readonly kind: 'supersede';
  readonly key: string;
}

export const supersede = (key: string): Supersede => ({ kind: 'supersede', key });

/**
 * A message has arrived, and its sender is told nothing of it by us. `told`: he has had the receipt itself, so the message
 * ends as by {@link Settle} with nothing owed. Else only the recipient's server has seen it: a pending message ends as
 * `unconfirmed` with the resource that has it ({@link isProved}), and a receipt that comes later is `late`. Idempotent.
 */
export interface Prove {
  readonly kind: 'prove';
  readonly key: string;
  readonly resource: string;
  /** ms. */
  readonly now: number;
  readonly told: boolean;
  /** With `told`: as {@link Settle.atHand}; and only of that. */
  readonly atHand: StoredRecord | undefined;
  readonly only?: Only;
}

export const prove = (
  key: string,
  resource: string,
  now: number,
  told: boolean,
  atHand?: StoredRecord,
  only?: Only,
): Prove => ({ kind: 'prove', key, resource, now, told, atHand, only });

/** That a proof is of the record at hand: then it is of that alone, which costs the store nothing. */
export const isOfAtHand = ({ key, told, atHand }: Prove): boolean => told && atHand?.key === key;

/**
 * The key of the message that a gate held under this number, or that is known to be the same one, of those that go by `key`, which all
 * have the id that a receipt names; undefined when it is not among them.
 */
export interface KeyOfHeld {
  readonly kind: 'keyOfHeld';
  readonly key: string;
  readonly heldAs: string;
}

export const keyOfHeld = (key: string, heldAs: string): KeyOfHeld => ({ kind: 'keyOfHeld', key, heldAs });

/** The messages that go by `key`, as their sender named them, oldest first and without their payloads; of very many the oldest. */
export interface NamedBy {
  readonly kind: 'namedBy';
  readonly key: string;
}

export const namedBy = (key: string): NamedBy => ({ kind: 'namedBy', key });

/** `proved` only without `told`, and instead of `delivered`. */
export type ProofTaken = Settled | { readonly outcome: 'proved'; readonly record: StoredRecord };

export type SettlementRequest = Settle | SettleByMention | Supersede | Prove | KeyOfHeld | NamedBy;

export interface SettlementReplies {
  settle: Settled;
  settleByMention: Settled;
  supersede: undefined;
  prove: ProofTaken;
  keyOfHeld: string | undefined;
  namedBy: readonly StoredRecord[];
}
