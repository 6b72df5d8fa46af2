import type { State } from './record.ts';

/** A step of a message's life, as TRACE_MESSAGES keeps it. Times are ms since the epoch. */
export interface TracedStep {
  readonly at: number;
  readonly what: string;
  /** Of its record. */
  readonly key: string;
  /** Bare JIDs. */
  readonly sender: string;
  readonly recipient: string;
  /** The id that its sender gave it, or else that it goes out under. */
  readonly id: string;
  /** Whether the message is found by this step: the first of its life. */
  readonly isFirst: boolean;
  /** How its life ended, of a step with which it did. */
  readonly ending?: State | undefined;
  readonly why?: string | undefined;
  readonly session?: string | undefined;
  readonly rule?: string | undefined;
  readonly attempt?: number | undefined;
  readonly due?: number | undefined;
  /** What its sender wrote, as XML; only where that may be shown. */
  readonly content?: string | undefined;
}

/** A message whose steps are kept. */
export interface TracedHead extends Pick<TracedStep, 'at' | 'key' | 'sender' | 'recipient' | 'id'> {
  /** How its life ended, if it has. */
  readonly ending?: State | undefined;
}

/** Which messages; whatever is not said may be anything. */
export interface TracedQuery {
  readonly sender?: string | undefined;
  readonly recipient?: string | undefined;
  readonly id?: string | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** The steps of messages, for a while and bounded: of very many the oldest go first. All reject while the store does not answer. */
export interface StepStore {
  append(steps: readonly TracedStep[]): Promise<void>;
  /** The steps of one message, in order. */
  stepsOf(key: string): Promise<TracedStep[]>;
  /** Messages by their first steps, the newest first; up to `limit`, and whether there are more. */
  traced(query: TracedQuery, limit: number): Promise<{ found: TracedHead[]; more: boolean }>;
  /** Erases the steps of all messages from or to a user (bare JID); gives how many steps. */
  forgetSteps(jid: string): Promise<number>;
}

/** Whether a message is one that is asked for. */
export function isAskedFor({ at, sender, recipient, id }: TracedHead, query: TracedQuery): boolean {
  return (
    (query.sender === undefined || query.sender === sender) &&
    (query.recipient === undefined || query.recipient === recipient) &&
    (query.id === undefined || query.id === id) &&
    at >= (query.since ?? 0) &&
    at <= (query.until ?? Number.POSITIVE_INFINITY)
  );
}
