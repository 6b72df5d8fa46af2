import { textOf } from './octets.ts';

/** What happens to a message, and how much of the log it takes to see it. */
const LEVELS = {
  accepted: 'debug',
  duplicate: 'debug',
  refused: 'debug',
  'answered with an error': 'debug',
  acknowledged: 'debug',
  forwarded: 'debug',
  'handed over': 'debug',
  'redelivery scheduled': 'debug',
  'redelivery skipped': 'debug',
  redelivered: 'debug',
  'rule applied': 'debug',
  'passed over': 'debug',
  'session pinged': 'debug',
  'came back': 'debug',
  confirmed: 'debug',
  quarantined: 'debug',
  pending: 'debug',
  delivered: 'debug',
  expired: 'debug',
  unconfirmed: 'debug',
  proved: 'debug',
  rejected: 'debug',
  cancelled: 'debug',
  discarded: 'debug',
  notified: 'debug',
  'notification deferred': 'debug',
  // The mechanics between two decisions.
  'claimed by a job': 'trace',
  'claimed again after a reconnect': 'trace',
  'notification handed over': 'trace',
  'receipt ignored': 'trace',
  'passed through': 'trace',
} as const;

export type TraceStep = keyof typeof LEVELS;

/** Whatever of a message is known where something happens to it. */
export interface TracedMessage {
  /** Of its record in the ledger. */
  readonly key?: string;
  readonly sender?: string;
  readonly recipient?: string;
  /** The id that its recipient sees. */
  readonly wireId?: string;
  /** The id that its sender gave it. */
  readonly senderId?: string | undefined;
  readonly attempt?: number;
  /** Its children, as XML, in octets. */
  readonly inner?: string;
}

export interface TraceDetails {
  readonly why?: string | undefined;
  /** The session that it goes to or that it was confirmed by; a bare JID where the server chooses. */
  readonly session?: string;
  /** The cell of the redelivery rules that decided. */
  readonly rule?: string;
  /** ms since the epoch. */
  readonly due?: number;
  /** The job that did it. */
  readonly job?: string | undefined;
}

/**
 * Takes what happens to one message, so that it can be followed by its id through all rooms. Undefined where
 * nobody follows any: with `trace?.(...)` not even the arguments are evaluated then.
 */
export type MessageTrace = ((step: TraceStep, message: TracedMessage, details?: TraceDetails) => void) | undefined;

/** Both, or the one that there is. */
export function bothTraces(one: MessageTrace, other: MessageTrace): MessageTrace {
  if (one === undefined || other === undefined) return one ?? other;
  return (step, message, details) => {
    one(step, message, details);
    other(step, message, details);
  };
}

export interface TraceLog {
  isLevelEnabled(level: string): boolean;
  debug(fields: object, message: string): void;
  trace(fields: object, message: string): void;
}

/** @param bodies whether what users write may be shown (LOG_BODIES) */
export function openMessageTrace(log: TraceLog, { bodies }: { readonly bodies: boolean }): MessageTrace {
  if (!log.isLevelEnabled('debug')) return undefined;
  return (step, { key, sender, recipient, wireId, senderId, attempt, inner }, { why, rule, session, due, job } = {}) =>
    log[LEVELS[step]](
      {
        id: senderId ?? wireId,
        ...(senderId !== undefined && senderId !== wireId && { wireId }),
        from: sender,
        to: recipient,
        attempt,
        session,
        due: due === undefined ? undefined : new Date(due).toISOString(),
        why,
        rule,
        job,
        key,
        ...(bodies && { content: inner && textOf(inner) }),
      },
      `Message ${step}`,
    );
}
