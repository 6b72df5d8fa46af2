import type { AddressPolicy } from '../addressing/address-policy.ts';
import { cancel, type Owner, type Retried, requeue, retryNow, type StoredRecord } from '../store/contract.ts';
import type { Form } from '../xmpp/stanza/data-form.ts';
import { presentKey } from '../xmpp/stanza/message-key.ts';
import { type Command, chosenOption, type Note, optionsOf, type StepResult } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { countOf, describeState } from './format.ts';
import { MAX_ENTRIES, messageList, selectedMessages } from './message-list.ts';
import { displayName } from './user-names.ts';

const ACTIONS = { retry: 'Send again now', cancel: 'Cancel: do not send any more' } as const;

/** What became of a message that was to be sent again or to be cancelled. */
export type Outcome = 'sent' | 'waiting' | 'ordinary' | 'too soon' | 'cancelled' | 'gone';

const TEXT: Readonly<Record<Outcome, string>> = {
  sent: 'sent again',
  waiting: 'left to wait (the recipient is away, or his client returns no receipts)',
  // For a sender to whom any other answer would show whether the recipient is online.
  ordinary: 'noted, and sent again in the usual course',
  'too soon': 'sent again at your wish only a while ago',
  cancelled: 'cancelled',
  gone: 'not there any more',
};

const OTHERWISE: Partial<Record<Retried, Outcome>> = {
  waiting: 'waiting',
  ordinary: 'ordinary',
  'too soon': 'too soon',
};

/**
 * Requests another copy of each message.
 *
 * @param keys be they of an older version: a form may have been opened, and a dead letter put down, before the upgrade
 * @returns how many had which outcome
 */
export async function retryAll(
  context: Pick<CommandContext, 'perform' | 'requeued' | 'deadLetters'>,
  keys: readonly string[],
  owner: Owner,
): Promise<Map<Outcome, number>> {
  const outcomes = new Map<Outcome, number>();
  for (const given of keys) {
    const key = presentKey(given);
    const retried = await context.perform(retryNow(key, owner));
    const record = retried === 'undelivered' ? await context.perform(requeue(key)) : undefined;
    if (record !== undefined) {
      context.requeued(record);
      // Its dead letter has that name.
      if (given !== key) await context.deadLetters.remove(given);
    }
    const sent = retried === 'due' || retried === 'in flight' || record !== undefined;
    const outcome = sent ? 'sent' : (OTHERWISE[retried] ?? 'gone');
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  return outcomes;
}

/** Cancels each message. @param given keys, as of {@link retryAll} @returns how many had which outcome */
export async function cancelAll(
  context: Pick<CommandContext, 'perform' | 'queries' | 'ended'>,
  given: readonly string[],
  owner: Owner,
  by: string,
): Promise<Map<Outcome, number>> {
  const keys = given.map(presentKey);
  const outcomes = new Map<Outcome, number>();
  const known = new Map((await context.queries.records(keys)).map(({ record }) => [record.key, record]));
  for (const key of keys) {
    const cancelled = await context.perform(cancel(key, owner, Date.now(), by));
    const record: StoredRecord | undefined =
      cancelled.outcome === 'cancelled'
        ? cancelled.record
        : cancelled.outcome === 'dropped'
          ? known.get(key)
          : undefined;
    if (record !== undefined) context.ended(record, cancelled.outcome === 'cancelled' ? 'cancelled' : 'discarded');
    const outcome = cancelled.outcome === 'unknown' ? 'gone' : 'cancelled';
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  return outcomes;
}

/** `2 messages sent again, 1 message not there any more.`; a warning when nothing was done. */
export function summary(outcomes: ReadonlyMap<Outcome, number>): Note {
  const text = [...outcomes].map(([outcome, count]) => `${countOf(count, 'message')} ${TEXT[outcome]}`).join(', ');
  const isDone = (['sent', 'cancelled', 'ordinary'] as const).some((outcome) => outcomes.has(outcome));
  return { type: isDone ? 'info' : 'warn', text: `${text}.` };
}

/** A user's own messages without a receipt: cancel them, or send them again now. */
export function undelivered(context: CommandContext, addresses: AddressPolicy): Command {
  const list = async (sender: string): Promise<StepResult> => {
    const { found, total } = await context.queries.inTrouble(sender, MAX_ENTRIES);
    if (total === 0) return { note: { type: 'info', text: 'None of your messages is undelivered.' } };
    const form: Form = {
      type: 'form',
      title: 'My undelivered messages',
      instructions:
        'No receipt has come for these messages. Pick some and say what to do with them; the proxy goes on sending the ' +
        'waiting ones by itself. Times are UTC.',
      fields: [
        ...messageList(
          total > MAX_ENTRIES ? `The oldest ${MAX_ENTRIES} of ${total} messages` : countOf(total, 'message'),
          found.map((one) => ({
            value: one.record.key,
            at: one.record.firstStoredAt,
            who: displayName(addresses, one.record.recipient),
            what: describeState(one, true),
          })),
        ),
        {
          var: 'action',
          type: 'list-single',
          label: 'What to do',
          required: true,
          value: 'retry',
          options: optionsOf(ACTIONS),
        },
      ],
    };
    return { form, leadsTo: 'complete' };
  };
  return {
    node: 'undelivered',
    name: 'My undelivered messages',
    forAdmins: false,
    forms: 1,
    begin: ({ bare }) => list(bare),
    async submit(step) {
      const { bare } = step.requester;
      const action = chosenOption(step.values, 'action', ACTIONS);
      const keys = selectedMessages(step.values);
      if (action === 'retry' && (await context.queries.paused()) !== undefined) {
        return { note: { type: 'warn', text: 'Nothing was sent: redelivery is paused by an administrator.' } };
      }
      await step.endSession();
      const outcomes =
        action === 'retry' ? await retryAll(context, keys, bare) : await cancelAll(context, keys, bare, 'its sender');
      return { note: summary(outcomes) };
    },
  };
}
