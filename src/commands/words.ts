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

/** What became of a message, in a few words; never its text. */
export function stateOf({ record, kept }: Found): string {
  const { state, copies, bounced, conditionText, condition } = record;
  if (state === 'pending' && !kept) {
    const copy = copies === 0 ? 'not sent yet' : `${copies === 1 ? '1 copy' : `${copies} copies`} sent`;
    return `waiting, ${copy}${bounced ? ', the last came back' : ''}`;
  }
  if (state === 'rejected') return `rejected: ${conditionText ?? condition ?? 'no reason given'}`;
  // What is left of it is the copy that was put aside, which still says "pending".
  return state === 'pending' || state === 'expired' ? 'not confirmed in time' : state;
}

/** One message in a list of a sender's. */
export function line(found: Found, withSender = false): string {
  const { sender, recipient, senderId, wireId, firstStoredAt } = found.record;
  const route = withSender ? `${sender} to ${recipient}` : `To ${recipient}`;
  return `${route}, ${time(firstStoredAt)}: ${stateOf(found)} (id ${senderId ?? wireId})`;
}

/** A field that tells something, and asks nothing. */
export function told(name: string, label: string, value: string | readonly string[]): Field {
  return { var: name, type: typeof value === 'string' ? 'text-single' : 'text-multi', label, value };
}
