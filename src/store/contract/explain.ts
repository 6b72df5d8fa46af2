import type { Situation } from '../redelivery-rules.ts';
import type { StoredRecord } from './record.ts';

/** Asks which row of the redelivery rules a message stands in. Changes nothing. */
export interface Explain {
  readonly kind: 'explain';
  readonly key: string;
}

export const explain = (key: string): Explain => ({ kind: 'explain', key });

export interface Explanation {
  /** Without its payload. */
  readonly record: StoredRecord;
  readonly situation: Situation;
  /** When it is due next (ms): a pending message, or the notice that is owed of an ended one. */
  readonly due: number | undefined;
}

export type ExplainRequest = Explain;

export interface ExplainReplies {
  /** Undefined where there is no such record. */
  explain: Explanation | undefined;
}
