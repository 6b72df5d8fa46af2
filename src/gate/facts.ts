import { epochOf, type Outcome, type SessionRef } from './events.ts';

/** What a gate has said of one message. */
export interface Facts {
  /** By the number of the copy. */
  readonly outcomes: Map<number, Outcome>;
  /** Sessions whose client has it: their stream ids, and when (ms) that was heard; `-Infinity`: it has ended in order since. */
  readonly has: Map<string, number>;
  /** Sessions that ended without it. */
  readonly returned: Set<string>;
  /** Sessions that it was sent to from offline storage. */
  readonly flushed: SessionRef[];
  /** The session (stream id) that has ended too soon after its proof, which counts no more. */
  suspected: string | undefined;
  /** It was sent again because of that, which is done once. */
  doubted: boolean;
  /** Its sender has had a receipt for it, which went there by itself. */
  told: boolean;
  /** When it was last given to a session, in the order of the gate's events. */
  given: number;
  /** When (ms) a session of the recipient's ended last, as far as that was heard. */
  endedAt: number;
}

/** A session of the recipient's as the gate knows it. */
export interface KnownSession {
  readonly jid: string;
  readonly id: string;
  readonly state: 'bound' | 'available' | 'detached';
  readonly priority: number;
  /** When (ms) it became available. */
  readonly since: number;
  /** When it became available first, in the order of the gate's events; undefined before. */
  readonly began?: number | undefined;
  /** When (ms) its connection was seen to break, until it is resumed (XEP-0198); undefined where that was not seen. */
  readonly detachedAt?: number | undefined;
}

/**
 * What follows for a message that nobody has confirmed. `wait`: it may still be proved, or nobody is there, or it is not ours
 * to touch; `ask`: the gate is to be asked first; `deliver`: another copy goes to that session; `proved`: that client has it.
 */
export type Decision =
  | { readonly what: 'ask' }
  | {
      readonly what: 'wait';
      /** In how long (ms) it is to be decided again, though nothing is heard until then. */
      readonly again?: number;
    }
  | {
      readonly what: 'deliver';
      readonly to: string;
      readonly copy: number;
      /** A session that has it may still be resumed. */
      readonly mayResume?: true;
    }
  | { readonly what: 'proved'; readonly by: string };

/** Times, ms. */
export interface Graces {
  /** How long a session must live on after its proof (rule 18). */
  readonly proof: number;
  /** How long after a login the server's own offline storage may take. */
  readonly flush: number;
}

const WAIT = { what: 'wait' } as const;
const ASK = { what: 'ask' } as const;

export function newFacts(): Facts {
  return {
    outcomes: new Map(),
    has: new Map(),
    returned: new Set(),
    flushed: [],
    suspected: undefined,
    doubted: false,
    told: false,
    given: 0,
    endedAt: 0,
  };
}

/** The session that a copy should go to: of those that take messages the one of highest priority, then the latest. */
export function bestSession(sessions: Iterable<KnownSession>): KnownSession | undefined {
  let best: KnownSession | undefined;
  for (const one of sessions) {
    if (one.state !== 'available' || one.priority < 0) continue;
    const apart = best === undefined ? 1 : one.priority - best.priority || one.since - best.since;
    if (apart > 0) best = one;
  }
  return best;
}

export interface Question {
  readonly n: string;
  readonly facts: Facts | undefined;
  /** The recipient's sessions. */
  readonly sessions: readonly KnownSession[];
  /** Of the lease that is held. */
  readonly epoch: string;
  /** Whether the gate was asked since the lease began. */
  readonly asked: boolean;
  /** Copies that were recorded as handed over. */
  readonly copies: number;
  /** ms. */
  readonly now: number;
}

/** Whether another copy of a message is needed. Pure: rules 2, 17, 18, 20 to 22. */
export function decide({ n, facts, sessions, epoch, asked, copies, now }: Question, graces: Graces): Decision {
  if (facts === undefined || facts.outcomes.size === 0) {
    // The gate of an earlier epoch has forgotten it with all else.
    if (epochOf(n) === epoch && !asked) return ASK;
    return toBest(sessions, Math.max(2, copies + 1));
  }
  const outcomes = [...facts.outcomes.values()];
  for (const [id, at] of facts.has) {
    const session = sessions.find((one) => one.id === id);
    // It may be heard after its session was seen to detach.
    if (Math.max(0, (session?.detachedAt ?? now) - at) >= graces.proof)
      return { what: 'proved', by: sessionOf(facts, id) };
  }
  if (facts.has.size > 0) return WAIT;
  const last = outcomes.reduce((one, other) => (other.copy > one.copy ? other : one));
  const isPassed = hasPassed(facts);
  const open = isPassed ? passedTo(facts, sessions) : sentTo(facts);
  for (const id of facts.returned) open.delete(id);
  const holding = sessions.filter(({ id }) => open.has(id));
  if (holding.length > 0) {
    // A session that lives still has it unacknowledged. What a detached one has of what was let go without us, the server routes anew.
    if (isPassed || holding.some(({ state }) => state !== 'detached')) return WAIT;
    // So has one that may be resumed. Who comes with another device meanwhile reads it there; one that was there before may have
    // had it as a carbon (XEP-0280), unless the gate has seen that it had nothing.
    const missed = new Set(outcomes.flatMap((outcome) => outcome.missed));
    const later = toBest(
      sessions.filter(({ id, began = 0 }) => began > facts.given || missed.has(id)),
      Math.max(last.copy, copies) + 1,
    );
    return later.what === 'deliver' ? { ...later, mayResume: true } : later;
  }
  const best = bestSession(sessions);
  // Of what was let go without us nobody sees whether it comes from the server's storage, or is routed anew when its session ends.
  const isStored = isPassed || (last.states.has('offline') && facts.flushed.length === 0);
  const since = Math.max(best?.since ?? 0, isPassed ? facts.endedAt : 0);
  const again = best === undefined || !isStored ? 0 : since + graces.flush - now;
  if (again > 0) return { what: 'wait', again };
  return toBest(sessions, Math.max(last.copy, copies) + 1);
}

/**
 * A session has ended that was there until that time (ms; `Infinity`: its client ended it in order). Gives whether what it proved
 * was proved too soon before, and counts no more (rule 18).
 */
export function noteEnd({ has, returned }: Facts, id: string, until: number, grace: number): boolean {
  const since = has.get(id);
  if (since === undefined) return false;
  if (Math.max(0, until - since) < grace) {
    has.delete(id);
    returned.add(id);
    return true;
  }
  // It counts from now on, and also when the gate tells all again and nobody knows any more how that session ended.
  if (until === Number.POSITIVE_INFINITY) has.set(id, Number.NEGATIVE_INFINITY);
  return false;
}

/** Whether it was let go without us, and no copy of it was sent: the server has given it to whom it would. */
export function hasPassed({ outcomes }: Facts): boolean {
  return outcomes.size > 0 && [...outcomes.values()].every(({ states }) => states.has('passed'));
}

/**
 * The sessions (stream ids) that what was let go without us may have gone to: those that the gate names, or else those that were
 * there when it told of that. Who had none then gets it from the server's storage.
 */
function passedTo(facts: Facts, sessions: readonly KnownSession[]): Set<string> {
  const named = sentTo(facts);
  if (named.size > 0) return named;
  const there = sessions.filter(
    ({ began = Number.POSITIVE_INFINITY, priority }) => began < facts.given && priority >= 0,
  );
  return new Set(there.map(({ id }) => id));
}

/** The sessions that one of its copies was sent to: their streams' ids. */
export function sentTo({ outcomes, flushed }: Facts): Set<string> {
  const ids = new Set(flushed.map(({ id }) => id));
  for (const { sessions } of outcomes.values()) for (const { id } of sessions) ids.add(id);
  return ids;
}

function toBest(sessions: readonly KnownSession[], copy: number): Decision {
  const best = bestSession(sessions);
  return best === undefined ? WAIT : { what: 'deliver', to: best.jid, copy };
}

/** The full JID of a session that a copy went to; empty where it is not known. */
function sessionOf(facts: Facts, id: string): string {
  for (const { sessions } of facts.outcomes.values()) {
    const found = sessions.find((one) => one.id === id);
    if (found !== undefined) return found.jid;
  }
  return facts.flushed.find((one) => one.id === id)?.jid ?? '';
}
