/**
 * Rounds of a section, counted from 0: at most so many, and none that would not end in time if it took as long as the longest
 * before it. One in any case.
 *
 * @param limit ms
 */
export function* turns(most: number, limit: number, now = () => performance.now()): Generator<number> {
  const start = now();
  let longest = 0;
  for (let turn = 0; turn < most; turn += 1) {
    const began = now();
    if (turn > 0 && began - start + longest > limit) return;
    yield turn;
    longest = Math.max(longest, now() - began);
  }
}
