import { type Case, type Evidence, endOf, harmfulIn, isForgotten } from '../cases.ts';
import type { Copied } from '../history.ts';
import type { Violation } from '../violation.ts';

/**
 * ms; behind a gate the server gives a receipt to the sender and to the component, which may have kept nothing of it when everything ends.
 */
const KEPT_WITHIN = 1000;
/** ms; Redis has a proof a little later than the gate. */
const PROOF_KEPT_WITHIN = 100;
/** ms; how long a process may take to learn that another one has settled what it had in hand. */
const BETWEEN_PROCESSES = 5000;

/** Nobody is bothered: no copy after the end, and no more than the faults and the schedule call for. */
export function* copies(evidence: Evidence): Generator<Violation> {
  const confirming = new Set(
    evidence.cases.filter(({ confirmed }) => confirmed.length > 0).map(({ message }) => message.recipient),
  );
  for (const about of evidence.cases) {
    if (about.damaged.length > 0) continue;
    // It was delivered, and Redis no longer knows: it is sent again as if it were not.
    const end = endOf(about);
    if (end !== undefined && isForgotten(evidence, 'endings', end.at)) continue;
    // The same of what a gate has proved, which is told to nobody.
    const [proof] = about.proved;
    if (proof !== undefined && [0, PROOF_KEPT_WITHIN].some((ms) => isForgotten(evidence, 'endings', proof.at + ms)))
      continue;
    yield* afterNotice(evidence, about);
    const routed = evidence.terms.mode === 'transparent' ? about.wrote : about.copied;
    const written = routed[0]?.at;
    if (written === undefined) continue;
    // Copies that Redis no longer knows of do not count for it.
    const forgotten = about.copied.filter((copy) => isForgotten(evidence, 'endings', copy.at)).length;
    const allowed = forgotten + allowance(evidence, about, confirming.has(about.message.recipient), written);
    const { id: message } = about.message;
    const [seen, at] = mostSeen(about);
    if (seen > allowed) {
      yield {
        rule: 'copies',
        message,
        at,
        why: `One client was given ${seen} copies, ${allowed} can be accounted for`,
      };
    }
    // Behind a gate the server writes the original.
    const copied = about.copied.length + (evidence.terms.mode === 'transparent' ? 1 : 0);
    if (copied > allowed) {
      const why = `It was written ${copied} times, ${allowed} can be accounted for`;
      yield { rule: 'rewritten', message, at: about.copied.at(-1)?.at ?? written, why };
    }
  }
}

/** Further copies that a recipient's clients were given, each beside its first. */
export function surplus({ saw }: Case): number {
  return saw.length - new Set(saw.map(({ device }) => device)).size;
}

function mostSeen({ saw }: Case): [count: number, at: number] {
  const byDevice = new Map<string, number>();
  for (const { device } of saw) byDevice.set(device, (byDevice.get(device) ?? 0) + 1);
  return [Math.max(0, ...byDevice.values()), saw.at(-1)?.at ?? 0];
}

/**
 * The first attempt, one for each fault of its life, and what the schedule has in the time until its receipt. Where a gate
 * holds messages it is seen which session has which, so that time alone makes no copy; what its sender writes again while
 * nothing is held, the server delivers again.
 */
function allowance(evidence: Evidence, about: Case, confirms: boolean, written: number): number {
  const { schedule, unconfirmedRetries } = evidence.terms;
  const until = endOf(about)?.at ?? evidence.end;
  const costly = harmfulIn(evidence, about.message, about.wrote[0]?.at ?? written, until);
  if (evidence.terms.mode === 'transparent') {
    const unkept = harmfulIn(evidence, about.message, until, until + KEPT_WITHIN).filter(
      (fault) => fault.user === undefined && !costly.includes(fault),
    );
    return about.wrote.length + costly.length + unkept.length;
  }
  let steps = 0;
  for (let at = written; ; steps += 1) {
    at += schedule[Math.min(steps, schedule.length - 1)] as number;
    if (at >= until) break;
  }
  return 1 + costly.length + (confirms ? steps : Math.max(unconfirmedRetries, Math.min(steps, 1)));
}

/** What is written when the sender has his receipt is a copy too many. In flight before does not count: see `copied`. */
function* afterNotice(evidence: Evidence, about: Case): Generator<Violation> {
  const { terms, faults } = evidence;
  const { message, notified, copied } = about;
  const delivered = notified.find(({ what }) => what === 'delivered');
  if (delivered === undefined) return;
  // The receipt may have been for what the server, started again, delivered by itself when its sender wrote it anew.
  if (
    terms.mode === 'transparent' &&
    faults.some(({ losesNews, user, from }) => losesNews && user === undefined && from < delivered.at + KEPT_WITHIN)
  )
    return;
  const tooLate = ({ at, process }: Copied) => {
    if (terms.processes === 1) return at > delivered.at;
    // A process that was held up goes on with what it had taken up before.
    const heldUp = faults
      .filter((fault) => fault.from <= at && fault.to >= delivered.at)
      .filter((fault) => fault.process === undefined || fault.process === process);
    return at > Math.max(delivered.at, ...heldUp.map(({ to }) => to)) + BETWEEN_PROCESSES;
  };
  const copy = copied.find(tooLate);
  if (copy === undefined) return;
  const why = `${copy.process} sent it again ${Math.round(copy.at - delivered.at)} ms after its sender was told "delivered"`;
  yield { rule: 'after told', message: message.id, at: copy.at, why };
}
