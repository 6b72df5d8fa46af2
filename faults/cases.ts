import type {
  Acknowledged,
  Began,
  Confirmed,
  Connected,
  Copied,
  Damaged,
  Died,
  Held,
  History,
  Message,
  Notified,
  Polled,
  Proved,
  Saw,
  Terms,
  Wrote,
} from './history.ts';

/** A fault from its first moment to its last; `to` is infinite when it had not ended. */
export interface Interval extends Began {
  readonly from: number;
  readonly to: number;
  readonly inForce: readonly [from: number, to: number];
}

/** All that happened to one message, each list in the order of time. */
export interface Case {
  readonly message: Message;
  readonly wrote: Wrote[];
  readonly held: Held[];
  readonly acknowledged: Acknowledged[];
  readonly notified: Notified[];
  readonly saw: Saw[];
  readonly confirmed: Confirmed[];
  readonly proved: Proved[];
  readonly copied: Copied[];
  readonly damaged: Damaged[];
}

/** A history, sorted by what it is about. */
export interface Evidence {
  readonly terms: Terms;
  readonly cases: readonly Case[];
  readonly faults: readonly Interval[];
  readonly connected: readonly Connected[];
  readonly died: readonly Died[];
  readonly polled: readonly Polled[];
  /** When the last fault ended; 0 where there was none. */
  readonly calmFrom: number;
  /** When the record ends. */
  readonly end: number;
}

export function evidence({ messages, events, terms }: History): Evidence {
  const cases = new Map<string, Case>();
  for (const message of messages) {
    const none = { wrote: [], held: [], acknowledged: [], notified: [], saw: [], confirmed: [], proved: [] };
    cases.set(message.id, { message, ...none, copied: [], damaged: [] });
  }
  const faults = new Map<number, Interval>();
  const connected: Connected[] = [];
  const died: Died[] = [];
  const polled: Polled[] = [];
  for (const event of events) {
    if ('message' in event) {
      const about = cases.get(event.message);
      if (about === undefined) throw new Error(`No message has the id ${event.message}`);
      (about[event.kind] as (typeof event)[]).push(event);
    } else if (event.kind === 'began') {
      const never = Number.POSITIVE_INFINITY;
      faults.set(event.fault, { ...event, from: event.at, to: never, inForce: [event.at, event.at] });
    } else if (event.kind === 'ended') {
      const begun = faults.get(event.fault);
      if (begun === undefined) throw new Error(`Fault ${event.fault} ended and had not begun`);
      faults.set(event.fault, { ...begun, to: event.at, inForce: event.inForce });
    } else if (event.kind === 'connected') connected.push(event);
    else if (event.kind === 'died') died.push(event);
    else polled.push(event);
  }
  const end = events.at(-1)?.at ?? 0;
  const calmFrom = Math.max(0, ...[...faults.values()].map(({ to }) => Math.min(to, end)));
  return { terms, cases: [...cases.values()], faults: [...faults.values()], connected, died, polled, calmFrom, end };
}

/** Those that could have touched a message (of these users) between two moments. */
export function faultsIn({ faults }: Evidence, message: Message, from: number, to: number): Interval[] {
  return faults.filter(
    (fault) =>
      fault.from <= to &&
      fault.to >= from &&
      (fault.user === undefined || fault.user === message.sender || fault.user === message.recipient),
  );
}

/**
 * Those that may cost it a copy or a receipt. Where a gate holds messages, what befalls the component costs neither: the server
 * routes them as it would without it. What parts a user from the server may.
 */
export function harmfulIn(evidence: Evidence, message: Message, from: number, to: number): Interval[] {
  const all = faultsIn(evidence, message, from, to);
  if (evidence.terms.mode === 'transparent') return all.filter(({ losesNews }) => losesNews);
  return all.filter(({ lossless }) => !lossless);
}

/** ms from what Redis does to its being told to a client. */
const TOLD_WITHIN = 1000;

/** Whether Redis may have forgotten what was told then. */
export function isForgotten({ faults }: Evidence, what: 'all' | 'endings', toldAt: number): boolean {
  return faults.some(
    ({ forgets, from, to }) =>
      forgets !== undefined &&
      (forgets === 'all' || what === 'endings') &&
      toldAt >= from &&
      toldAt <= to + TOLD_WITHIN,
  );
}

/** The first word about its end, but for refusals, which end nothing that was acknowledged. */
export function endOf({ notified }: Case): Notified | undefined {
  return notified.find(({ what }) => what !== 'refused');
}
