import type { Clock } from '../contract.ts';
import type { Situation } from '../redelivery-rules.ts';
import { ExpiringMap } from './expiring-map.ts';

/** How long it is kept to whom a session has said that it is unavailable, ms; and what came of asking one. */
export const HIDDEN_FOR = 7 * 86_400_000;
export const ANSWERS_KEPT_FOR = 86_400_000;
/** How long what a stanza has brought about is kept, ms, where a repeated call could not see it any more. */
const DONE_FOR = 60_000;
/** Closed periods of negative priority that are kept of a session. */
const MOST_LOW = 10;

/** A session. Times in ms. */
export interface Session {
  readonly since: number;
  /** Whether its client returns receipts. */
  readonly receipts: 'y' | 'n' | 'u';
  /** When it was heard of last: 0 when nobody could hear of it, 1 while a probe awaits its answer. */
  readonly heard: number;
  readonly caps: string;
  /** When its priority was negative; the last without an end while it is so. */
  readonly low: readonly { readonly from: number; readonly until: number | undefined }[];
}

/** What came of asking a session whether it is there: it answered, it did not, or its time is not over. */
export interface Answer {
  /** Of the session that was asked, ms. */
  readonly since: number;
  readonly asked: number;
  readonly state: 'answered' | 'silent' | 'asked';
}

export type Sessions = ReadonlyMap<string, Session>;

/** What is known of one user's sessions. */
interface UserSessions {
  /** Whether nothing but having no session means that he is offline. */
  isKnown: boolean;
  /** When (ms) a session of his has ended last, or got nothing any more, since his presence is known. */
  endedAt?: number | undefined;
  readonly byResource: Map<string, Session>;
}

const isLow = ({ low }: Session) => low.length > 0 && low.at(-1)?.until === undefined;

/** What the store knows of subscriptions and sessions. */
export class PresenceState {
  /** By the contact and the subscriber: subscribed, or when (ms) he asked. */
  readonly subscriptions = new Map<string, Map<string, 'subscribed' | number>>();
  readonly #users = new Map<string, UserSessions>();
  /** By user and resource: those of his subscribers to whom that session has said that it is unavailable. */
  readonly hidden: ExpiringMap<Set<string>>;
  /** By contact and subscriber: who asked the contact's server whether that one is subscribed to him. */
  readonly probed: ExpiringMap<'subscriber' | 'us'>;
  /** By a stanza's token. */
  readonly #done: ExpiringMap<string>;
  /** By user and resource. */
  readonly asked: ExpiringMap<Map<string, Answer>>;
  /** Processes whose link is up, by when (ms) they last said so; and the one that probes everybody. */
  readonly alive = new Map<string, number>();
  readonly probing: ExpiringMap<{ readonly process: string; readonly since: number }>;

  constructor(clock: Clock) {
    this.hidden = new ExpiringMap(clock);
    this.probed = new ExpiringMap(clock);
    this.#done = new ExpiringMap(clock);
    this.asked = new ExpiringMap(clock);
    this.probing = new ExpiringMap(clock);
  }

  /** What a stanza has brought about, by its token. */
  doneBy(token: string): string | undefined {
    return this.#done.get(token);
  }

  noteDone(token: string, what: string): void {
    this.#done.set(token, what, DONE_FOR);
  }

  /**
   * A user's presence and his sessions. One whose priority is negative gets nothing that is sent to his bare address
   * (RFC 6121 section 8.5.2), and is none; unless `all`.
   */
  of(
    user: string,
    all = false,
  ): { readonly presence: Situation['presence']; readonly sessions: Sessions; readonly endedAt?: number | undefined } {
    const found = this.#users.get(user);
    const sessions = new Map([...(found?.byResource ?? [])].filter(([, session]) => all || !isLow(session)));
    if (!found?.isKnown) return { presence: 'unknown', sessions };
    return { presence: sessions.size > 0 ? 'online' : 'offline', sessions, endedAt: found.endedAt };
  }

  session(user: string, resource: string): Session | undefined {
    return this.#users.get(user)?.byResource.get(resource);
  }

  setSession(user: string, resource: string, session: Session): void {
    const found = this.#users.get(user) ?? { isKnown: false, byResource: new Map() };
    found.byResource.set(resource, session);
    this.#users.set(user, found);
  }

  resources(user: string): string[] {
    return [...(this.#users.get(user)?.byResource.keys() ?? [])];
  }

  setKnown(user: string, isKnown: boolean): void {
    const found: UserSessions = this.#users.get(user) ?? { isKnown, byResource: new Map() };
    found.isKnown = isKnown;
    if (!isKnown) found.endedAt = undefined;
    if (isKnown || found.byResource.size > 0) this.#users.set(user, found);
    else this.#users.delete(user);
  }

  /** A session has ended, become another, or gets nothing any more: what was on its way to him may have gone to it. */
  noteEnd(user: string, now: number): void {
    const found = this.#users.get(user);
    if (found?.isKnown) found.endedAt = now;
  }

  /** Forgets a session; gives whether there was one. */
  endSession(user: string, resource: string, now: number): boolean {
    const found = this.#users.get(user);
    if (!found?.byResource.delete(resource)) return false;
    this.noteEnd(user, now);
    if (!found.isKnown && found.byResource.size === 0) this.#users.delete(user);
    this.asked.get(user)?.delete(resource);
    this.hidden.delete(sessionName(user, resource));
    return true;
  }

  /** Forgets all that is known of a user's sessions; gives whether anything was. */
  forgetSessions(user: string): boolean {
    for (const resource of this.resources(user)) this.hidden.delete(sessionName(user, resource));
    this.asked.delete(user);
    return this.#users.delete(user);
  }

  isSubscribed(contact: string, subscriber: string): boolean {
    return this.subscriptions.get(contact)?.get(subscriber) === 'subscribed';
  }

  areContacts(one: string, other: string): boolean {
    return this.isSubscribed(one, other) || this.isSubscribed(other, one);
  }

  subscribers(user: string): string[] {
    const all = this.subscriptions.get(user) ?? new Map();
    return [...all].flatMap(([subscriber, standing]) => (standing === 'subscribed' ? [subscriber] : []));
  }

  putSubscription(contact: string, subscriber: string, standing: 'subscribed' | number): void {
    const all = this.subscriptions.get(contact) ?? new Map();
    all.set(subscriber, standing);
    this.subscriptions.set(contact, all);
  }
}

/** A session's name among what is kept of sessions. NUL stands in no JID. */
export const sessionName = (user: string, resource: string) => `${user}\0${resource}`;

/** A session with this priority from now (ms) on, and whether it was negative until now and is no longer. */
export function withPriority(session: Session, low: boolean, now: number): { session: Session; raised: boolean } {
  const was = isLow(session);
  if (low && !was) {
    return {
      session: { ...session, low: [...session.low.slice(-MOST_LOW), { from: now, until: undefined }] },
      raised: false,
    };
  }
  if (low || !was) return { session, raised: false };
  const closed = session.low.map((period) => (period.until === undefined ? { ...period, until: now } : period));
  return { session: { ...session, low: closed }, raised: true };
}
