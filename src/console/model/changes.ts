import { cancelAll, type Outcome, retryAll } from '../../commands/undelivered.ts';
import { presentKey } from '../../xmpp/stanza/message-key.ts';
import type { ConsolePorts } from '../ports.ts';
import type { Outcomes } from '../schemas.ts';

/** Dead letters that one request sends again. */
const AT_ONCE = 1000;

const NOTHING: Outcomes = { sent: 0, left: 0, ended: 0, gone: 0, more: false, paused: false };

const MEANS: Readonly<Record<Outcome, 'sent' | 'left' | 'ended' | 'gone'>> = {
  sent: 'sent',
  waiting: 'left',
  ordinary: 'sent',
  'too soon': 'left',
  cancelled: 'ended',
  gone: 'gone',
};

function counted(outcomes: ReadonlyMap<Outcome, number>): Outcomes {
  const all = { ...NOTHING };
  for (const [outcome, count] of outcomes) all[MEANS[outcome]] += count;
  return all;
}

/** Sends these messages again, whether they wait or have failed. */
export async function retry({ context }: ConsolePorts, keys: readonly string[]): Promise<Outcomes> {
  if ((await context.queries.paused()) !== undefined) return { ...NOTHING, paused: true };
  return counted(await retryAll(context, keys, undefined));
}

/** Gives them up: those that wait end with nobody told, and dead letters are thrown away. */
export async function giveUp({ context }: ConsolePorts, keys: readonly string[]): Promise<Outcomes> {
  const outcomes = counted(await cancelAll(context, keys, undefined, 'an administrator'));
  // Also quarantined stanzas, which have no record in the store.
  for (const key of keys) await context.deadLetters.remove(key);
  return outcomes;
}

/** Sends all dead letters to a user (bare JID) again; with very many, the newest of them, and says that there are more. */
export async function retryAllTo(ports: ConsolePorts, user: string): Promise<Outcomes> {
  const keys: string[] = [];
  let more = false;
  for await (const { id, key, to } of ports.context.deadLetters.each(user)) {
    if (key === '' || to !== user) continue;
    more = keys.length === AT_ONCE;
    if (more) break;
    keys.push(key === presentKey(id) ? id : key);
  }
  return { ...(await retry(ports, keys)), more };
}
