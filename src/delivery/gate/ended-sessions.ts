import { oldestBeyond } from '../../util/oldest.ts';

/** A session that has ended. */
export interface EndedSession {
  /** Of its stream. */
  readonly id: string;
  /**
   * When (ms) its connection was last there: a session that was detached (XEP-0198) ends later. `Infinity` if its client has ended
   * it in order.
   */
  readonly until: number;
  /** When (ms) that it had ended was heard. */
  readonly endedAt: number;
}

/** So many addresses are known, and so many sessions of each; the oldest are forgotten. */
const MOST = 10_000;
const MOST_OF_ONE = 8;

/** The sessions that ended lately, by full JID: what they sent may be handled only now. */
export class EndedSessions {
  readonly #byAddress = new Map<string, EndedSession[]>();

  note(user: string, resource: string, ended: EndedSession): void {
    const address = `${user}/${resource}`;
    const list = this.#byAddress.get(address) ?? [];
    list.push(ended);
    if (list.length > MOST_OF_ONE) list.shift();
    // The newest addresses stand last.
    this.#byAddress.delete(address);
    this.#byAddress.set(address, list);
    if (this.#byAddress.size > MOST) for (const old of oldestBeyond(this.#byAddress, MOST)) this.#byAddress.delete(old);
  }

  /** The session that was at this address at a time (ms), if it has ended since. */
  since(user: string, resource: string, at: number): EndedSession | undefined {
    return this.#byAddress.get(`${user}/${resource}`)?.find(({ endedAt }) => endedAt >= at);
  }

  /** That session (stream id) at that address (full JID), if it has ended lately. */
  of(jid: string, id: string): EndedSession | undefined {
    return this.#byAddress.get(jid)?.find((ended) => ended.id === id);
  }

  clear(): void {
    this.#byAddress.clear();
  }
}
