import type { Found, KeyPortion, LifeEvent, Load, Paused, PendingPortion, StoreQueries } from '../contract.ts';
import { loadsOf } from './quota.ts';
import { type Entry, type MemoryState, shown } from './state.ts';

/** What people ask about the store in memory. */
export class MemoryQueries implements StoreQueries {
  readonly #state: MemoryState;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  async inTrouble(sender: string, limit: number): Promise<{ found: Found[]; total: number }> {
    const keys = [...(this.#state.inTrouble.get(sender) ?? [])];
    const found = keys
      .flatMap((key) => this.#look(key))
      .filter(({ record, kept }) => record.sender === sender && (record.state === 'pending' || kept))
      .sort((one, other) => one.record.firstStoredAt - other.record.firstStoredAt);
    return { found: found.slice(0, limit), total: found.length };
  }

  async waitingFor(recipient: string, limit: number): Promise<{ found: Found[]; total: number }> {
    const found = [...(this.#state.out.get(recipient)?.keys() ?? [])]
      .flatMap((key) => this.#look(key))
      .filter(({ record }) => record.recipient === recipient && record.state === 'pending')
      .sort((one, other) => one.record.firstStoredAt - other.record.firstStoredAt);
    return { found: found.slice(0, limit), total: found.length };
  }

  /** All in one. */
  async pending(_cursor: string): Promise<PendingPortion> {
    const keys = this.#state.entries
      .entries()
      .flatMap(([key, { record }]) => (record.state === 'pending' ? [key] : []));
    return { found: [...keys].flatMap((key) => this.#look(key)), next: undefined };
  }

  async byKey(key: string): Promise<Found[]> {
    return [key, ...(this.#state.index.get(key) ?? [])].flatMap((name) => this.#look(name));
  }

  async records(keys: readonly string[]): Promise<Found[]> {
    return keys.flatMap((key) => this.#look(key));
  }

  async life(key: string): Promise<LifeEvent[]> {
    return [...(this.#state.lives.get(key) ?? [])].sort((one, other) => one.at - other.at);
  }

  async paused(): Promise<Paused | undefined> {
    return this.#state.paused;
  }

  async contacts(): Promise<string[]> {
    return [...this.#state.presence.subscriptions.keys()];
  }

  async heaviest(limit: number): Promise<Load[]> {
    const loads = [...loadsOf(this.#state).values()];
    return loads.sort((one, other) => other.bytes - one.bytes || other.messages - one.messages).slice(0, limit);
  }

  /** All in one. */
  async portion(_cursor: string): Promise<KeyPortion> {
    const { entries, undelivered, quarantined } = this.#state;
    const all = [entries, undelivered, quarantined].flatMap((map) => map.entries().map(([key]) => key));
    return { keys: [...new Set(all)], next: undefined };
  }

  #look(key: string): Found[] {
    const kept = this.#state.undelivered.get(key);
    const entry: Entry | undefined = this.#state.entries.get(key) ?? kept;
    if (entry === undefined) return [];
    const { sender, recipient } = entry.record;
    const seesPresence = this.#state.presence.isSubscribed(recipient, sender);
    return [{ record: shown(entry), kept: kept !== undefined, due: this.#state.due.get(key), seesPresence }];
  }
}
