import type { Request } from '../../contract.ts';
import type { InternalRequest } from '../internal-requests.ts';

/** Nothing is taken of a quota that somebody has who nothing is counted of. */
const WITHIN = 'within\0' + '0\0stored';
/** No copy was handed over, and it was the first attempt. */
const SETTLED = 'delivered-at-hand\0' + '000001';

const NOTHING_OUT = 'list';

/**
 * Of a batch whose operations have come to what they usually do, which the script says once instead of for each: the replies of those
 * that have not, by their number. Undefined where each has a reply.
 */
export function usualReplies(replies: readonly unknown[]): ReadonlyMap<unknown, unknown> | undefined {
  if (replies[1] !== 'as-usual') return undefined;
  const others = new Map<unknown, unknown>();
  for (let at = 2; at < replies.length; at += 2) others.set(replies[at], replies[at + 1]);
  return others;
}

/** What such an operation replies; undefined of one that is never among them (scripts/include/plain-batch.lua). */
export function usualReply(request: Request | InternalRequest): string | undefined {
  if (request.kind === 'accept') return request.quota === undefined ? 'stored' : WITHIN;
  if (request.kind === 'settle' || request.kind === 'prove') return SETTLED;
  if (request.kind === 'anythingOut') return NOTHING_OUT;
  return request.kind === 'notified' ? 'done' : undefined;
}
