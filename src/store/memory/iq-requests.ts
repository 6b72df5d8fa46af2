import type { Clock, IqResponse, OverdueIq, RelayedIq, RequestOf } from '../contract.ts';
import { ExpiringMap } from './expiring-map.ts';

interface Waiting {
  readonly iq: RelayedIq;
  readonly due: number;
  /** `waits`, `timed out`, or the token of the response that was taken. */
  readonly taken: 'waits' | 'timed out' | { readonly token: string };
}

/** Requests between users that wait for their response. */
export class IqRequests {
  readonly #requests = new Map<string, Waiting>();

  record({ id, iq, deadline, bounds }: RequestOf<'recordIq'>): boolean {
    if (this.#requests.has(id)) return true;
    const waiting = [...this.#requests.values()].filter(({ taken }) => taken === 'waits');
    const his = waiting.filter((one) => one.iq.requester === iq.requester).length;
    if (his >= bounds.each || this.#requests.size >= bounds.all) return false;
    this.#requests.set(id, { iq, due: deadline, taken: 'waits' });
    return true;
  }

  takeResponse({ id, token, from, to, forgetAt }: RequestOf<'takeIqResponse'>): IqResponse {
    const found = this.#requests.get(id);
    if (found === undefined || found.taken === 'timed out') return { outcome: 'late' };
    const { iq, taken } = found;
    if (taken !== 'waits') return taken.token === token ? { outcome: 'answers', iq } : { outcome: 'late' };
    if ((iq.responder !== from && iq.substitute !== from) || iq.proxied !== to) return { outcome: 'forged' };
    this.#requests.set(id, { iq, due: forgetAt, taken: { token } });
    return { outcome: 'answers', iq };
  }

  overdue({ now, leaseUntil, limit }: RequestOf<'overdueIqs'>): OverdueIq[] {
    const due = [...this.#requests]
      .filter(([, one]) => one.due <= now)
      .sort(([id, one], [otherId, other]) => one.due - other.due || (id < otherId ? -1 : 1));
    return due.slice(0, limit).map(([id, { iq }]) => {
      this.#requests.set(id, { iq, due: leaseUntil, taken: 'timed out' });
      return { id, iq };
    });
  }

  /** @param isWatched whether somebody gets the account's presence: then it exists, and is given its time */
  end({ id, account, leaseUntil }: RequestOf<'endIq'>, isWatched: (user: string) => boolean): RelayedIq | undefined {
    const found = this.#requests.get(id);
    if (found?.taken !== 'waits' || isWatched(account)) return undefined;
    this.#requests.set(id, { iq: found.iq, due: leaseUntil, taken: 'timed out' });
    return found.iq;
  }

  forget({ id }: RequestOf<'forgetIq'>): void {
    this.#requests.delete(id);
  }
}

/** What is known of clients by their entity capabilities (XEP-0115). */
export class Capabilities {
  readonly #known: ExpiringMap<'y' | 'n'>;

  constructor(clock: Clock) {
    this.#known = new ExpiringMap(clock);
  }

  known({ hash, ver }: RequestOf<'knownCapabilities'>): 'y' | 'n' | undefined {
    return this.#known.get(`${hash}:${ver}`);
  }

  /** What is kept for longer stays so. */
  record({ hash, ver, support, keep }: RequestOf<'recordCapabilities'>): void {
    const name = `${hash}:${ver}`;
    if (this.#known.left(name) < keep) this.#known.set(name, support, keep);
  }
}
