import type { Cluster, Redis } from 'ioredis';
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
 * @param shards that have sums: the first, or in Redis Cluster all
 * @throws errors of ioredis
 */
export async function heaviest(
  redis: Pick<Redis | Cluster, 'hscan'>,
  shards: readonly Pick<Keys, 'load'>[],
  limit: number,
): Promise<Load[]> {
  const found = new Map<string, Load>();
  for (const { load } of shards) await add(redis, load, Math.ceil(MOST_FIELDS / shards.length), found);
  return [...firstOf(found, limit).values()];
}

async function add(
  redis: Pick<Redis | Cluster, 'hscan'>,
  name: string,
  most: number,
  found: Map<string, Load>,
): Promise<void> {
  let cursor = '0';
  let looked = 0;
  // A field may be told of twice.
  const own = new Map<string, number>();
  do {
    const [next, flat] = await redis.hscan(name, cursor, 'COUNT', PORTION);
    for (let i = 0; i < flat.length; i += 2) {
      const of = flat[i] as string;
      // A blank stands in no bare JID: those are conversations.
      if (!of.includes(' ')) own.set(of, Number(flat[i + 1]));
    }
    cursor = next;
    looked += PORTION;
  } while (cursor !== '0' && looked < most);
  for (const [of, value] of own) {
    const before = found.get(of) ?? { messages: 0, bytes: 0 };
    found.set(of, { of, messages: before.messages + Math.floor(value / UNIT), bytes: before.bytes + (value % UNIT) });
  }
}

function firstOf(found: ReadonlyMap<string, Load>, limit: number): Map<string, Load> {
  const sorted = [...found.values()].sort((one, other) => other.bytes - one.bytes || other.messages - one.messages);
  return new Map(sorted.slice(0, limit).map((load) => [load.of, load]));
}
