import type { Found } from '../store/contract.ts';
import type { Field, Form } from '../xmpp/stanza/data-form.ts';
import type { NextStep } from './next-step.ts';

/** A time (ms since the epoch) as `2026-11-24 13:04:05 UTC`. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace(/\..+/, ' UTC');
}

/** `1 message`, `2 messages`. */
export function countOf(count: number, what: string, many = `${what}s`): string {
  return `${count} ${count === 1 ? what : many}`;
}

/**
 * Truncates a text of foreign origin: ids and reasons may be as large as a stanza, and a form with many of them would
 * exceed the server's stanza limit.
 */
export function truncated(text: string, most = 100): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/**
 * The state of a message in a few words; never its text.
 *
 * @param forSender whether its sender is told: who does not get the recipient's presence is not told what shows it
 */
export function describeState({ record, kept, seesPresence }: Found, forSender = false): string {
  const { state, copies, bounced, conditionText, condition } = record;
  if (state === 'pending' && !kept) {
    if (forSender && !seesPresence) return 'waiting';
    const copy = copies === 0 ? 'not sent yet' : `${copies === 1 ? '1 copy' : `${copies} copies`} sent`;
    return `waiting, ${copy}${bounced ? ', the last came back' : ''}`;
  }
  if (state === 'rejected') return `rejected: ${truncated(conditionText ?? condition ?? 'no reason given')}`;
  // Only the dead letter is left, which still says "pending".
  return state === 'pending' || state === 'expired' ? 'not confirmed in time' : state;
}

/** How a copy went, by the letters of scripts/include/evidence.lua. */
const ROUTES: Readonly<Record<string, string>> = {
  o: 'to a live session',
  g: 'to a live session, after an earlier copy had gone to one',
  t: 'to the session that is there, as another is silent or has ended',
  n: 'to a client that returns no receipts',
  s: 'to offline storage',
  x: 'to nobody: he was offline, and it was not to be stored',
  b: 'and came back',
  '?': 'with his presence unknown',
  v: 'with his presence unknown, between receipts of his',
};

const EVENTS: Readonly<Record<string, string>> = {
  claimed: 'taken up to be sent again',
  bounced: 'came back with a temporary error',
  'session-ended': 'the session that had it ended without a receipt',
  'session-silent': 'the session that had it does not answer',
  revived: 'sent after all',
  cancelled: 'cancelled by a command',
  'wanted-now': 'wanted now, by a command',
};

/** An event of a message in words; an unknown one is returned as it is. */
export function describeEvent(what: string): string {
  const [event = '', detail = ''] = what.split(' ');
  if (event !== 'handed-over') return EVENTS[what] ?? truncated(what, 200);
  return `handed over ${ROUTES[detail] ?? truncated(detail)}`.trim();
}

/** What happens next to a message that waits, and when. */
export function describeNextStep(step: NextStep | undefined): string {
  if (step === undefined) return 'nothing: it has ended';
  const at = formatTime(step.at);
  const end = `${step.ends === 'expired' ? 'not delivered, and its sender is told' : 'unconfirmed, and nobody is told'}`;
  switch (step.what) {
    case 'send':
      return `another copy, ${at}`;
    case 'ask':
      return `his sessions are asked whether they are there, ${at}`;
    case 'login':
      return `another copy when he logs in or his session ends; else it ends ${at} (${end})`;
    case 'end':
      return `nothing more is sent; it ends ${at} (${end})`;
  }
}

/** Characters: Psi cuts a longer single-line field, and shows a multi-line field half a page high. */
const LINE = 20;

/** A field that shows a value and takes no input. */
export function readOnlyField(name: string, label: string, value: string | readonly string[]): Field {
  if (typeof value !== 'string') return { var: name, type: 'text-multi', label, value };
  if (value.length > LINE) return { var: name, type: 'fixed', value: `${label}: ${value}` };
  return { var: name, type: 'text-single', label, value };
}

/** The outcome of a command as a form, for clients that show no note (Psi). */
export function resultForm(title: string, text: string): Form {
  // Without instructions Psi keeps showing those of the first form.
  const instructions = 'What came of it:';
  return { type: 'result', title, instructions, fields: [{ var: 'result', type: 'fixed', value: text }] };
}
