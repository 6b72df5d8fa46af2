import { LOGIN_LASTS } from '../store/presence-times.ts';

/** Sessions that are remembered at once, and who was told of one. */
const MOST_SESSIONS = 50_000;
const MOST_TOLD = 1_000;
/** A session that began so shortly (ms) before a broadcast may have begun with it. */
const ALONE = 20;
/** The same where other processes hear parts of it, each in its own time. */
const WITH_OTHERS = 1_000;

/** One word of presence, as it goes to everybody who gets it. */
interface Broadcast {
  /** When the first of it came, ms. */
  readonly begun: number;
  readonly told: Set<string>;
  /** Whether there was another of this session before. */
  readonly follows: boolean;
}

/**
 * Logins by what a server sends for each, in this order: presence, once to everybody who gets it, then a probe to each contact.
 * A session that was there before that presence is over: Openfire 4.2 does not say so when another takes its resource.
 * (When somebody is let in, Openfire and Prosody probe for him and not for a session of his.)
 */
export class Logins {
  readonly #last = new Map<string, Broadcast>();

  /** A session is available, says its server to one who gets its presence. */
  heard(session: string, to: string, now: number): void {
    this.#forget(now);
    const last = this.#last.get(session);
    if (last !== undefined && !last.told.has(to)) {
      if (last.told.size < MOST_TOLD) last.told.add(to);
      return;
    }
    if (last === undefined && this.#last.size >= MOST_SESSIONS) return;
    // Behind all that began before.
    this.#last.delete(session);
    this.#last.set(session, { begun: now, told: new Set([to]), follows: last !== undefined });
  }

  /**
   * A server probes for a session. Gives until when (ms) one of its name must have begun to be another, which is over.
   *
   * @param isAlone whether this process hears all that the server says
   */
  whenProbed(session: string, isAlone: boolean, now: number): number {
    const last = this.#last.get(session);
    // Of the first that is heard of, more may have come before.
    if (!last?.follows) return now - LOGIN_LASTS;
    return Math.max(now - LOGIN_LASTS, last.begun - (isAlone ? ALONE : WITH_OTHERS));
  }

  /** Whoever began before that is told from another by the age alone. */
  #forget(now: number): void {
    for (const [session, { begun }] of this.#last) {
      if (now - begun < 2 * LOGIN_LASTS) return;
      this.#last.delete(session);
    }
  }
}
