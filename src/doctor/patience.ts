let factor = 1;

/** Has every wait of the check be so many times as long: for tests, on machines that are busy with others. */
export function setPatience(times: number): void {
  factor = times;
}

/** How long to wait for what should take `ms` at most. */
export function patient(ms: number): number {
  return ms * factor;
}
