import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import { type Operation, operation } from './operations.ts';
import { USUAL } from './scripts.ts';

/** What somebody may have in the ledger unconfirmed; 0 is as much as he likes. */
export interface Limits {
  readonly messages: number;
  readonly bytes: number;
  /** Messages to one recipient. */
  readonly toOne: number;
  /** Of all senders of his domain together. */
  readonly domainMessages: number;
  readonly domainBytes: number;
}

const REASONS = {
  m: 'messages',
  b: 'bytes',
  c: 'conversation',
  d: 'domain',
  r: 'rate',
  f: 'memory',
} as const;

/** Why a message is not stored: which share its sender has used up; `rate` and `memory` are not the ledger's to say. */
export type Reason = (typeof REASONS)[keyof typeof REASONS];

const LETTERS = Object.fromEntries(Object.entries(REASONS).map(([letter, reason]) => [reason, letter]));

/** What became of a message; and how much of its sender's share is taken, in percent. */
export type Within<Result> =
  | { readonly taken: number; readonly refused: Reason }
  | { readonly taken: number; readonly refused: undefined; readonly result: Result };

/**
 * Stores a message of a sender who is within his limits. What is known is answered from in any case: a resend takes
 * nothing more.
 *
 * @param stores what stores it: its first two arguments are the record's key and value
 * @param refuse why it is not to be stored in any case
 */
export function within<Result>(
  stores: Operation<Result>,
  { sender, recipient }: { readonly sender: string; readonly recipient: string },
  { messages, bytes, toOne, domainMessages, domainBytes }: Limits,
  refuse?: Reason,
): Operation<Within<Result>> {
  const limits = `${messages} ${bytes} ${toOne} ${domainMessages} ${domainBytes}`;
  const why = refuse === undefined ? '' : (LETTERS[refuse] as string);
  const [stored, key] = stores.args as [string, string];
  // The small script has no more than the usual operations.
  const name = USUAL.has(stored) ? 'within' : 'within+';
  return operation(
    [name, key, sender, recipient, limits, why, ...stores.args],
    (reply) => {
      const blank = reply.indexOf(' ');
      const [taken, rest] = [Number(reply.slice(0, blank)), reply.slice(blank + 1)];
      if (rest[0] === '!') return { taken, refused: REASONS[rest[1] as keyof typeof REASONS] };
      return { taken, refused: undefined, result: stores.decode(rest) };
    },
    true,
  );
}

/** What one has in the ledger. */
export interface Load {
  /** A bare JID; `@` and a domain for all of its users. */
  readonly of: string;
  readonly messages: number;
  readonly bytes: number;
}

/** As in scripts/include/quota.lua. */
const UNIT = 1e10;
/** Fields that one look goes through at most, and that one call gives. */
const MOST_FIELDS = 200_000;
const PORTION = 500;

/**
 * Those who have the most bytes in the ledger, most first; with very many senders, of as many as can be looked through.
 *
 * @throws errors of ioredis
 */
export async function heaviest(redis: Pick<Redis, 'hscan'>, keys: Keys, limit: number): Promise<Load[]> {
  let found = new Map<string, Load>();
  let cursor = '0';
  let looked = 0;
  do {
    const [next, flat] = await redis.hscan(keys.load, cursor, 'COUNT', PORTION);
    for (let i = 0; i < flat.length; i += 2) {
      const [of, value] = [flat[i] as string, Number(flat[i + 1])];
      // A blank stands in no bare JID: those are conversations.
      if (of.includes(' ')) continue;
      found.set(of, { of, messages: Math.floor(value / UNIT), bytes: value % UNIT });
    }
    if (found.size > 2 * PORTION) found = firstOf(found, limit);
    cursor = next;
    looked += PORTION;
  } while (cursor !== '0' && looked < MOST_FIELDS);
  return [...firstOf(found, limit).values()];
}

function firstOf(found: ReadonlyMap<string, Load>, limit: number): Map<string, Load> {
  const sorted = [...found.values()].sort((one, other) => other.bytes - one.bytes || other.messages - one.messages);
  return new Map(sorted.slice(0, limit).map((load) => [load.of, load]));
}
