import { type MessageSummary, summaryOf } from '../../commands/pending-survey.ts';
import { parseUser } from '../../commands/user-names.ts';
import type { TracedHead } from '../../store/contract.ts';
import { presentKey, recordKey } from '../../xmpp/stanza/message-key.ts';
import type { ConsolePorts } from '../ports.ts';
import type { Messages } from '../schemas.ts';
import { messageOf, type Summary } from './waiting.ts';

/** What is asked for; bare JIDs as they were written, times in ms since the epoch. */
export interface Search {
  readonly id?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** Dead letters that one search looks at. */
const LETTERS = 2000;

/** Fields that the model finds a message by. */
type Sought = Pick<MessageSummary, 'key' | 'sender' | 'recipient' | 'id' | 'storedAt'>;

/**
 * Finds messages by whatever is known of them, the newest first: those that wait, dead letters, those whose steps are kept;
 * and by sender, recipient and id together, or by its key, also one of which nothing else is left.
 *
 * @throws RequestError when an address is nobody's who is served
 */
export async function search(ports: ConsolePorts, asked: Search, limit: number): Promise<Messages> {
  const { context, addresses, steps } = ports;
  const { queries } = context;
  const userOf = (text: string | undefined) => (text === undefined ? undefined : parseUser(addresses, text));
  const { id, since, until } = asked;
  const [sender, recipient] = [userOf(asked.from), userOf(asked.to)];
  const isSought = (one: Sought) =>
    (id === undefined || id === one.id || presentKey(id) === one.key) &&
    (sender === undefined || sender === one.sender) &&
    (recipient === undefined || recipient === one.recipient) &&
    one.storedAt >= (since ?? 0) &&
    one.storedAt <= (until ?? Number.POSITIVE_INFINITY);

  const found = new Map<string, Summary>();
  let more = false;
  const take = (summary: MessageSummary) => {
    if (isSought(summary)) found.set(summary.key, summary);
  };
  const survey = await context.survey.take();
  more ||= !survey.all;
  survey.messages.forEach(take);
  if (sender !== undefined) for (const one of (await queries.inTrouble(sender, limit)).found) take(summaryOf(one));
  if (recipient !== undefined)
    for (const one of (await queries.waitingFor(recipient, limit)).found) take(summaryOf(one));

  const keys = new Set<string>();
  let looked = 0;
  for await (const letter of context.deadLetters.each(sender ?? recipient)) {
    looked += 1;
    if (looked > LETTERS) {
      more = true;
      break;
    }
    const { key, from, to, messageId, stored } = letter;
    const storedAt = Date.parse(stored);
    if (key === presentKey(letter.id) && isSought({ key, sender: from, recipient: to, id: messageId, storedAt }))
      keys.add(key);
  }
  const traced = await steps?.traced({ sender, recipient, since, until, ...(id !== undefined && { id }) }, limit);
  for (const { key } of traced?.found ?? []) keys.add(key);
  more ||= traced?.more ?? false;
  if (id !== undefined) keys.add(presentKey(id));
  const missing = [...keys].filter((key) => !found.has(key)).slice(0, 4 * limit);
  for (const one of await queries.records(missing)) take(summaryOf(one));
  // By all three also what has ended well, as long as duplicates are looked for.
  if (id !== undefined && sender !== undefined && recipient !== undefined)
    for (const one of await queries.byKey(recordKey(sender, recipient, id))) found.set(one.record.key, summaryOf(one));
  // Of those of which nothing but the steps is left.
  for (const head of traced?.found ?? []) if (!found.has(head.key)) found.set(head.key, forgotten(head));

  const sorted = [...found.values()].sort((one, other) => other.storedAt - one.storedAt);
  return { messages: sorted.slice(0, limit).map(messageOf), more: more || sorted.length > limit };
}

function forgotten({ key, sender, recipient, id, at, ending }: TracedHead): Summary {
  const unknown = { state: ending ?? ('unknown' as const), kept: false, due: undefined, copies: 0, bounced: false };
  return { key, sender, recipient, id, storedAt: at, ...unknown, endedAt: undefined };
}
