import type { SeenSession } from './events.ts';
import type { KnownSession } from './facts.ts';

/** What became of a session. `user` is its bare JID. */
export interface SessionChange {
  readonly user: string;
  readonly resource: string;
  readonly session: KnownSession;
  readonly what: 'available' | 'changed' | 'unavailable' | 'detached' | 'gone';
  /** Of one that is gone: its client has ended it in order. */
  readonly graceful?: boolean | undefined;
}

/** Until when (ms) a session that is gone now was there, as far as what its client may have lost goes: one that was closed has lost nothing. */
export function thereUntil({ session, graceful }: SessionChange, now: number): number {
  return graceful === true ? Number.POSITIVE_INFINITY : (session.detachedAt ?? now);
}

/** The sessions of all users of the server, as its gate tells of them. */
export class GateSessions {
  readonly #users = new Map<string, Map<string, KnownSession>>();
  /** Until when (ms) those that were told of before were known to be connected, by id. */
  readonly #before = new Map<string, number>();

  /**
   * Takes what the gate says at this time (ms). Gives what follows: a session that another has replaced is gone.
   *
   * @param order of this event among the gate's
   */
  seen({ state, priority, jid, id, graceful }: SeenSession, now: number, order: number): SessionChange[] {
    const slash = jid.indexOf('/');
    if (slash === -1) return [];
    const user = jid.slice(0, slash);
    const resource = jid.slice(slash + 1);
    const before = this.#users.get(user)?.get(resource);
    const changes: SessionChange[] = [];
    if (before !== undefined && before.id !== id) {
      // Word of a session that was replaced comes late.
      if (state === 'gone') return [];
      this.#users.get(user)?.delete(resource);
      changes.push({ user, resource, session: before, what: 'gone' });
    }
    const same = before?.id === id ? before : undefined;
    if (state === 'gone') {
      if (same === undefined) return [];
      const left = this.#users.get(user);
      left?.delete(resource);
      if (left?.size === 0) this.#users.delete(user);
      return [{ user, resource, session: same, what: 'gone', graceful }];
    }
    const isThere = state === 'available' || state === 'resumed';
    const kept = state === 'resumed' && same !== undefined ? same.priority : priority;
    const wasThere = same?.state === 'available';
    const session: KnownSession = {
      jid,
      id,
      state: state === 'detached' ? 'detached' : isThere ? 'available' : 'bound',
      priority: kept,
      detachedAt: state === 'detached' ? this.#detachedAt(id, same, now) : undefined,
      since: same !== undefined && (wasThere || state !== 'available') ? same.since : now,
      // One that is told of at the beginning as detached was there before, and may have carbons (XEP-0280) that wait for it.
      began: same?.began ?? (isThere || (state === 'detached' && same === undefined) ? order : undefined),
    };
    const sessions = this.#users.get(user) ?? new Map<string, KnownSession>();
    this.#users.set(user, sessions);
    sessions.set(resource, session);
    if (isThere) changes.push({ user, resource, session, what: wasThere ? 'changed' : 'available' });
    else if (state === 'unavailable' && same !== undefined)
      changes.push({ user, resource, session, what: 'unavailable' });
    else if (state === 'detached' && same !== undefined) changes.push({ user, resource, session, what: 'detached' });
    return changes;
  }

  of(user: string): KnownSession[] {
    return [...(this.#users.get(user)?.values() ?? [])];
  }

  at(user: string, resource: string): KnownSession | undefined {
    return this.#users.get(user)?.get(resource);
  }

  users(): Iterable<string> {
    return this.#users.keys();
  }

  /** They are told of again; `heardUntil`: when (ms) the last word was. */
  clear(heardUntil: number): void {
    for (const sessions of this.#users.values())
      for (const { id, detachedAt } of sessions.values()) this.#before.set(id, detachedAt ?? heardUntil);
    this.#users.clear();
  }

  /** All have been told of. */
  complete(): void {
    this.#before.clear();
  }

  /** Of one that was detached before, as of one that is told of at the beginning for the first time, nobody knows since when. */
  #detachedAt(id: string, same: KnownSession | undefined, now: number): number | undefined {
    if (same === undefined) return this.#before.get(id);
    return same.state === 'detached' ? same.detachedAt : now;
  }
}
