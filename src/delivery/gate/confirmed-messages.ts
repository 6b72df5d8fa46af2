import type { Route } from '../../addressing/address-policy.ts';
import type { Facts } from '../../gate/facts.ts';
import { namedBy, type Only, onlyThat, type StoredRecord, type StoreQueue } from '../../store/contract.ts';
import type { ImpliedReceipt } from '../../xmpp/stanza/implied-receipt.ts';
import { isMarked, recordKey } from '../../xmpp/stanza/message-key.ts';
import type { GateCopies } from './gate-copies.ts';
import type { GatePort } from './gate-port.ts';

export interface ConfirmedMessagesOptions {
  readonly pipeline: Pick<StoreQueue, 'push'>;
  readonly gate: Pick<GatePort, 'factsOf' | 'sessionAt'>;
  readonly copies: Pick<GateCopies, 'awaits' | 'whenKnown' | 'unheldOf'>;
}

/** One message, and no other that goes by its key. */
export interface Which {
  readonly key: string;
  readonly only: Only;
}

/** Which message it is that a client confirms. */
export type Meant =
  /** Whatever goes by that id: there is only one, or that session was given none of them. */
  | { readonly what: 'any' }
  | ({ readonly what: 'one' } & Which)
  /** One that this session has confirmed, or for which its sender has had a receipt. */
  | { readonly what: 'confirmed'; readonly key: string }
  /** Nobody can tell. */
  | { readonly what: 'none' };

export interface Confirming {
  readonly by: 'receipt' | ImpliedReceipt['by'];
  /** Full JID. */
  readonly jid: string;
  readonly resource: string;
  /** The session's stream; undefined where it has ended. */
  readonly id: string | undefined;
  /** When it began, in the order of the gate's events. */
  readonly began?: number | undefined;
}

/** A message of that id. */
export interface OfThatId {
  readonly record: StoredRecord;
  readonly facts: Facts | undefined;
  /** A receipt of that session's for it is on its way to the store. */
  readonly isInHand?: boolean;
}

/** A message of the same conversation. */
export interface Earlier {
  readonly record: StoredRecord;
  readonly facts: Facts | undefined;
  /** The sessions (stream ids) that were there when it was given unheld, before it was stored. */
  readonly unheld?: readonly string[] | undefined;
}

const ANY: Meant = { what: 'any' };

/**
 * Which of several messages of one id a client confirms, whose sender counts ids anew: as a gate decides it (docs/gate-protocol.md), the
 * oldest that this session was given and has not confirmed. So nothing is taken for delivered by what was said of another. A marker, a
 * reply or a reaction may come after a receipt, and be for what that has confirmed.
 *
 * @param all the oldest first
 */
export function meantBy(all: readonly OfThatId[], session: Confirming): Meant {
  if (isOne(all.map(({ record }) => record))) return ANY;
  return session.by === 'receipt' ? confirmedBy(all, session) : impliedBy(all, session);
}

/** What that id names is found by its key alone. */
function isOne(all: readonly StoredRecord[]): boolean {
  const [first, ...others] = all;
  return first === undefined || (others.length === 0 && !isMarked(first.key));
}

function confirmedBy(all: readonly OfThatId[], session: Confirming): Meant {
  let last: string | undefined;
  for (const one of all) {
    if (!wasGiven(one, session)) continue;
    const { key, state } = one.record;
    if (!hasConfirmed(one, session)) return state === 'delivered' ? { what: 'confirmed', key } : thatOne(one);
    last = key;
  }
  return last === undefined ? ANY : { what: 'confirmed', key: last };
}

function impliedBy(all: readonly OfThatId[], session: Confirming): Meant {
  for (const one of all) {
    if (one.record.state !== 'pending') {
      // By the key alone nothing that is pending is found then, or another than this.
      return all.some(({ record }) => record.state === 'pending' && !isMarked(record.key)) ? { what: 'none' } : ANY;
    }
    if (wasGiven(one, session)) return thatOne(one);
  }
  return ANY;
}

const thatOne = ({ record }: OfThatId): Meant => ({ what: 'one', key: record.key, only: onlyThat(record) });

/** Whether that session was given it under the id that its sender gave it. */
function wasGiven({ record, facts }: OfThatId, session: Confirming): boolean {
  return (
    (facts !== undefined && wasWritten(record.key, facts, session)) ||
    (record.state !== 'pending' && record.receiptResource === session.resource)
  );
}

/** As far as the gate has said whom it gave it: copies of all but the first have ids of their own. */
function wasWritten(key: string, { outcomes, flushed }: Facts, session: Pick<Confirming, 'jid' | 'id'>): boolean {
  for (const { copy, sessions, states } of outcomes.values()) {
    if (copy > 1 && isMarked(key)) continue;
    if (isUnseen(states, sessions) || sessions.some((one) => isAt(one, session))) return true;
  }
  return flushed.some((one) => isAt(one, session));
}

/**
 * Whether what a gate says a session has confirmed, by the id that its sender gave it, may be that message. Of several of one id a gate
 * knows those only that it was not told to forget. So one that is not the first of its id is none that the session was not given: the
 * session may have had the first as a carbon (XEP-0280), or was given it, and confirms it late.
 */
export function mayBeMeant(key: string, facts: Facts | undefined, session: Pick<Confirming, 'jid' | 'id'>): boolean {
  return !isMarked(key) || facts === undefined || facts.outcomes.size === 0 || wasWritten(key, facts, session);
}

/**
 * Whether a session has read what was stored before the message that its marker names (XEP-0333 section 5.3): not what was written to
 * other sessions only, which may never come back. Where it was not given the one that it names either, it has carbons (XEP-0280), or has
 * looked into an archive: then it may have had all that was written while it was there, unless the gate has seen that it had nothing.
 */
export function hasRead({ record, facts, unheld }: Earlier, named: Facts | undefined, session: Confirming): boolean {
  // One that no gate held, of which the store decides.
  if (record.heldAs === undefined) return true;
  const { id, began } = session;
  if (unheld !== undefined) return id === undefined || unheld.includes(id);
  if (facts === undefined || facts.outcomes.size === 0) return false;
  if (mayHaveBeenWritten(facts, session) || (id !== undefined && facts.has.has(id))) return true;
  if (named === undefined || named.outcomes.size === 0 || mayHaveBeenWritten(named, session)) return false;
  const isNew = began !== undefined && began > facts.given;
  return !isNew && ![...facts.outcomes.values()].some(({ missed }) => id !== undefined && missed.includes(id));
}

function mayHaveBeenWritten({ outcomes, flushed }: Facts, session: Confirming): boolean {
  for (const { sessions, states } of outcomes.values()) {
    if (states.has('dropped') || isUnseen(states, sessions) || sessions.some((one) => isAt(one, session))) return true;
  }
  return flushed.some((one) => isAt(one, session));
}

/** It was let go without a verdict, and the gate names nobody whom it may have gone to: it is an older one, or nobody was there. */
const isUnseen = (states: ReadonlySet<string>, sessions: readonly unknown[]) =>
  states.has('passed') && sessions.length === 0;

const isAt = (one: { readonly jid: string; readonly id: string }, { jid, id }: Pick<Confirming, 'jid' | 'id'>) =>
  id === undefined ? one.jid === jid : one.id === id;

function hasConfirmed({ record, facts, isInHand = false }: OfThatId, { id, resource }: Confirming): boolean {
  if (isInHand) return true;
  // Of another session's it is known as long as that is in doubt.
  return (
    record.state === 'delivered' &&
    (record.receiptResource === resource || facts === undefined || facts.has.has(id ?? ''))
  );
}

/** Finds out which of several messages of one id is meant by what a gate shows, which names that id alone. */
export class ConfirmedMessages {
  readonly #options: ConfirmedMessagesOptions;
  /** Receipts on their way to the store: the key, and the full JID of the session. */
  readonly #inHand = new Set<string>();

  constructor(options: ConfirmedMessagesOptions) {
    this.#options = options;
  }

  /**
   * In a route here, the recipient is `from`. Of a receipt for one it is to be said when it is {@link handled}.
   *
   * @param failed the store could not say it
   */
  find({ from, to }: Route, id: string, by: Confirming['by'], found: (meant: Meant) => void, failed: () => void): void {
    const session = this.sessionOf({ from, to }, by);
    this.#ask(recordKey(to.inner, from.inner, id), from.returnsKey, session, found, failed);
  }

  /** Who confirms, in a route where the recipient is `from`. */
  sessionOf({ from }: Route, by: Confirming['by']): Confirming {
    const known = this.#options.gate.sessionAt(from.inner, from.resource);
    return { by, jid: from.full, resource: from.resource, id: known?.id, began: known?.began };
  }

  /** Which of those that are pending before a message (`named`, if it is pending itself) the session of a marker for it {@link hasRead}. */
  readBy(session: Confirming, earlier: readonly StoredRecord[], named: StoredRecord | undefined): StoredRecord[] {
    const { gate, copies } = this.#options;
    const factsOf = ({ heldAs }: StoredRecord) => (heldAs === undefined ? undefined : gate.factsOf(heldAs));
    const unheldOf = ({ heldAs }: StoredRecord) => (heldAs === undefined ? undefined : copies.unheldOf(heldAs));
    const ofNamed = named && factsOf(named);
    const one = (record: StoredRecord) => ({ record, facts: factsOf(record), unheld: unheldOf(record) });
    return earlier.filter((record) => hasRead(one(record), ofNamed, session));
  }

  /** A receipt for it from that session (full JID) has been in the store. */
  handled(key: string, jid: string): void {
    this.#inHand.delete(`${key} ${jid}`);
  }

  #ask(key: string, owner: string, session: Confirming, found: (meant: Meant) => void, failed: () => void): void {
    const { pipeline, gate, copies } = this.#options;
    pipeline.push({
      request: namedBy(key),
      owner,
      failed,
      done: (records) => {
        const held = records.filter(({ heldAs }) => heldAs !== undefined);
        // A client may be faster than the server's word whom it gave the message.
        const awaited = isOne(held) ? undefined : held.find(({ heldAs }) => copies.awaits(heldAs as string))?.heldAs;
        if (awaited !== undefined) {
          copies.whenKnown(awaited, () => this.#ask(key, owner, session, found, failed));
          return;
        }
        const all = held.map((record) => ({
          record,
          facts: gate.factsOf(record.heldAs as string),
          isInHand: this.#inHand.has(`${record.key} ${session.jid}`),
        }));
        const meant = meantBy(all, session);
        if (meant.what === 'one' && session.by === 'receipt') this.#inHand.add(`${meant.key} ${session.jid}`);
        found(meant);
      },
    });
  }
}
