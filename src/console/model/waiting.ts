import type { NextStep } from '../../commands/next-step.ts';
import type { MessageSummary } from '../../commands/pending-survey.ts';
import { waitingMessages } from '../../commands/waiting.ts';
import type { ConsolePorts } from '../ports.ts';
import type { Message, Waiting, WaitingMessage } from '../schemas.ts';
import { defined, iso } from './now.ts';

/** Also of a message of which nothing but its steps is left. */
export type Summary = Omit<MessageSummary, 'state'> & { readonly state: MessageSummary['state'] | 'unknown' };

export function messageOf(summary: Summary): Message {
  const { key, sender, recipient, id, storedAt, state, kept, copies, endedAt } = summary;
  const times = { stored: iso(storedAt), ended: iso(endedAt) };
  return defined({ key, from: sender, to: recipient, id, state, kept, copies, ...times }) as Message;
}

export function nextOf(step: NextStep | undefined): WaitingMessage['next'] {
  if (step === undefined) return undefined;
  const { what, at, ends, situation } = step;
  return { what, at: iso(at), ends, situation: { ...situation } };
}

/** Which messages wait, for whom, and what happens next. */
export async function waiting(ports: ConsolePorts, user: string | undefined, limit: number): Promise<Waiting> {
  const { messages, total, all } = await waitingMessages(ports.context, user, limit);
  return {
    messages: messages.map((one) => defined({ ...messageOf(one), next: nextOf(one.next) }) as WaitingMessage),
    total,
    all,
  };
}
