/** Begins the session of an ad-hoc command (XEP-0050). Also at the memory limit: the command may be the one that makes room. */
export interface OpenCommandSession {
  readonly kind: 'openCommandSession';
  readonly id: string;
  /** What must be the same at each step. */
  readonly whose: string;
  /** ms. */
  readonly lasts: number;
}

export const openCommandSession = (id: string, whose: string, lasts: number): OpenCommandSession => ({
  kind: 'openCommandSession',
  id,
  whose,
  lasts,
});

/** Whose session that is, as it was opened; `ended` when it has ended, undefined when there is none, or not any more. */
export interface ReadCommandSession {
  readonly kind: 'readCommandSession';
  readonly id: string;
}

export const readCommandSession = (id: string): ReadCommandSession => ({ kind: 'readCommandSession', id });

/** Ends a command's session; false when it had ended. Idempotent by its token. */
export interface EndCommandSession {
  readonly kind: 'endCommandSession';
  readonly id: string;
  /** Names this attempt, so that a repetition after a lost reply is known. */
  readonly token: string;
}

export const endCommandSession = (id: string, token: string): EndCommandSession => ({
  kind: 'endCommandSession',
  id,
  token,
});

export type CommandSessionRequest = OpenCommandSession | ReadCommandSession | EndCommandSession;

export interface CommandSessionReplies {
  openCommandSession: undefined;
  readCommandSession: { readonly whose: string } | 'ended' | undefined;
  endCommandSession: boolean;
}
