import type { AddressPolicy } from '../addressing/address-policy.ts';
import { type Command, requiredValue } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { countOf, describeNextStep, formatTime, readOnlyField, truncated } from './format.ts';
import { MAX_ENTRIES } from './message-list.ts';
import { type NextStep, nextSteps } from './next-step.ts';
import { type MessageSummary, summaryOf } from './pending-survey.ts';
import { displayName, parseUser } from './user-names.ts';

export interface WaitingMessage extends MessageSummary {
  /** Undefined of one that has ended meanwhile. */
  readonly next: NextStep | undefined;
}

export interface WaitingList {
  readonly messages: readonly WaitingMessage[];
  readonly total: number;
  /** Whether `total` is all, and not only of what could be looked at. */
  readonly all: boolean;
}

/**
 * Which messages wait for a user (bare JID), or for anybody: up to `limit`, the oldest first, each with its next step. Of
 * one user those are found that a survey of very many has missed, if the server has had a copy.
 */
export async function waitingMessages(
  context: Pick<CommandContext, 'queries' | 'perform' | 'survey' | 'messageTtl'>,
  user: string | undefined,
  limit: number,
): Promise<WaitingList> {
  const survey = await context.survey.take();
  let found = survey.messages.filter(({ recipient }) => user === undefined || recipient === user);
  let total = found.length;
  if (user !== undefined && !survey.all) {
    const known = await context.queries.waitingFor(user, limit);
    const all = new Map([...known.found.map(summaryOf), ...found].map((one) => [one.key, one]));
    found = [...all.values()].sort((one, other) => one.storedAt - other.storedAt);
    total = Math.max(known.total, found.length);
  }
  const shown = found.slice(0, limit);
  const keys = shown.map(({ key }) => key);
  const steps = await nextSteps(context.perform, keys, context.messageTtl);
  const messages = shown.map((one) => ({ ...one, next: steps.get(one.key) }));
  return { messages, total, all: survey.all };
}

/** Which messages wait for a user, since when, and what happens next; for an administrator. */
export function waiting(context: CommandContext, addresses: AddressPolicy): Command {
  return {
    node: 'waiting',
    name: 'Waiting for a user',
    forAdmins: true,
    forms: 1,
    async begin() {
      return {
        form: {
          type: 'form',
          title: 'Waiting for a user',
          fields: [{ var: 'user', type: 'text-single', label: 'Address of the user', required: true }],
        },
        leadsTo: 'complete',
      };
    },
    async submit({ values }) {
      const user = parseUser(addresses, requiredValue(values, 'user'));
      const [{ messages, total, all }, pause] = await Promise.all([
        waitingMessages(context, user, MAX_ENTRIES),
        context.queries.paused(),
      ]);
      if (total === 0) return { note: { type: 'info', text: `Nothing waits for ${user}.` } };
      const fields = messages.map((message, i) =>
        readOnlyField(`message-${i + 1}`, displayName(addresses, message.sender), [
          `Id: ${truncated(message.id)}`,
          `Stored: ${formatTime(message.storedAt)}; ${countOf(message.copies, 'copy', 'copies')} handed over`,
          `Next: ${describeNextStep(message.next)}`,
        ]),
      );
      if (pause !== undefined) fields.unshift(readOnlyField('paused', 'Redelivery', `paused by ${pause.by}`));
      const count = `${all ? '' : 'At least '}${countOf(total, 'message')}`;
      const shown = messages.length < total ? `, of which the oldest ${messages.length}` : '';
      return { result: { type: 'result', title: `For ${user}: ${count}${shown}`, fields } };
    },
  };
}
