import { type Case, type Evidence, harmfulIn } from '../cases.ts';
import type { Violation } from '../violation.ts';

/** ms that a stanza takes at most from one end to the other when nothing is wrong, on a busy machine. */
const IN_FLIGHT = 5000;
/** ms; the longest time that a gate may hold a message. */
const HELD_AT_MOST = 3000;
/** ms; with what a busy machine adds. */
const LONGEST_PAUSE = HELD_AT_MOST + 10_000;

/**
 * Where a gate holds messages, none is refused and none waits for the component longer than the timeout: what it does not
 * acknowledge the server routes as ever, once for each time that its sender has written it.
 */
export function* unheld(evidence: Evidence): Generator<Violation> {
  if (evidence.terms.mode !== 'transparent') return;
  for (const about of evidence.cases) {
    const { message, wrote, saw, acknowledged, notified } = about;
    const [first] = wrote;
    if (first === undefined || isParted(evidence, about, first.at)) continue;
    const [seen] = saw;
    if (seen === undefined) {
      if (acknowledged.length > 0 || notified.some(({ what }) => what === 'failed')) continue;
      const why = 'The component did not take it, and the server did not deliver it';
      yield { rule: 'not passed', message: message.id, at: first.at, why };
    } else if (seen.at > first.at + LONGEST_PAUSE) {
      const why = `It was given to the recipient ${((seen.at - first.at) / 1000).toFixed(1)} s after it was written`;
      yield { rule: 'paused', message: message.id, at: seen.at, why };
    }
  }
}

/** Whether something kept one of the two from the server while it was on its way. */
function isParted(evidence: Evidence, { message, saw }: Case, writtenAt: number): boolean {
  // It begins to fly when the gate lets it go.
  const until = Math.max(writtenAt + HELD_AT_MOST + IN_FLIGHT, saw[0]?.at ?? 0);
  return harmfulIn(evidence, message, writtenAt - 1000, until).length > 0;
}
