/** When a message is sent again and when it is given up. All times in milliseconds. */
export interface Timetable {
  /** Waits between attempts; the last one repeats. Not empty. */
  readonly schedule: readonly number[];
  /** A message's life, from the moment that it was stored. */
  readonly messageTtl: number;
  /** How often a message is sent again to a recipient who was never seen to return a receipt. */
  readonly unconfirmedRetries: number;
  readonly unconfirmedRetryAfter: number;
}

/** What the next due time depends on. */
export interface Progress {
  /** When the message was stored (or sent after all, by an operator), in ms since the epoch. */
  readonly storedAt: number;
  /** How many copies were handed over, not less than 1. */
  readonly copies: number;
}

// Up to a tenth later, so that what was sent together does not come back together.
const JITTER = 0.1;

/** A wait (ms), prolonged a little; `random` in [0, 1). */
export function jittered(wait: number, random: number): number {
  return Math.round(wait * (1 + JITTER * random));
}

/** When a message is given up. */
export function expiryOf(storedAt: number, timetable: Timetable): number {
  return storedAt + timetable.messageTtl;
}

/**
 * When a message is due next, after a copy was handed over at `now`; never later than its expiry.
 *
 * @param retriable whether another copy does no harm: its recipient was seen to return receipts, or the last one bounced
 * @param random in [0, 1)
 */
export function nextDue(
  { storedAt, copies }: Progress,
  retriable: boolean,
  timetable: Timetable,
  now: number,
  random: number,
): number {
  const expiry = expiryOf(storedAt, timetable);
  if (!retriable) {
    // The client may be one that shows a message and returns no receipts: each further copy would be shown as well.
    const retriesMade = copies - 1;
    if (retriesMade >= timetable.unconfirmedRetries) return expiry;
    return Math.min(expiry, now + jittered(timetable.unconfirmedRetryAfter, random));
  }
  const step = Math.min(Math.max(copies, 1), timetable.schedule.length) - 1;
  return Math.min(expiry, now + jittered(timetable.schedule[step] as number, random));
}
