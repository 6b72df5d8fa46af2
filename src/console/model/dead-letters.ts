import type { DeadLetter as Letter } from '../../commands/command-context.ts';
import { presentKey } from '../../xmpp/stanza/message-key.ts';
import type { ConsolePorts } from '../ports.ts';
import type { DeadLetter, DeadLetters } from '../schemas.ts';

function letterOf({ id, key, from, to, messageId, stored, ended, why }: Letter): DeadLetter {
  return { id, from, to, messageId, stored, ended, why, message: key !== '' && key === presentKey(id) };
}

/** What was not delivered, of all or of one user (bare JID); the newest first. */
export async function deadLetters(
  { context }: ConsolePorts,
  user: string | undefined,
  limit: number,
): Promise<DeadLetters> {
  const { letters, total, all } = await context.deadLetters.list(user, limit);
  return { letters: letters.map(letterOf), total, all };
}

/** All of them as JSON lines, a piece at a time. */
export async function* exported({ context }: ConsolePorts, user: string | undefined): AsyncGenerator<string> {
  for await (const letter of context.deadLetters.each(user)) yield `${JSON.stringify(letterOf(letter))}\n`;
}
