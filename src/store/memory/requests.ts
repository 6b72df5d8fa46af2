import type { IqResponse, OverdueIq, RelayedIq, RequestOf } from '../contract.ts';

interface Waiting {
  readonly iq: RelayedIq;
  readonly due: number;
  /** `waits`, `told` (its time is over), or the token of the response that was taken. */
  readonly taken: 'waits' | 'told' | { readonly token: string };
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
    if (found === undefined || found.taken === 'told') return { outcome: 'late' };
    const { iq, taken } = found;
    if (taken !== 'waits') return taken.token === token ? { outcome: 'answers', iq } : { outcome: 'late' };
    if ((iq.responder !== from && iq.substitute !== from) || iq.proxied !== to) return { outcome: 'forged' };
    this.#requests.set(id, { iq, due: forgetAt, taken: { token } });
    return { outcome: 'answers', iq };
  }

  overdue({ now, leaseUntil, limit }: RequestOf<'overdueIqs'>): OverdueIq[] {
    const due = [...this.#requests]
      .filter(([, one]) => one.due <= now)
      .sort(([, one], [, other]) => one.due - other.due);
    return due.slice(0, limit).map(([id, { iq }]) => {
      this.#requests.set(id, { iq, due: leaseUntil, taken: 'told' });
      return { id, iq };
    });
  }

  end({ id, leaseUntil }: RequestOf<'endIq'>): RelayedIq | undefined {
    const found = this.#requests.get(id);
    if (found?.taken !== 'waits') return undefined;
    this.#requests.set(id, { iq: found.iq, due: leaseUntil, taken: 'told' });
    return found.iq;
  }

  forget({ id }: RequestOf<'forgetIq'>): undefined {
    this.#requests.delete(id);
  }
}

/** Sessions of ad-hoc commands. */
export class CommandSessions {
  readonly #sessions = new Map<string, { readonly until: number; readonly whose: string; readonly endedBy?: string }>();

  open({ id, whose, lasts }: RequestOf<'openCommandSession'>, now: number): undefined {
    this.#sessions.set(id, { until: now + lasts, whose });
  }

  read({ id }: RequestOf<'readCommandSession'>, now: number): { readonly whose: string } | 'ended' | undefined {
    const session = this.#of(id, now);
    if (session === undefined) return undefined;
    return session.endedBy === undefined ? { whose: session.whose } : 'ended';
  }

  end({ id, token }: RequestOf<'endCommandSession'>, now: number): boolean {
    const session = this.#of(id, now);
    if (session === undefined) return false;
    if (session.endedBy === undefined) this.#sessions.set(id, { ...session, endedBy: token });
    return session.endedBy === undefined || session.endedBy === token;
  }

  #of(id: string, now: number) {
    const session = this.#sessions.get(id);
    return session !== undefined && session.until > now ? session : undefined;
  }
}

/** What is known of clients by their entity capabilities. */
export class Capabilities {
  readonly #known = new Map<string, { readonly support: 'y' | 'n'; readonly until: number }>();

  known({ hash, ver }: RequestOf<'knownCapabilities'>, now: number): 'y' | 'n' | undefined {
    const known = this.#known.get(`${hash}:${ver}`);
    return known !== undefined && known.until > now ? known.support : undefined;
  }

  /** What is kept for longer stays so. */
  record({ hash, ver, support, keep }: RequestOf<'recordCapabilities'>, now: number): undefined {
    const known = this.#known.get(`${hash}:${ver}`);
    if (known === undefined || known.until < now + keep)
      this.#known.set(`${hash}:${ver}`, { support, until: now + keep });
  }
}
