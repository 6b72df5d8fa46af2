import type { State, StoredRecord } from '../contract.ts';

/** Whether a copy may lie at the server or the client: none, the last one, an earlier one; or the last one bounced. */
export type CopyOut = 'none' | 'last' | 'earlier' | 'bounced';

/** A message as it is kept. Replaced as a whole, never changed, so that nobody sees half of a change. */
export interface Entry {
  readonly record: StoredRecord;
  readonly copy: CopyOut;
  readonly digest: string;
  /** Attempts to store it that may have been acknowledged; the one that stored it first. */
  readonly tokens: readonly string[];
  readonly alias: string;
  /** What it takes, for quotas. */
  readonly size: number;
}

/** Times in ms. */
export interface MemoryTimes {
  readonly now: number;
  readonly leaseUntil: number;
}

/** Length of a key as recordKey makes it; what goes by the same id has more behind it. */
const KEY = 22;

/** One that goes out under an id of its own: nothing that comes back names it by the id that its sender gave it. */
const isMarked = (key: string) => key[KEY] === '~';

/** What the store holds, and how it is found. */
export class MemoryState {
  readonly entries = new Map<string, Entry>();
  /** Records that are found under this key beside the one of that name, oldest first. */
  readonly index = new Map<string, string[]>();
  /** What has a next step, by its {@link dueName}, and when (ms). */
  readonly due = new Map<string, number>();
  /** What ended undelivered, whole. */
  readonly undelivered = new Map<string, Entry>();
  /** Keys of what corrects or retracts the message of this key, in the order in which they were stored. */
  readonly corrections = new Map<string, string[]>();
  /** Recipients who were seen to return receipts. */
  readonly confirms = new Set<string>();
  paused: { readonly since: number; readonly by: string } | undefined;

  /** What a record is called among those that are due: a sender is owed one notice for each ending. */
  dueName({ key, state }: Pick<StoredRecord, 'key' | 'state'>): string {
    return state === 'pending' || state === 'delivered' ? key : `${key} ${state}`;
  }

  /** A change of the record, kept. Gives it. */
  change(entry: Entry, record: Partial<StoredRecord>, copy: CopyOut = entry.copy): Entry {
    const bounced = copy === 'bounced';
    const copyOut = copy === 'last' || copy === 'earlier';
    const changed = { ...entry, copy, record: { ...entry.record, bounced, copyOut, ...record } };
    this.entries.set(entry.record.key, changed);
    return changed;
  }

  /** Ends a record. Its payload is kept only where something else keeps it. */
  end(entry: Entry, state: State, settledAt: number, more: Partial<StoredRecord> = {}): Entry {
    return this.change(entry, { state, settledAt, inner: '', ...more });
  }

  /** The records that go by this key, oldest first. `all`: as their sender names them, and not who has got them. */
  candidates(key: string, all = false): Entry[] {
    const names = [key, ...(this.index.get(key) ?? []).filter((other) => all || !isMarked(other))];
    return names.flatMap((name) => this.entries.get(name) ?? []);
  }

  oldestPending(key: string): Entry | undefined {
    return this.candidates(key).find(({ record }) => record.state === 'pending');
  }

  /** The newest of the messages that their sender named so. */
  newest(key: string): Entry | undefined {
    const own = [key, ...(this.index.get(key) ?? []).filter((other) => other.startsWith(key))];
    return own.flatMap((name) => this.entries.get(name) ?? []).at(-1);
  }

  /** Makes a record be found under another key, too. */
  lead(from: string, key: string): void {
    const keys = this.index.get(from) ?? [];
    this.index.set(from, [...keys.filter((other) => other !== key), key]);
  }

  /** Takes away all that leads to a record, and it. */
  erase({ record: { key, target }, alias }: Entry): void {
    this.entries.delete(key);
    this.undelivered.delete(key);
    for (const state of ['pending', 'expired', 'unconfirmed', 'rejected'] as const) {
      this.due.delete(this.dueName({ key, state }));
    }
    for (const from of [key.slice(0, KEY), alias]) this.#unlink(this.index, from, key);
    if (target !== undefined) this.#unlink(this.corrections, target, key);
  }

  #unlink(map: Map<string, string[]>, from: string, key: string): void {
    const left = (map.get(from) ?? []).filter((other) => other !== key);
    if (left.length === 0) map.delete(from);
    else map.set(from, left);
  }

  /** Records that wait for their receipt and were handed over. */
  *handedOver(): Generator<Entry> {
    for (const entry of this.entries.values()) {
      if (entry.record.state === 'pending' && entry.record.copies > 0) yield entry;
    }
  }
}
