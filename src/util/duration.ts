/** Milliseconds in each unit that people write, the largest first. */
const UNITS = [
  ['d', 86_400_000, 'day'],
  ['h', 3_600_000, 'hour'],
  ['m', 60_000, 'minute'],
  ['s', 1000, 'second'],
  ['ms', 1, 'millisecond'],
] as const;

const DURATION = /^(\d+)(ms|s|m|h|d)$/;

/**
 * Reads a duration as people write it: `500ms`, `30s`, `2m`, `1h`, `7d`.
 *
 * @returns milliseconds; undefined when it is none, or is larger than a number can hold exactly
 */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = DURATION.exec(text) ?? [];
  const size = UNITS.find(([name]) => name === unit)?.[1];
  if (size === undefined) return undefined;
  const ms = Number(count) * size;
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** The largest unit of which a duration is a whole number: neither `1.5d` nor `129600s` but `36h`. */
function inUnits(ms: number): readonly [count: number, short: string, long: string] {
  for (const [short, size, long] of UNITS) {
    if (ms >= size && ms % size === 0) return [ms / size, short, long];
  }
  return [ms, 'ms', 'millisecond'];
}

/**
 * Writes a duration so that {@link parseDuration} reads the same: `7d`, `90s`.
 *
 * @param ms milliseconds, whole and not negative
 */
export function formatDuration(ms: number): string {
  const [count, unit] = inUnits(ms);
  return `${count}${unit}`;
}

/**
 * Writes a duration in words: `7 days`, `1 hour`.
 *
 * @param ms milliseconds, whole and not negative
 */
export function formatLongDuration(ms: number): string {
  const [count, , unit] = inUnits(ms);
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
