import type { Case, Evidence, Interval } from '../cases.ts';
import type { Connected, Notified, Polled, Terms } from '../history.ts';
import type { Violation } from '../violation.ts';

/** ms from being ready to the first acknowledgement that comes of it, at most. */
const RECOVERY = 2000;
/** ms of calm after which a process must be ready again. */
const CALM = 15_000;
/** How many answers in a row count. */
const LAST_POLLS = 3;
/** ms of calm without any acknowledgement after which none is to be expected. */
const DEAD = 20_000;

/** A stretch of time in which one process acknowledged nothing, though it was asked to. */
interface Silence {
  readonly process: string;
  readonly from: number;
  readonly to: number;
}

/** The proxy says of itself what is so; and it lives. */
export function* health(evidence: Evidence): Generator<Violation> {
  for (const { at, process, how } of evidence.died) yield { rule: 'died', at, why: `${process} ended: ${how}` };
  yield* silent(evidence);
  yield* dead(evidence);
  yield* blocked(evidence);
  yield* relinked(evidence);
  yield* ready(evidence);
}

/** "Ready" is a lie, soon after nothing could be acknowledged any more, whatever the reason. */
function* silent(evidence: Evidence): Generator<Violation> {
  const { polled, terms } = evidence;
  for (const { process, from, to } of silences(evidence)) {
    const its = polled.filter((poll) => poll.process === process);
    const lie = its.find((poll) => poll.ready === true && isDuring(poll, says(its, poll, from, terms), to - RECOVERY));
    if (lie === undefined) continue;
    const seconds = ((lie.at - from) / 1000).toFixed(1);
    const why = `${process} says that it is ready, and has acknowledged nothing for ${seconds} s (nor will it until ${(to / 1000).toFixed(1)} s)`;
    yield { rule: 'ready', at: lie.at, why };
  }
}

/** When all is well, something is acknowledged. */
function* dead(evidence: Evidence): Generator<Violation> {
  for (const { process, from, to } of silences(evidence)) {
    const since = Math.max(from, evidence.calmFrom);
    if (to - since < DEAD) continue;
    const why = `${process} acknowledged nothing for ${Math.round((to - since) / 1000)} s, though all was well`;
    yield { rule: 'dead', at: to, why };
  }
}

/**
 * From the first message without an answer to the last that was written before the next acknowledgement. Behind a gate the
 * component is asked to acknowledge what is held; the rest passes without it.
 */
function silences({ cases, terms }: Evidence): Silence[] {
  const asks = terms.mode === 'transparent' ? 'held' : 'wrote';
  const found: Silence[] = [];
  const processes = new Set(cases.flatMap(({ wrote }) => wrote.map(({ process }) => process)));
  for (const process of processes) {
    const words = cases
      .flatMap((about) => [
        ...about[asks].filter((word) => word.process === process),
        ...about.acknowledged.filter((word) => word.process === process),
        ...receiptInstead(about, process),
      ])
      .sort((a, b) => a.at - b.at);
    let from: number | undefined;
    let to = 0;
    for (const { kind, at } of words) {
      if (kind === asks) {
        from ??= at;
        to = at;
      } else {
        if (from !== undefined && to > from) found.push({ process, from, to });
        from = undefined;
      }
    }
    if (from !== undefined && to > from) found.push({ process, from, to });
  }
  return found;
}

/** One that is delivered before its acknowledgement went into a batch gets its receipt alone (docs/guarantees.md). */
function receiptInstead({ wrote, acknowledged, notified }: Case, process: string): Notified[] {
  const receipt = notified.find(({ what, asked }) => what === 'delivered' && !asked);
  if (receipt === undefined || acknowledged.some(({ at }) => at <= receipt.at)) return [];
  return wrote.every((word) => word.process === process) ? [receipt] : [];
}

/** The metrics name what is missing. */
function* blocked({ faults, polled, terms }: Evidence): Generator<Violation> {
  for (const fault of faults) {
    if (fault.blocks !== 'ledger' && fault.blocks !== 'link') continue;
    const metric = fault.blocks === 'ledger' ? 'ledger_up' : 'link_up';
    const isUp = ({ ledgerUp, linkUp }: Polled) => (fault.blocks === 'ledger' ? ledgerUp : linkUp);
    const [from, to] = fault.inForce;
    const its = polled.filter((poll) => isOf(poll, fault));
    const lie = its.find((poll) => isUp(poll) === true && isDuring(poll, says(its, poll, from, terms), to));
    if (lie === undefined) continue;
    const why = `${lie.process} says ${metric} 1, ${((lie.at - from) / 1000).toFixed(1)} s into "${fault.name}"`;
    yield { rule: 'metrics', at: lie.at, why };
  }
}

/**
 * From when on that answer must say what has been so from `from` on. A machine that lets who asks come late lets the process come late to its
 * work as well.
 */
function says(polled: readonly Polled[], { at, process }: Polled, from: number, { saysWithin }: Terms): number {
  const meanwhile = polled.filter((poll) => poll.process === process && poll.at > from && poll.at <= at);
  return from + saysWithin + meanwhile.reduce((sum, { late = 0 }) => sum + late, 0);
}

function isDuring({ at, until }: Polled, from: number, to: number): boolean {
  return at > from && until < to;
}

function isOf({ process }: Polled | Connected, fault: Interval): boolean {
  return fault.process === undefined || fault.process === process;
}

/** A link that no fault breaks lasts, however slow the server is and whatever Redis holds. */
function* relinked({ faults, connected }: Evidence): Generator<Violation> {
  const since = new Map<string, number>();
  for (const connection of connected) {
    const { at, process } = connection;
    const last = since.get(process);
    since.set(process, at);
    if (last === undefined) continue;
    const broken = faults.some(
      (fault) => fault.from <= at && fault.to >= last && isOf(connection, fault) && breaksLinks(fault),
    );
    if (!broken) yield { rule: 'link given up', at, why: `${process} opened its link anew, and nothing had broken it` };
  }
}

function breaksLinks({ blocks, process, lossless }: Interval): boolean {
  return !lossless && (blocks === 'link' || blocks === 'process' || process !== undefined);
}

/** When all has been well for long, every process says so. */
function* ready({ polled, calmFrom, end }: Evidence): Generator<Violation> {
  if (end < calmFrom + CALM) return;
  for (const process of new Set(polled.map((poll) => poll.process))) {
    const last = polled.filter((poll) => poll.process === process).slice(-LAST_POLLS);
    // One answer that is late is a busy machine's.
    if (last.length < LAST_POLLS || last.some((poll) => poll.ready === true)) continue;
    const { at, problems } = last.at(-1) as Polled;
    const why = `${process} is not ready though all is well: ${problems.join('; ') || 'no answer'}`;
    yield { rule: 'not ready', at, why };
  }
}
