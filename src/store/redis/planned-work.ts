import type { ReplyTo, Request, Work } from '../contract.ts';
import type { ConversationOrder, Give } from './conversation-order.ts';
import type { Part, Plan } from './plan.ts';

/** Work whose request is carried out by a plan. */
export interface PlannedWork {
  readonly work: Work;
  readonly plan: Plan;
  /** The shard that the request lies in: what was refused there may have to be taken back. */
  readonly shard: number;
  /** The way to a shard. */
  readonly push: (shard: number, work: Work) => void;
  /** Of a message: what keeps the order of its conversation. */
  readonly order?: ConversationOrder | undefined;
  /** Its place there, once it has to be asked for elsewhere. */
  place?: Give | undefined;
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
    give(planned, () => work.done(step.value as ReplyTo<Request>));
    return;
  }
  const parts = step.value;
  if (given.length > 0) planned.place ??= planned.order?.keepPlace(conversationOf(work));
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
        if (!isOver) endInPlace(planned, refuse);
        isOver = true;
      };
    }
    if (failed !== undefined) {
      part.failed = (error) => {
        if (!isOver) endInPlace(planned, () => failed(error));
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

/** Gives a result in the order of its conversation. */
function give({ work, order, place }: PlannedWork, result: () => void): void {
  if (place !== undefined) place(result);
  else if (order === undefined || order.isEmpty) result();
  else order.inTurn(conversationOf(work), result);
}

/** A refusal waits for nobody; what waits for what is refused goes on. */
function endInPlace({ place }: PlannedWork, refusal: () => void): void {
  refusal();
  place?.(() => {});
}

/** What a message, or something without a request, belongs to: what its owner sends to one recipient. */
export function conversationOf({ owner, request, recipient }: Work): string {
  return `${owner ?? ''} ${request?.kind === 'accept' ? request.message.recipient : recipient}`;
}
