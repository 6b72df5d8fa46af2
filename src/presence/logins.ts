import { LOGIN_LASTS } from '../store/presence-times.ts';

/** Sessions that are remembered at once, and who was told of one. */
const MOST_SESSIONS = 50_000;
const MOST_TOLD = 1_000;
/** How long (ms) after its presence a probe belongs to a login, and an answer to what was asked. */
const REMEMBERED = 2 * LOGIN_LASTS;
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
  /** Whether the server has probed for this session since. */
  probed: boolean;
  /** To whom the session was said to be gone since, before any probe. */
  readonly gone: Set<string>;
  /** Whether that was said of the session before this one. */
  isOvertaken: boolean;
}

/** A probe, and the sessions whose presence came as its answer. */
interface Asked {
  /** When, ms. */
  readonly at: number;
  readonly told: Set<string>;
}

/**
 * Logins by what a server sends for each, in this order: presence, once to everybody who gets it, then a probe to each contact.
 * A session that was there before that presence is over: Openfire 4.2 does not say so when another takes its resource.
 * (When somebody is let in, Openfire and Prosody probe for him and not for a session of his.)
 */
export class Logins {
  readonly #last = new Map<string, Broadcast>();
  /** Whose server was probed in whose name. */
  readonly #asked = new Map<string, Asked>();

  /**
   * A user's server was probed in the name of one who gets his presence, and not of one of his resources: the answer looks like a
   * broadcast to him.
   */
  asked(user: string, to: string, now: number): void {
    this.#forget(now);
    const pair = `${user} ${to}`;
    if (this.#asked.size >= MOST_SESSIONS && !this.#asked.has(pair)) return;
    this.#asked.delete(pair);
    this.#asked.set(pair, { at: now, told: new Set() });
  }

  /** A session is available, says its server to one who gets its presence. */
  heard(session: string, to: string, now: number): void {
    this.#forget(now);
    const last = this.#last.get(session);
    last?.gone.delete(to);
    if (last !== undefined && !last.told.has(to)) {
      if (last.told.size < MOST_TOLD) last.told.add(to);
      return;
    }
    if (last !== undefined && this.#answers(session, to)) return;
    if (last === undefined && this.#last.size >= MOST_SESSIONS) return;
    // Behind all that began before.
    this.#last.delete(session);
    const follows = last !== undefined;
    this.#last.set(session, {
      begun: now,
      told: new Set([to]),
      follows,
      probed: false,
      gone: new Set(),
      isOvertaken: false,
    });
  }

  /**
   * A session is unavailable, says its server to one who gets its presence. Gives whether that is known to be meant of the
   * session before, so that he is to be shown the one that is there.
   */
  left(session: string, to: string, now: number): boolean {
    this.#forget(now);
    const last = this.#last.get(session);
    if (last === undefined) return false;
    if (!last.probed && last.gone.size < MOST_TOLD) last.gone.add(to);
    return last.isOvertaken;
  }

  /**
   * A server probes for a session. Gives those to whom it was said to be gone since the presence of its login, when this is the
   * first probe after that. A server handles one session's stanzas in turn, so that it was the end of the session before, which
   * the login has overtaken: Openfire 5 tells of both at once.
   */
  overtook(session: string): readonly string[] {
    const last = this.#last.get(session);
    if (last === undefined || last.probed) return [];
    last.probed = true;
    last.isOvertaken = last.gone.size > 0;
    return [...last.gone];
  }

  /**
   * A server probes for a session. Gives until when (ms) one of its name must have begun to be another, which is over;
   * undefined when nobody has logged in: Openfire probes for each session when a shared group changes.
   *
   * @param isAlone whether this process hears all that the server says
   */
  whenProbed(session: string, isAlone: boolean, now: number): number | undefined {
    this.#forget(now);
    const last = this.#last.get(session);
    if (last === undefined && isAlone && this.#last.size < MOST_SESSIONS) return undefined;
    // Of the first that is heard of, more may have come before.
    if (!last?.follows) return now - LOGIN_LASTS;
    return Math.max(now - LOGIN_LASTS, last.begun - (isAlone ? ALONE : WITH_OTHERS));
  }

  /** Whether presence that came before may be the answer to a probe this time: one of each session is. */
  #answers(session: string, to: string): boolean {
    const told = this.#asked.get(`${session.slice(0, session.indexOf('/'))} ${to}`)?.told;
    if (told === undefined || told.has(session)) return false;
    if (told.size < MOST_TOLD) told.add(session);
    return true;
  }

  /** Whoever began before that is told from another by the age alone. */
  #forget(now: number): void {
    for (const [session, { begun }] of this.#last) {
      if (now - begun < REMEMBERED) break;
      this.#last.delete(session);
    }
    for (const [pair, { at }] of this.#asked) {
      if (now - at < REMEMBERED) break;
      this.#asked.delete(pair);
    }
  }
}
