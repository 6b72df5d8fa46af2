import { wireIdOf } from '../../xmpp/stanza/message-key.ts';
import type { Clock, Ending, LifeEvent, Only, Paused, State, StoredRecord } from '../contract.ts';
import type { StoreTimes } from '../retry-policy.ts';
import { Delivered } from './delivered.ts';
import { ExpiringMap } from './expiring-map.ts';
import type { CopyOut, Out } from './out.ts';
import { PresenceState } from './presence-state.ts';

/** A message as it is kept. Replaced as a whole, never changed, so that nobody sees half of a change. */
export interface Entry {
  readonly record: StoredRecord;
  readonly copy: CopyOut;
  readonly digest: string;
  /** Attempts to store it that may have been acknowledged; the one that stored it first. */
  readonly tokens: readonly string[];
  readonly alias: string;
  /** The ids that its sender gave it: of these and its key the id is made that it goes out under. */
  readonly id: string;
  readonly originId: string | undefined;
  /** What it takes, for quotas. */
  readonly size: number;
}

/** When a request is carried out, and for how long what is kept; ms. */
export interface MemoryTimes extends StoreTimes {
  readonly now: number;
  readonly leaseUntil: number;
  /** How long what leads to a message is kept, at least. */
  readonly keep: number;
}

/** Length of a key as recordKey makes it; what goes by the same id has more behind it. */
export const KEY = 14;
/** How many records are looked at under one key, and how many events are kept of a message. */
export const MANY = 100;

/** One that goes out under an id of its own: nothing that comes back names it by the id that its sender gave it. */
const isMarked = (key: string) => key[KEY] === '~';

/** What the store holds of messages, and how it is found. */
export class MemoryState {
  /** By their keys; with an end once they have ended. */
  readonly entries: ExpiringMap<Entry>;
  /** Records that are found under this key beside the one of that name, oldest first. */
  readonly index: ExpiringMap<readonly string[]>;
  /** What has a next step, by its {@link dueName}, and when (ms). */
  readonly due = new Map<string, number>();
  /** What ended undelivered, whole. */
  readonly undelivered: ExpiringMap<Entry>;
  /** Keys of what corrects or retracts the message of this key, in the order in which they were stored. */
  readonly corrections: ExpiringMap<readonly string[]>;
  /** Recipients who were seen to return receipts: to anybody, or so far only to contacts. */
  readonly confirms: ExpiringMap<'anybody' | 'contacts'>;
  /** By the recipient and a message's key: its copies that are out, or came back, and that no receipt has come for. */
  readonly out: ExpiringMap<Map<string, Out>>;
  /** By the sender: keys of his messages in trouble, those of which a copy is out or that ended undelivered. */
  readonly inTrouble: ExpiringMap<Set<string>>;
  /** What happened to messages in trouble, oldest first. */
  readonly lives: ExpiringMap<readonly LifeEvent[]>;
  /** What was found damaged, when (ms), and what of it no log has named. */
  readonly quarantined: ExpiringMap<Entry>;
  readonly damaged = new Map<string, number>();
  readonly unreported = new Set<string>();
  readonly delivered: Delivered;
  readonly presence: PresenceState;
  paused: Paused | undefined;

  constructor(clock: Clock, shardOf?: (key: string) => number) {
    this.delivered = new Delivered(shardOf);
    this.entries = new ExpiringMap(clock);
    this.index = new ExpiringMap(clock);
    this.undelivered = new ExpiringMap(clock);
    this.corrections = new ExpiringMap(clock);
    this.confirms = new ExpiringMap(clock);
    this.out = new ExpiringMap(clock);
    this.inTrouble = new ExpiringMap(clock);
    this.lives = new ExpiringMap(clock);
    this.quarantined = new ExpiringMap(clock);
    this.presence = new PresenceState(clock);
  }

  /** What a record is called among those that are due: a sender is owed one notice for each ending. */
  dueName({ key, state }: Ending): string {
    return state === 'pending' || state === 'delivered' ? key : `${key} ${state}`;
  }

  /** All that a record may be called there. */
  dueNames(key: string): string[] {
    const states: readonly State[] = ['pending', 'expired', 'unconfirmed', 'rejected'];
    return states.map((state) => this.dueName({ key, state }));
  }

  /** Moves a due time (ms) that there is. */
  moveDue(name: string, due: number): void {
    if (this.due.has(name)) this.due.set(name, due);
  }

  /** The same, never back. */
  advanceDue(name: string, due: number): void {
    const current = this.due.get(name);
    if (current !== undefined && due < current) this.due.set(name, due);
  }

  /** A change of the record, kept. Gives it. */
  change(entry: Entry, record: Partial<StoredRecord>, copy: CopyOut = entry.copy): Entry {
    const changed = changedEntry(entry, record, copy);
    this.entries.replace(entry.record.key, changed);
    return changed;
  }

  /**
   * Ends a record: it stays without its payload for as long (ms) as duplicates are looked for, and its due time is the
   * caller's. Its payload is kept only where something else keeps it.
   */
  end(entry: Entry, state: State, settledAt: number | undefined, keep: number, why: Partial<StoredRecord> = {}): Entry {
    const ended = changedEntry(entry, { ...NO_ENDING, state, settledAt, inner: '', ...why });
    const { key } = entry.record;
    this.entries.set(key, ended, keep);
    // While a later message of the same id is known, the first one must be: a duplicate is looked for there first.
    if (key.length > KEY) this.entries.extend(key.slice(0, KEY), keep);
    return ended;
  }

  /**
   * The records that go by this key, oldest first. `all`: as their sender names them, and not who has got them. `only`: see {@link Only}.
   */
  candidates(key: string, all = false, only?: Only): Entry[] {
    if (only !== undefined) return this.#alone(key, only);
    const names = [key, ...(this.index.get(key) ?? []).filter((other) => all || !isMarked(other))];
    return names.flatMap((name) => this.entries.get(name) ?? []);
  }

  #alone(key: string, token: string): Entry[] {
    const entry = this.entries.get(key);
    if (entry === undefined) return [];
    const { tokens } = entry;
    const isIt = token === '' || tokens.length === 0 || tokens.includes(token) || tokens.includes('*');
    return isIt ? [entry] : [];
  }

  oldestPending(key: string, only?: Only): Entry | undefined {
    return this.candidates(key, false, only).find(({ record }) => record.state === 'pending');
  }

  /** The newest of the messages that their sender named so. What is known by an origin-id stands there for receipts only. */
  newest(key: string): Entry | undefined {
    const own = [key, ...(this.index.get(key) ?? []).filter((other) => other.startsWith(key))];
    return own.flatMap((name) => this.entries.get(name) ?? []).at(-1);
  }

  /** Makes a record be found under another key, too. */
  lead(from: string, key: string, keep: number): void {
    const keys = [...(this.index.get(from) ?? []).filter((other) => other !== key), key];
    // Forgotten are the oldest, once they have ended.
    while (keys.length > MANY && this.entries.get(keys[0] as string)?.record.state !== 'pending') keys.shift();
    this.index.set(from, keys, keep);
  }

  unlink(map: ExpiringMap<readonly string[]>, from: string, key: string): void {
    const left = (map.get(from) ?? []).filter((other) => other !== key);
    if (left.length === 0) map.delete(from);
    else map.replace(from, left);
  }

  /** Notes an event of a message in trouble. */
  note(key: string, at: number, what: string, keep: number): void {
    this.lives.set(key, [...(this.lives.get(key) ?? []), { at, what }].slice(-MANY), keep);
  }

  /** Pending messages that were handed over: those that count towards quotas. */
  *handedOver(): Generator<Entry> {
    for (const [, entry] of this.entries.entries()) {
      if (entry.record.state === 'pending' && entry.record.copies > 0) yield entry;
    }
  }
}

const NO_ENDING = {
  receiptResource: '',
  condition: undefined,
  conditionType: undefined,
  conditionText: undefined,
} as const;

/** An entry with another record and copy. */
export function changedEntry(entry: Entry, record: Partial<StoredRecord>, copy: CopyOut = entry.copy): Entry {
  const bounced = copy === 'bounced';
  const copyOut = copy === 'last' || copy === 'earlier';
  return { ...entry, copy, record: { ...entry.record, bounced, copyOut, ...record } };
}

/** Without its payload, as all but copies are shown; under the key by which it was found. */
export function shown({ record, id, originId }: Entry, key: string = record.key): StoredRecord {
  return { ...record, key, wireId: wireIdOf(key, id, originId), inner: '' };
}
