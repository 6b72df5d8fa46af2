import type { Outcome, Request } from '../contract.ts';
import type { InternalRequest } from './internal-requests.ts';
import type { Shards } from './shards.ts';

/** What one shard is asked. */
export interface Part {
  readonly shard: number;
  readonly request: Request | InternalRequest;
}

/**
 * How a request that one shard alone cannot answer is carried out: each step asks shards, those of one step at the same time,
 * and gets their outcomes, none of them an error; at the end it gives the request's reply. What any step does may be repeated.
 */
export type Plan = Generator<readonly Part[], unknown, readonly unknown[]>;

/** Notes in subscribers' shards who is subscribed to whom. */
export function notes(
  pairs: readonly (readonly [subscriber: string, contact: string])[],
  shards: Shards,
  subscribed: boolean,
): Part[] {
  return [...shards.split(pairs, ([subscriber]) => shards.ofUser(subscriber))].map(([shard, some]) => ({
    shard,
    request: { kind: 'noteSubscriptions', pairs: some, subscribed },
  }));
}

/** Asks shards: an outcome for each part, in their order. */
export type Ask = (parts: readonly Part[]) => Promise<readonly Outcome[]>;

/**
 * Carries out parts and plans together, step by step, what each comes to in their order. A plan ends with the first error among
 * the outcomes that it is given.
 */
export async function carryOut(all: readonly (Part | Plan)[], ask: Ask): Promise<Outcome[]> {
  const outcomes = new Array<Outcome>(all.length);
  let steps: { readonly index: number; readonly plan?: Plan; readonly parts: readonly Part[] }[] = [];
  const go = (index: number, plan: Plan, given?: readonly unknown[]) => {
    const step = given === undefined ? plan.next([]) : plan.next(given);
    if (step.done) outcomes[index] = step.value as Outcome;
    else steps.push({ index, plan, parts: step.value });
  };
  all.forEach((one, index) => {
    if ('shard' in one) steps.push({ index, parts: [one] });
    else go(index, one);
  });
  while (steps.length > 0) {
    const before = steps;
    const parts = before.flatMap((step) => step.parts);
    const given = parts.length === 0 ? [] : await ask(parts);
    steps = [];
    let at = 0;
    for (const { index, plan, parts } of before) {
      const own = given.slice(at, at + parts.length);
      at += parts.length;
      const error = own.find((outcome) => outcome instanceof Error);
      if (plan === undefined || error !== undefined) outcomes[index] = error ?? (own[0] as Outcome);
      else go(index, plan, own);
    }
  }
  return outcomes;
}
