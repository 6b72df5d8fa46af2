// What ends or corrects a presence must not be refused at the memory limit: none of these counts as growing.

/** The presence of these is not known until it is heard of again. Idempotent. */
export interface ForgetPresence {
  readonly kind: 'forgetPresence';
  readonly users: readonly string[];
}

export const forgetPresence = (users: readonly string[]): ForgetPresence => ({ kind: 'forgetPresence', users });

/** A user is about to be probed. Gives his subscribers. Idempotent. */
export interface BeginProbe {
  readonly kind: 'beginProbe';
  readonly user: string;
}

export const beginProbe = (user: string): BeginProbe => ({ kind: 'beginProbe', user });

/**
 * The time for a probe's answer is over. Gives the resources that were not heard of: they have ended, if it is `final`, and
 * otherwise his presence stays unknown until he is probed once more. Idempotent.
 */
export interface EndUnheard {
  readonly kind: 'endUnheard';
  readonly user: string;
  /** The one session that was probed for; empty for all. */
  readonly resource: string;
  /** ms. */
  readonly now: number;
  readonly final: boolean;
}

export const endUnheardSessions = (user: string, now: number, final: boolean): EndUnheard => ({
  kind: 'endUnheard',
  user,
  resource: '',
  now,
  final,
});

export const endUnheardSession = (user: string, resource: string, now: number): EndUnheard => ({
  kind: 'endUnheard',
  user,
  resource,
  now,
  final: true,
});

/**
 * A session has said to some subscribers that it is unavailable: did it mean all? Gives one who was not told, in whose name
 * his server is to be asked; `ended` when there is none; undefined when it is there no more, or hides from nobody.
 */
export interface WhoStillSees {
  readonly kind: 'whoStillSees';
  readonly user: string;
  readonly resource: string;
}

export const whoStillSees = (user: string, resource: string): WhoStillSees => ({
  kind: 'whoStillSees',
  user,
  resource,
});

export type ProbeRequest = ForgetPresence | BeginProbe | EndUnheard | WhoStillSees;

export interface ProbeReplies {
  forgetPresence: undefined;
  beginProbe: readonly string[];
  endUnheard: readonly string[];
  whoStillSees: string | 'ended' | undefined;
}
