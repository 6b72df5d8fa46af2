import type { Redis } from 'ioredis';
import type { Load } from '../contract.ts';
import type { Keys } from './keys.ts';

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
