import type { Field, Values } from '../xmpp/stanza/data-form.ts';
import { badPayload } from './command.ts';
import { truncated } from './format.ts';

/** Entries of a list at most, which clients show without scrolling. */
export const MAX_ENTRIES = 50;

/** One message in a list. */
export interface Entry {
  readonly value: string;
  /** ms since the epoch. */
  readonly at: number;
  readonly who: string;
  /** What became of it. */
  readonly what: string;
}

const SELECTED = 'messages';
/** Hidden field with the labels and values of the list, as JSON, for the next step. */
const LISTED = 'listed';

/** `21:38`, with the day when that is another than today's; UTC. */
function clock(at: number, now: number, seconds: boolean): string {
  // The time comes from a job and may be invalid.
  if (!Number.isFinite(at)) return '?';
  const [day = '', time = ''] = new Date(at).toISOString().split('T');
  const clocked = time.slice(0, seconds ? 8 : 5);
  return new Date(now).toISOString().startsWith(day) ? clocked : `${day} ${clocked}`;
}

function countBy(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

/**
 * Unique labels that begin with time and name, since clients cut them: `21:38 carol: not confirmed`. Seconds are added
 * where two would be equal, then a number.
 */
export function labelledOptions(entries: readonly Entry[], now: number): { value: string; label: string }[] {
  const stem = ({ at, who }: Entry, seconds: boolean) => `${clock(at, now, seconds)} ${truncated(who, 60)}`;
  const minutes = countBy(entries.map((entry) => stem(entry, false)));
  const stems = entries.map((entry) => stem(entry, (minutes.get(stem(entry, false)) ?? 0) > 1));
  const numbers = new Map<string, number>();
  return entries.map(({ value, what }, at) => {
    const own = stems[at] as string;
    const number = (numbers.get(own) ?? 0) + 1;
    numbers.set(own, number);
    const label = `${own}${number > 1 ? ` (${number})` : ''}: ${truncated(what, 60)}`;
    // Clients may normalize white space and return what they show.
    return { value, label: label.replace(/\s+/g, ' ').trim() };
  });
}

/** A list of messages of which some may be picked, and what {@link picked} needs to know of it. */
export function messageList(label: string, entries: readonly Entry[], now: number = Date.now()): Field[] {
  const options = labelledOptions(entries, now);
  const listed = JSON.stringify(Object.fromEntries(options.map((option) => [option.label, option.value])));
  return [
    { var: SELECTED, type: 'list-multi', label, options },
    { var: LISTED, type: 'hidden', value: listed },
  ];
}

/** Values by their labels; undefined when the client did not return them. */
function listedIn(values: Values): ReadonlyMap<string, string> | undefined {
  try {
    const listed: unknown = JSON.parse(values.get(LISTED)?.[0] ?? '');
    const entries = Object.entries(listed as object).filter(([, value]) => typeof value === 'string');
    return entries.length === 0 ? undefined : new Map(entries as [string, string][]);
  } catch {
    return undefined;
  }
}

/**
 * Those that were picked in a list; at most as many as a list has. Some clients return the label of a choice instead of its
 * value (Gajim 1.7).
 *
 * @throws {RequestError} when it is none, too many, or one that was not in the list
 */
export function selectedMessages(values: Values): string[] {
  const given = new Set((values.get(SELECTED) ?? []).filter((value) => value.trim() !== ''));
  if (given.size === 0) throw badPayload('No message is picked');
  if (given.size > MAX_ENTRIES) throw badPayload(`At most ${MAX_ENTRIES} messages at a time`);
  const listed = listedIn(values);
  if (listed === undefined) return [...given];
  const known = new Set(listed.values());
  const keys = [...given].map((one) => {
    const key = known.has(one) ? one : listed.get(one.trim());
    if (key === undefined) throw badPayload(`Not in the list: "${truncated(one)}". Open the list again`);
    return key;
  });
  return [...new Set(keys)];
}
