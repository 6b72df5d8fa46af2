import { type Explanation, explain, type Perform } from '../store/contract.ts';
import { ruleFor, type Situation } from '../store/redelivery-rules.ts';

/**
 * What happens next to a message that waits: `send`, another copy; `ask`, his sessions are asked whether they are there;
 * `login`, another copy when he logs in, or a session of his ends; `end`, nothing more, and its time runs out.
 */
export type NextStepKind = 'send' | 'ask' | 'login' | 'end';

export interface NextStep {
  readonly what: NextStepKind;
  /** When (ms since the epoch): of `login` and `end`, when its time runs out. */
  readonly at: number;
  /** How it ends when nothing comes before. */
  readonly ends: 'expired' | 'unconfirmed';
  /** What is known, by which this is decided (docs/redelivery.md). */
  readonly situation: Situation;
}

/** A due time this near to the end (ms) is the end. */
const ABOUT = 1000;

/** What the redelivery rules say is next; undefined of what waits no longer. `life` is MESSAGE_TTL, ms. */
export function nextStepOf({ record, situation, due }: Explanation, life: number): NextStep | undefined {
  if (record.state !== 'pending') return undefined;
  const { timer, presence, sessionEnded, stored, silent, ends } = ruleFor(situation);
  const end = record.storedAt + life;
  const next = due ?? end;
  const step = (what: NextStepKind, at: number) => ({ what, at, ends, situation });
  if (timer !== 'none' && next < end - ABOUT) return step(timer === 'ask' ? 'ask' : 'send', next);
  const waitsForLogin = presence || stored || sessionEnded !== 'never' || silent !== 'never';
  // What is due before is no step of its own: it only finds that nothing is to be done.
  return step(waitsForLogin ? 'login' : 'end', end);
}

/** The next steps of these messages, by their keys. They go to the store together. */
export async function nextSteps(
  perform: Perform,
  keys: readonly string[],
  life: number,
): Promise<ReadonlyMap<string, NextStep>> {
  const explained = await Promise.all(keys.map((key) => perform(explain(key))));
  return new Map(
    explained.flatMap((one, at) => {
      const step = one && nextStepOf(one, life);
      return step === undefined ? [] : [[keys[at] as string, step] as const];
    }),
  );
}
