import type { ReplyTo, Request, Work } from '../contract.ts';
import type { Part, Plan } from './plan.ts';

/** Work whose request is carried out by a plan. */
export interface PlannedWork {
  readonly work: Work;
  readonly plan: Plan;
  /** The shard that the request lies in: what was refused there may have to be taken back. */
  readonly shard: number;
  /** The way to a shard. */
  readonly push: (shard: number, work: Work) => void;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Has the shards asked that the plan names next, each by its own way, and goes on when they have answered, until the plan gives the
 * reply. What is behind it on the way to a shard does not wait for the others.
 */
export function carryOutPlanned(planned: PlannedWork, given: readonly unknown[] = []): void {
  const { work, plan, push } = planned;
  const step = plan.next(given);
  if (step.done) {
    work.done(step.value as ReplyTo<Request>);
    return;
  }
  const parts = step.value;
  // Nobody waits for a note: a shard that stands still has it when it goes on.
  if (parts.every(({ request }) => request.kind === 'noteSubscriptions')) {
    for (const { shard, request } of parts) push(shard, { request: request as Request, done: () => {} });
    carryOutPlanned(planned, new Array(parts.length));
    return;
  }
  const outcomes = new Array<unknown>(parts.length);
  let left = parts.length;
  let isOver = false;
  const partOf = ({ shard, request }: Part, i: number): Work => {
    const { refuse, failed, withdraw, bytes, owner } = work;
    const part: Mutable<Work> = {
      request: request as Request,
      done: (outcome) => {
        outcomes[i] = outcome;
        left -= 1;
        if (left === 0 && !isOver) carryOutPlanned(planned, outcomes);
      },
    };
    if (refuse !== undefined) {
      part.refuse = () => {
        if (!isOver) refuse();
        isOver = true;
      };
    }
    if (failed !== undefined) {
      part.failed = (error) => {
        if (!isOver) failed(error);
        isOver = true;
      };
    }
    if (withdraw !== undefined && shard === planned.shard) part.withdraw = withdraw;
    if (bytes !== undefined) part.bytes = bytes;
    if (owner !== undefined) part.owner = owner;
    return part;
  };
  for (const [i, part] of parts.entries()) push(part.shard, partOf(part, i));
}
