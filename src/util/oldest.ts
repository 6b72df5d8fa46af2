/** Of what is kept at most, the part that is forgotten at once. */
const PART = 16;

/**
 * What is to be forgotten of a Map that has more than `most` entries: the oldest, and several at once. A Map keeps the places of what
 * was deleted until it is made anew, and whoever asks for its first walks over all of them: asked for each entry alone, in one of
 * 20,000 that was a hundred times as dear as all else that is done with an entry.
 */
export function oldestBeyond<K>(map: ReadonlyMap<K, unknown>, most: number): K[] {
  if (map.size <= most) return [];
  const count = map.size - most + Math.floor(most / PART);
  const oldest: K[] = [];
  for (const key of map.keys()) {
    if (oldest.length === count) break;
    oldest.push(key);
  }
  return oldest;
}
