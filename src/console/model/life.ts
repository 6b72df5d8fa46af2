import { nextStepOf } from '../../commands/next-step.ts';
import { summaryOf } from '../../commands/pending-survey.ts';
import { copiesOf, explain, type Found, isProved, type LifeEvent, type TracedStep } from '../../store/contract.ts';
import { presentKey } from '../../xmpp/stanza/message-key.ts';
import type { ConsolePorts } from '../ports.ts';
import type { Life, Step } from '../schemas.ts';
import { defined, iso } from './now.ts';
import { messageOf, nextOf } from './waiting.ts';

/** What the record itself shows. */
function ownSteps({ record }: Found): Step[] {
  const { firstStoredAt, storedAt, settledAt, state, receiptResource, conditionText, condition } = record;
  const steps: Step[] = [{ at: iso(firstStoredAt), what: 'accepted' }];
  if (storedAt !== firstStoredAt) steps.push({ at: iso(storedAt), what: 'requeued' });
  if (settledAt === undefined || state === 'pending') return steps;
  const why = state === 'rejected' ? (conditionText ?? condition) : undefined;
  const session = receiptResource === '' ? undefined : `${record.recipient}/${receiptResource}`;
  const what = isProved(record) ? 'proved' : state;
  steps.push(defined({ at: iso(settledAt), what, why, session }) as Step);
  return steps;
}

/** The events that the store notes of a message in trouble. */
function notedStep({ at, what }: LifeEvent): Step {
  const [event = '', route] = what.split(' ');
  return event === 'handed-over' && route !== undefined
    ? { at: iso(at), what: `handed-over:${route}` }
    : { at: iso(at), what: event };
}

function tracedStep({ at, what, why, session, rule, attempt, due, content }: TracedStep): Step {
  return defined({ at: iso(at), what, why, session, rule, attempt, due: iso(due), content }) as Step;
}

/** Events of the store that a traced step says as well. */
const SAID_BY_TRACE: ReadonlySet<string> = new Set(['claimed', 'bounced']);

function timeline(found: Found | undefined, noted: readonly LifeEvent[], traced: readonly TracedStep[]): Step[] {
  if (traced.length === 0) return sorted([...(found ? ownSteps(found) : []), ...noted.map(notedStep)]);
  // The store knows better which way a copy went.
  const routed = noted.some(({ what }) => what.startsWith('handed-over'));
  return sorted([
    ...traced.filter(({ what }) => !(routed && what === 'handed over')).map(tracedStep),
    ...noted.filter(({ what }) => !SAID_BY_TRACE.has(what)).map(notedStep),
  ]);
}

function sorted(steps: Step[]): Step[] {
  const inTime = steps.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  // Of two sessions that had it, the store notes two ends.
  return causesFirst(inTime.filter((step, i) => !isSame(step, inTime[i - 1])));
}

function isSame(one: Step, other: Step | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** How far what the store has noted may be behind what was decided by it, ms: that is by Redis' clock, this by the process'. */
const TOGETHER = 2000;

/** What the store noted of a session (`session-ended`) is the reason of what was decided just then, and comes before it. */
export function causesFirst(steps: Step[]): Step[] {
  const all = [...steps];
  for (const noted of steps) {
    const at = all.indexOf(noted);
    const effect = all.findIndex(
      ({ why, at: when }) => why === noted.what && Math.abs(Date.parse(when) - Date.parse(noted.at)) <= TOGETHER,
    );
    if (effect >= 0 && effect < at) all.splice(effect, 0, ...all.splice(at, 1));
  }
  return all;
}

/** Everything that is known of one message, by its key, be it of an older version; undefined where nothing is. */
export async function life({ context, steps: kept }: ConsolePorts, given: string): Promise<Life | undefined> {
  const { queries, perform, messageTtl } = context;
  const key = presentKey(given);
  const [[found], noted, traced, explanation] = await Promise.all([
    queries.records([key]),
    queries.life(key),
    kept?.stepsOf(key) ?? [],
    perform(explain(key)),
  ]);
  const steps = timeline(found, noted, traced);
  if (found === undefined) return traced.length === 0 ? undefined : { message: lost(traced), traced: true, steps };
  const { record } = found;
  const message = defined({
    ...messageOf(summaryOf(found)),
    copies: copiesOf(record),
    fromResource: record.senderResource,
    attempts: record.attempt,
    receiptFrom: record.receiptResource === '' ? undefined : record.receiptResource,
    reason: record.state === 'rejected' ? (record.conditionText ?? record.condition) : undefined,
  });
  const next = nextOf(explanation && nextStepOf(explanation, messageTtl));
  return defined({ message, next, traced: traced.length > 0, steps }) as Life;
}

/** Of one that was refused, or is forgotten but for its steps. */
function lost(steps: readonly TracedStep[]): Life['message'] {
  const [{ key, sender, recipient, id, at }] = steps as [TracedStep];
  const state = steps.findLast(({ ending }) => ending !== undefined)?.ending ?? 'unknown';
  const known = { key, from: sender, to: recipient, id, stored: iso(at) };
  return { ...known, state, kept: false, copies: 0, fromResource: '', attempts: 0 };
}
