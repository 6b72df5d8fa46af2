import { isString, isTree, type Tree } from './tree.ts';
import type { Failure, State, Tracked } from './types.ts';

/** A message that was sent, as the store has it. */
export interface Saved {
  id: string;
  to: string;
  /** Undefined when the message has ended. */
  stanza?: Tree;
  /** Its place in the order of sending. */
  seq: number;
  state: State;
  attempts: number;
  queuedAt: number;
  sentAt?: number;
  storedAt?: number;
  storedBy?: 'proxy' | 'server';
  durability?: string | undefined;
  /** Whether it was written where nobody acknowledges: without the proxy and without XEP-0198. */
  unwitnessed?: boolean;
  endedAt?: number;
  failure?: Failure;
  /** The bare JID that it is from; not known before the first login. */
  account?: string | undefined;
}

/** A message in the outgoing queue. */
export interface Item extends Saved {
  /** Whether the store has it; before that it is not written. */
  kept: boolean;
  /** Whether it was written in the present session. */
  inFlight: boolean;
  /** ms since 1970 of its next attempt. */
  due: number;
  /** Whether the proxy may know of it: it was written, or an earlier run may have written it. */
  inDoubt: boolean;
  /** Whether it was refused for now: what follows it in its conversation waits for it. */
  bounced: boolean;
}

/** The parts of a receipt that is due. */
export interface DueReceipt {
  readonly to: string;
  readonly id: string;
  readonly type: string | undefined;
}

/** A message that came and that the application has taken, as the store has it. */
export interface SeenEntry {
  /** ms since 1970 */
  readonly at: number;
  /** Whether a copy of it is answered with a receipt. */
  readonly confirmed: boolean;
  /** The receipt, while it is not written. */
  readonly owed?: DueReceipt;
}

/** Keys of the store. */
export const OUT = 'out/';
export const SEEN = 'in/';
export const COMPONENT = 'component';

type Loose<T> = Partial<Record<keyof T, unknown>>;

const isNumber = (value: unknown): value is number => Number.isFinite(value);

/** Checks a message from a store; undefined if the value is invalid. */
export function readSaved(id: string, value: unknown): Saved | undefined {
  const saved = (value ?? {}) as Loose<Saved>;
  const { to, state, stanza, seq, attempts, queuedAt, sentAt = 0, storedAt = 0, endedAt, account = '' } = saved;
  const ended = state === 'delivered' || state === 'failed';
  const valid =
    saved.id === id &&
    [to, account].every(isString) &&
    (ended || ((state === 'queued' || state === 'sent' || state === 'stored') && isTree(stanza))) &&
    isNumber(endedAt) === ended &&
    [seq, attempts, queuedAt, sentAt, storedAt].every(isNumber);
  return valid ? (value as Saved) : undefined;
}

/** The part of a message that is stored. */
export function toSaved(item: Item): Saved {
  const { kept, inFlight, due, inDoubt, bounced, ...saved } = item;
  return saved;
}

export function readSeen(value: unknown): SeenEntry | undefined {
  const { at, confirmed, owed } = (value ?? {}) as Loose<SeenEntry>;
  const { to, id, type = '' } = (owed ?? {}) as Loose<DueReceipt>;
  const valid =
    isNumber(at) && typeof confirmed === 'boolean' && (owed === undefined || [to, id, type].every(isString));
  return valid ? (value as SeenEntry) : undefined;
}

/** @param kept whether it comes from the store, so that an earlier run may have sent it */
export function toItem(saved: Saved, kept: boolean): Item {
  return { ...saved, kept, inFlight: false, due: 0, inDoubt: kept, bounced: false };
}

/** The part of a message that the application sees. */
export function toTracked(item: Item): Tracked {
  const { stanza, seq, account, unwitnessed, kept, inFlight, due, inDoubt, bounced, ...seen } = item;
  return Object.freeze(seen);
}
