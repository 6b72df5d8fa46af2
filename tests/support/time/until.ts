import { setTimeout as sleep } from 'node:timers/promises';

/** How long (ms) what is waited for may take: for ever, almost, as a machine may be busy. A test that passes never waits so long. */
export const WITHIN = 60_000;

export interface WaitOptions {
  /** ms; how long before it is a failure. */
  readonly within?: number;
  /** What is waited for, in the failure's words. */
  readonly what?: string;
}

/** Resolves with the first truthy answer. For what announces itself by no event; where there is one, wait for that. */
export async function until<T>(
  ask: () => T | Promise<T>,
  { within = WITHIN, what = 'it' }: WaitOptions = {},
): Promise<T> {
  const deadline = Date.now() + within;
  for (let pause = 2; ; pause = Math.min(pause * 1.5, 50)) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() >= deadline) throw new Error(`Waited ${within} ms in vain for ${what}`);
    await sleep(pause);
  }
}
