import type { StoredRecord } from '../store/contract.ts';
import type { MessageState } from './message-state.ts';

/** What happens to a message, in order. */
type Step =
  | 'accepted'
  | 'duplicate'
  | 'refused'
  | 'acknowledged'
  | 'sent'
  | 'sent again'
  | 'handed over'
  | 'came back'
  | 'told'
  | 'discarded'
  | MessageState;

type Traced = Pick<StoredRecord, 'sender' | 'recipient' | 'wireId' | 'attempt'>;

/**
 * Says what happens to one message, by its id, for who looks for it in the log; never what is in it. Undefined unless the
 * log's level is debug, so that `trace?.(...)` costs nothing.
 */
export type Trace = ((step: Step, about: Traced, why?: string) => void) | undefined;

export interface TraceLog {
  debug?(fields: object, message: string): void;
  isLevelEnabled?(level: string): boolean;
}

export function openTrace(log: TraceLog): Trace {
  if (log.isLevelEnabled?.('debug') !== true) return undefined;
  return (step, { sender, recipient, wireId, attempt }, why) =>
    log.debug?.(
      { id: wireId, from: sender, to: recipient, attempt, ...(why !== undefined && { why }) },
      `Message ${step}`,
    );
}
