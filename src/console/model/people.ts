import type { ConsolePorts } from '../ports.ts';
import type { Forgotten, People, Records } from '../schemas.ts';
import { iso } from './now.ts';

/** People and senders that are listed. */
const MOST = 100;
const HEAVIEST = 20;

/** For whom messages wait, and who has the most in the store. */
export async function people({ context }: ConsolePorts): Promise<People> {
  const [survey, heaviest] = await Promise.all([context.survey.take(), context.queries.heaviest(HEAVIEST)]);
  const waiting = new Map<string, { user: string; messages: number; oldest: string }>();
  // The oldest come first, so that a user's first one is his oldest.
  for (const { recipient, storedAt } of survey.messages) {
    const known = waiting.get(recipient);
    if (known === undefined) waiting.set(recipient, { user: recipient, messages: 1, oldest: iso(storedAt) });
    else known.messages += 1;
  }
  return {
    waiting: [...waiting.values()].slice(0, MOST),
    total: waiting.size,
    all: survey.all,
    heaviest: heaviest.map(({ of, messages, bytes }) => ({ of, messages, bytes })),
  };
}

/** How much there is to forget of a user (bare JID). */
export async function records({ context }: ConsolePorts, user: string): Promise<Records> {
  const { count, all } = await context.countRecords(user);
  return { user, records: count, all };
}

/** Erases all that is stored of a user, or looks how far it is. */
export async function forget({ context }: ConsolePorts, user: string): Promise<Forgotten> {
  context.log.warn({ by: 'console' }, 'Forgetting a user');
  const { done, erased } = await context.forget(user);
  return { user, done, erased };
}
