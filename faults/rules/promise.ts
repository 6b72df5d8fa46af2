import { type Case, type Evidence, endOf, faultsIn, harmfulIn, isForgotten } from '../cases.ts';
import type { Violation } from '../violation.ts';

/** ms that a stanza takes at most from one end to the other when nothing is wrong, on a busy machine. */
const IN_FLIGHT = 5000;

/** What was acknowledged is delivered, or its sender is told; in time. */
export function* kept(evidence: Evidence): Generator<Violation> {
  const { terms, calmFrom } = evidence;
  for (const about of evidence.cases) {
    const { message, acknowledged, saw, damaged } = about;
    const [first] = acknowledged;
    // Who can be told of a record that cannot be read is for the damage to decide; nothing is concluded from it here.
    if (first === undefined || damaged.length > 0) continue;
    // A level of durability that does not survive this promises nothing of it: docs/guarantees.md.
    if (isForgotten(evidence, 'all', first.at)) continue;
    const end = endOf(about);
    const at = first.at;
    if ((end === undefined || end.asked) && needsNoEnd(evidence, about)) continue;
    if (end === undefined) {
      const rule = saw.length === 0 ? 'lost' : 'untold';
      const why =
        saw.length === 0
          ? 'It was acknowledged; nobody was given it, and its sender was told nothing'
          : 'It was acknowledged and delivered; its sender was told nothing';
      yield { rule, message: message.id, at, why };
      continue;
    }
    if (end.what === 'delivered' && saw.length === 0) {
      yield {
        rule: 'lost',
        message: message.id,
        at: end.at,
        why: 'Its sender was told "delivered"; nobody was given it',
      };
    }
    const due = Math.max(calmFrom, at) + terms.endsWithin;
    if (end.at > due) {
      const late = Math.round((end.at - due) / 1000);
      yield {
        rule: 'late',
        message: message.id,
        at: end.at,
        why: `Its sender was told ${late} s later than he must be`,
      };
    }
    if (end.asked && !faultsIn(evidence, message, at, end.at).some(({ losesNews }) => losesNews)) {
      yield {
        rule: 'untold',
        message: message.id,
        at: end.at,
        why: 'Its sender learnt how it ended only because he asked, and nothing had parted him from the server',
      };
    }
  }
}

/**
 * A gate's proof ends it, and is told to nobody (rule 18 of the gate). The same goes for what passed unheld and was then written
 * again: the server had delivered it. A receipt is always told.
 */
function needsNoEnd(evidence: Evidence, about: Case): boolean {
  const { message, wrote, acknowledged, proved, saw, confirmed } = about;
  if (evidence.terms.mode !== 'transparent' || saw.length === 0) return false;
  const again = wrote[1];
  const passedUnheld = again !== undefined && acknowledged.every(({ at }) => at > again.at);
  if (proved.length === 0 && !passedUnheld) return false;
  return confirmed.every(({ at }) => harmfulIn(evidence, message, at - 1000, at + IN_FLIGHT).length > 0);
}

/** What is told is true, and is told once. */
export function* truthful(evidence: Evidence): Generator<Violation> {
  for (const about of evidence.cases) {
    const { message, notified, confirmed, proved, saw } = about;
    for (const { at, what } of notified) {
      if (what === 'delivered' && !confirmed.some((receipt) => receipt.at <= at)) {
        const why = 'Its sender was told "delivered" before any client of the recipient had confirmed it';
        yield { rule: 'false tick', message: message.id, at, why };
        break;
      }
    }
    const garbled = saw.find(({ body }) => body !== message.body);
    if (garbled !== undefined) {
      const why = `It was given to the recipient as ${JSON.stringify(garbled.body.slice(0, 80))}`;
      yield { rule: 'garbled', message: message.id, at: garbled.at, why };
    }
    const unseen = proved.find(({ device, at }) => !saw.some((copy) => copy.device === device && copy.at <= at));
    if (unseen !== undefined) {
      const why = `The gate says that ${unseen.device} has it, which was not given it before`;
      yield { rule: 'false proof', message: message.id, at: unseen.at, why };
    }
    yield* bothEnds(evidence, about);
    yield* falseFailure(evidence, about);
  }
}

/** A receipt is the last word. One that comes after a failure counts, if it was written late. */
function* bothEnds(evidence: Evidence, { message, notified, confirmed }: Case): Generator<Violation> {
  const delivered = notified.find(({ what }) => what === 'delivered');
  if (delivered === undefined || isForgotten(evidence, 'endings', delivered.at)) return;
  const after = notified.find(({ at, what }) => at > delivered.at && (what === 'failed' || what === 'unconfirmed'));
  if (after !== undefined) {
    const why = `Its sender was told "delivered", and then "${after.what}"`;
    yield { rule: 'both ends', message: message.id, at: after.at, why };
  }
  const before = notified.find(({ at, what }) => at < delivered.at && (what === 'failed' || what === 'unconfirmed'));
  if (before === undefined) return;
  // What changed the proxy's mind must have been written after, or have been on its way when, the failure was told.
  const late = confirmed.some(({ at }) => at <= delivered.at && at >= before.at - IN_FLIGHT);
  if (!late) {
    const why = `Its sender was told "${before.what}" and then "delivered", and no receipt had been written in between`;
    yield { rule: 'both ends', message: message.id, at: delivered.at, why };
  }
}

/** No failure is told of what the recipient had confirmed, unless a fault may have cost the receipt. */
function* falseFailure(evidence: Evidence, { message, notified, confirmed }: Case): Generator<Violation> {
  const failure = notified.find(({ what }) => what === 'failed' || what === 'unconfirmed');
  if (failure === undefined) return;
  const receipt = confirmed.find(
    ({ at }) =>
      at < failure.at - IN_FLIGHT &&
      harmfulIn(evidence, message, at - 1000, at + IN_FLIGHT).length === 0 &&
      !isForgotten(evidence, 'endings', at),
  );
  if (receipt === undefined) return;
  const why = `Its sender was told "${failure.what}", and ${receipt.device} had confirmed it when all was well`;
  yield { rule: 'false failure', message: message.id, at: failure.at, why };
}
