/**
 * Which partition of the ledger a user's things lie in: 12 bits of a hash of his bare JID. A message lies where its recipient does,
 * and its key begins with these bits, so that they are known wherever only the key is. Pure.
 */

/** There are so many values: more than there can be shards. */
export const PARTITIONS = 4096;

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const AT = 64;
const BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

/**
 * A user's partition, 0 to {@link PARTITIONS} - 1; a domain's is 0. FNV-1a of its UTF-8 bytes: it only has to spread users,
 * and is made for every message. scripts/include/shards.lua makes the same.
 *
 * @param jid bare, prepared
 */
export function partitionOf(jid: string): number {
  let hash = BASIS;
  let isUser = false;
  for (let at = 0; at < jid.length; at += 1) {
    const code = jid.charCodeAt(at);
    if (code > 127) return partitionOfBytes(Buffer.from(jid));
    if (code === AT) isUser = true;
    hash = Math.imul(hash ^ code, PRIME);
  }
  return isUser ? folded(hash) : 0;
}

function partitionOfBytes(bytes: Uint8Array): number {
  if (!bytes.includes(AT)) return 0;
  let hash = BASIS;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, PRIME);
  return folded(hash);
}

const folded = (hash: number) => (hash ^ (hash >>> 12) ^ (hash >>> 24)) & (PARTITIONS - 1);

/** A partition as the first two characters of a key, in base64url. */
export function partitionDigits(partition: number): string {
  return (DIGITS[partition >> 6] as string) + (DIGITS[partition & 63] as string);
}

const VALUES: Readonly<Record<string, number>> = Object.fromEntries([...DIGITS].map((digit, value) => [digit, value]));

/** The partition that a key begins with; 0 for what is no key. */
export function partitionOfKey(key: string): number {
  return ((VALUES[key[0] as string] ?? 0) << 6) | (VALUES[key[1] as string] ?? 0);
}
