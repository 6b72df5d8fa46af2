/** ISO 8601, to the second. */
export function isoTime(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+/, '');
}
