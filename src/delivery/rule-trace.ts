import { explain, type StoreQueue } from '../store/contract.ts';
import { describeCell, type Rule } from '../store/redelivery-rules.ts';
import type { MessageTrace, TraceDetails, TraceStep } from '../util/message-trace.ts';

/**
 * Logs which row and column of the redelivery rules decides about a message, as the store sees it between the requests that
 * were pushed before and those that are pushed after. Undefined below the level debug: with `ruleTrace?.(...)` nothing is
 * asked then.
 */
export type RuleTrace =
  | ((key: string, column: keyof Rule, details?: TraceDetails, step?: TraceStep) => void)
  | undefined;

export function openRuleTrace(pipeline: Pick<StoreQueue, 'push'>, trace: MessageTrace): RuleTrace {
  if (trace === undefined) return undefined;
  return (key, column, details, step = 'rule applied') =>
    pipeline.push({
      request: explain(key),
      done: (explanation) => {
        if (explanation?.record.state !== 'pending') return;
        const { record, situation, due } = explanation;
        trace(step, record, { ...details, ...(due !== undefined && { due }), rule: describeCell(situation, column) });
      },
      refuse: () => {},
    });
}
