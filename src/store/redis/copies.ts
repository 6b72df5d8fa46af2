import type { Cluster, Redis } from 'ioredis';
import type { Keys } from './keys.ts';

/** A copy that is out, as scripts/include/copies.lua writes its entry. */
export interface CopyEntry {
  readonly key: string;
  /** A letter: see scripts/include/evidence.lua. */
  readonly how: string;
  /** ms. */
  readonly handed: number;
  /** That it was handed over is all that has happened to its message. */
  readonly isFirst: boolean;
  /** Undefined where it is not counted. */
  readonly sender: string | undefined;
}

const FIRST = 2;
const COUNTED = 4;
const FAR = 8;

function read(key: string, entry: Buffer, recipient: string): CopyEntry {
  const flags = entry[1] as number;
  const short = entry.toString('utf8', flags & FAR ? 17 : 14);
  return {
    key,
    how: entry.toString('latin1', 0, 1),
    handed: entry.readUIntBE(2, 6),
    isFirst: (flags & FIRST) !== 0,
    sender: flags & COUNTED ? longSender(short, recipient) : undefined,
  };
}

function longSender(short: string, recipient: string): string {
  const at = short.indexOf('@');
  if (at === 0) return short.slice(1);
  return at > 0 ? short : `${short}@${recipient.slice(recipient.indexOf('@') + 1)}`;
}

/**
 * Copies that are out to a recipient, `most` or a few more, and how many there are of them.
 *
 * @throws errors of ioredis
 */
export async function copiesOut(
  redis: Redis | Cluster,
  keys: Keys,
  recipient: string,
  most: number,
): Promise<{ found: CopyEntry[]; total: number }> {
  const [parts = 1, count] = ((await redis.hget(keys.copies(recipient), '')) ?? '1').split(' ').map(Number);
  const found: CopyEntry[] = [];
  for (let place = 0; place < parts && found.length < most; place += 1) {
    const flat = await redis.hgetallBuffer(keys.copies(recipient, place));
    for (const [key, entry] of Object.entries(flat)) if (key !== '') found.push(read(key, entry, recipient));
  }
  return { found, total: count ?? found.length };
}
