import type { Found } from '../ledger/inquiry.ts';
import type { Field } from '../stanza/form.ts';

/** A time (ms) for people everywhere: `2026-11-24 13:04:05 UTC`. */
export function time(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace(/\..+/, ' UTC');
}

/** `1 message`, `2 messages`. */
export function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/**
 * A text that somebody else has written, cut: ids and reasons may be as large as a stanza, and a form with many of them
 * would be larger than the server lets through.
 */
export function short(text: string, most = 100): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/**
 * What became of a message, in a few words; never its text.
 *
 * @param forSender whether its sender is told: who does not get the recipient's presence is not told what shows it
 */
export function stateOf({ record, kept, seesPresence }: Found, forSender = false): string {
  const { state, copies, bounced, conditionText, condition } = record;
  if (state === 'pending' && !kept) {
    if (forSender && !seesPresence) return 'waiting';
    const copy = copies === 0 ? 'not sent yet' : `${copies === 1 ? '1 copy' : `${copies} copies`} sent`;
    return `waiting, ${copy}${bounced ? ', the last came back' : ''}`;
  }
  if (state === 'rejected') return `rejected: ${short(conditionText ?? condition ?? 'no reason given')}`;
  // What is left of it is the copy that was put aside, which still says "pending".
  return state === 'pending' || state === 'expired' ? 'not confirmed in time' : state;
}

/** How a copy went, by the letters of scripts/evidence.lua. */
const WENT: Readonly<Record<string, string>> = {
  o: 'to a live session',
  g: 'to the same session once more',
  n: 'to a client that returns no receipts',
  s: 'to offline storage',
  x: 'to nobody: he was offline, and it was not to be stored',
  b: 'and came back',
  '?': 'with his presence unknown',
};

const HAPPENED: Readonly<Record<string, string>> = {
  claimed: 'taken up to be sent again',
  bounced: 'came back with a temporary error',
  'session-ended': 'the session that had it ended without a receipt',
  revived: 'sent after all',
  cancelled: 'cancelled by a command',
  'wanted-now': 'wanted now, by a command',
};

/** An event of a life in words; one that is not known stays as it is. */
export function happened(what: string): string {
  const [event = '', detail = ''] = what.split(' ');
  if (event !== 'handed-over') return HAPPENED[what] ?? short(what, 200);
  return `handed over ${WENT[detail] ?? short(detail)}`.trim();
}

/** One message in a list of a sender's. */
export function line(found: Found, withSender = false): string {
  const { sender, recipient, senderId, wireId, firstStoredAt } = found.record;
  const route = withSender ? `${sender} to ${recipient}` : `To ${recipient}`;
  return `${route}, ${time(firstStoredAt)}: ${stateOf(found, !withSender)} (id ${short(senderId ?? wireId)})`;
}

/** A field that tells something, and asks nothing. */
export function told(name: string, label: string, value: string | readonly string[]): Field {
  return { var: name, type: typeof value === 'string' ? 'text-single' : 'text-multi', label, value };
}
