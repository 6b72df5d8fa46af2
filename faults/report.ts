import { type Case, evidence, faultsIn, type Interval } from './cases.ts';
import type { Event, MessageEvent } from './history.ts';
import { surplus } from './rules/copies.ts';
import type { Outcome } from './run.ts';
import type { Violation } from './violation.ts';

/** Messages that each writes to each before any fault, at most, and that all write when all is over. */
const GREETINGS = 30;
const LAST_WORDS = 5;

/** What a run was about, in numbers. */
export interface Figures {
  readonly runs: number;
  readonly messages: number;
  readonly acknowledged: number;
  /** Given to a client of the recipient. */
  readonly delivered: number;
  /** Of those acknowledged: whose senders were told how they ended. */
  readonly told: number;
  /** Acknowledged, and neither. */
  readonly lost: number;
  /** Given to one client once more. */
  readonly copies: number;
  readonly refused: number;
  /** Refused, never acknowledged, and delivered all the same. */
  readonly deliveredAfterRefusal: number;
  readonly violations: number;
}

export function figures({ history, violations }: Outcome): Figures {
  const { cases } = evidence(history);
  const count = (which: (about: Case) => boolean) => cases.filter(which).length;
  const isAcknowledged = ({ acknowledged }: Case) => acknowledged.length > 0;
  const isNotified = ({ notified }: Case) => notified.some(({ what }) => what !== 'refused');
  const isRefused = ({ notified }: Case) => notified.some(({ what }) => what === 'refused');
  const isDelivered = ({ saw }: Case) => saw.length > 0;
  return {
    runs: 1,
    messages: cases.length,
    acknowledged: count(isAcknowledged),
    delivered: count(isDelivered),
    told: count((about) => isAcknowledged(about) && isNotified(about)),
    lost: violations.filter(({ rule }) => rule === 'lost').length,
    copies: cases.reduce((sum, about) => sum + surplus(about), 0),
    refused: count((about) => isRefused(about) && !isAcknowledged(about)),
    deliveredAfterRefusal: count((about) => isRefused(about) && !isAcknowledged(about) && isDelivered(about)),
    violations: violations.length,
  };
}

export function summary(outcome: Outcome): string {
  const { seed, violations, took, rate } = outcome;
  const { messages, acknowledged, delivered, told, lost, copies } = figures(outcome);
  const verdict = violations.length === 0 ? 'ok' : `${violations.length} VIOLATIONS`;
  const reached = rate === undefined ? '' : `, ${Math.round(rateOf(outcome))} of ${rate} messages/s`;
  return `${label(outcome)} (seed ${seed}, ${Math.round(took / 1000)} s${reached}): ${verdict}; ${messages} messages, ${acknowledged} acknowledged, ${delivered} delivered, ${told} told, ${lost} lost, ${copies} copies`;
}

/** Messages a second, from the first that was written to the last, greetings and last words aside. */
export function rateOf({ history }: Pick<Outcome, 'history'>): number {
  const first = evidence(history).cases.flatMap(({ wrote: [first] }) => (first === undefined ? [] : [first.at]));
  const all = first.toSorted((a, b) => a - b).slice(GREETINGS, -LAST_WORDS);
  return (1000 * all.length) / ((all.at(-1) ?? 0) - (all[0] ?? 0));
}

function label({ scenario, history, redis }: Outcome): string {
  const { mode } = history.terms;
  const at = redis === 'one' ? '' : `, ${redis}`;
  return mode === 'subdomain' ? `${scenario.name}${at}` : `${scenario.name}, ${mode}${at}`;
}

/** Of each rule that was broken, how often, and one case of it: the message with the shortest history. */
export function explain(outcome: Outcome): string {
  const { scenario, seed, redis, rate, violations } = outcome;
  const { mode } = outcome.history.terms;
  const rules = new Set(violations.map(({ rule }) => rule));
  const parts = [...rules].map((rule) => {
    const all = violations.filter((violation) => violation.rule === rule);
    return `${rule} (${all.length})\n${shortest(outcome, all)}`;
  });
  return [
    ...parts,
    `Again: npm run faults -- ${mode === 'subdomain' ? '' : `--mode ${mode} `}${redis === 'one' ? '' : `--redis ${redis} `}${rate === undefined ? '' : `--rate ${rate} `}--scenario ${scenario.name} --seed ${seed}`,
  ].join('\n\n');
}

function shortest({ history }: Outcome, violations: readonly Violation[]): string {
  const sorted = evidence(history);
  const cases = new Map(sorted.cases.map((about) => [about.message.id, about]));
  const told = violations.map((violation) => {
    const about = violation.message === undefined ? undefined : cases.get(violation.message);
    if (about === undefined) return [line(violation.at, violation.why), ...around(sorted.faults, violation.at)];
    const events = eventsOf(about);
    const from = events[0]?.at ?? violation.at;
    const to = Math.max(events.at(-1)?.at ?? 0, violation.at);
    const faults = faultsIn(sorted, about.message, from - 1000, to).flatMap((fault) => faultLines(fault, sorted.end));
    const words = [...events.map((event) => [event.at, inWords(event)] as const), ...faults];
    const { id, sender, recipient } = about.message;
    return [
      `  ${violation.why}.`,
      `  ${id}, ${sender} to ${recipient}:`,
      ...words.sort(([a], [b]) => a - b).map(([at, what]) => line(at, what)),
    ];
  });
  return told.reduce((a, b) => (b.length < a.length ? b : a)).join('\n');
}

function around(faults: readonly Interval[], at: number): string[] {
  return faults
    .filter(({ from, to, user }) => user === undefined && from <= at && to >= at - 10_000)
    .map(({ name, from, to }) => `    with "${name}" from ${seconds(from)} to ${seconds(to)}`);
}

function faultLines({ name, from, to }: Interval, end: number): [number, string][] {
  const began: [number, string] = [from, `  (begins: ${name})`];
  return to > end ? [began] : [began, [to, `  (over: ${name})`]];
}

function eventsOf({
  wrote,
  held,
  acknowledged,
  notified,
  saw,
  confirmed,
  proved,
  copied,
  damaged,
}: Case): MessageEvent[] {
  return [...wrote, ...held, ...acknowledged, ...notified, ...saw, ...confirmed, ...proved, ...copied, ...damaged].sort(
    (a, b) => a.at - b.at,
  );
}

function inWords(event: Exclude<Event, { kind: 'began' | 'ended' | 'connected' | 'died' | 'polled' }>): string {
  switch (event.kind) {
    case 'wrote':
      return `the sender writes it, to ${event.process}`;
    case 'held':
      return `the gate holds it, and shows it to ${event.process}`;
    case 'acknowledged':
      return `the sender is told that it is stored, by ${event.process}`;
    case 'notified':
      return `the sender is told "${event.what}"${event.condition ? ` (${event.condition})` : ''}${event.asked ? ', as he asks' : ''}`;
    case 'saw':
      return `${event.device} is given it${event.delayed ? ', with its first time' : ''}`;
    case 'confirmed':
      return `${event.device} writes a receipt`;
    case 'proved':
      return `the gate sees that ${event.device} has it`;
    case 'copied':
      return `${event.process} writes a copy`;
    case 'damaged':
      return `its record is damaged: ${event.how}`;
  }
}

function line(at: number, text: string): string {
  return `  ${seconds(at).padStart(9)}  ${text}`;
}

function seconds(ms: number): string {
  return Number.isFinite(ms) ? `${(ms / 1000).toFixed(3)} s` : 'the end';
}
