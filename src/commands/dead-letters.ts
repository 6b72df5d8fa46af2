import type { AddressPolicy } from '../addressing/address-policy.ts';
import { type Command, chosenOption, optionsOf, type Step, type StepResult } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { countOf } from './format.ts';
import { MAX_ENTRIES, messageList, selectedMessages } from './message-list.ts';
import { cancelAll, retryAll, summary } from './undelivered.ts';
import { displayName, parseUser } from './user-names.ts';

const ACTIONS = { retry: 'Send after all', drop: 'Drop' } as const;

/** Dead letters of all users: send them again or drop them. */
export function deadLetters(context: CommandContext, addresses: AddressPolicy): Command {
  const list = async (of: string | undefined): Promise<StepResult> => {
    const { letters, total, all } = await context.deadLetters.list(of, MAX_ENTRIES);
    if (total === 0) {
      const text = all
        ? 'Nothing is undelivered.'
        : 'Nothing of the newest that are undelivered is from or to this user.';
      return { note: { type: 'info', text } };
    }
    return {
      form: {
        type: 'form',
        title: 'Retry or drop undelivered',
        instructions:
          'What is sent after all begins a new life. What is dropped cannot be sent any more. Times are UTC, and of the end.',
        fields: [
          ...messageList(
            total > MAX_ENTRIES || !all
              ? `The newest ${letters.length} of ${all ? '' : 'at least '}${total}`
              : countOf(total, 'message'),
            letters.map(({ id, from, to, ended, why }) => ({
              value: id,
              at: Date.parse(ended),
              who: `${displayName(addresses, from)} to ${displayName(addresses, to)}`,
              what: why,
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
      },
      leadsTo: 'complete',
    };
  };
  const act = async (step: Step): Promise<StepResult> => {
    const action = chosenOption(step.values, 'action', ACTIONS);
    const keys = selectedMessages(step.values);
    if (action === 'retry' && (await context.queries.paused()) !== undefined) {
      return { note: { type: 'warn', text: 'Nothing was sent: redelivery is paused. Resume it first.' } };
    }
    await step.endSession();
    if (action === 'retry') {
      return { note: summary(await retryAll(context, keys, undefined)) };
    }
    await cancelAll(context, keys, undefined, 'an administrator');
    // Also quarantined stanzas, which have no record in the ledger.
    for (const key of keys) await context.deadLetters.remove(key);
    return { note: { type: 'info', text: `${countOf(keys.length, 'message')} dropped.` } };
  };
  return {
    node: 'dead-letters',
    name: 'Retry or drop undelivered',
    forAdmins: true,
    forms: 2,
    async begin() {
      return {
        form: {
          type: 'form',
          title: 'Retry or drop undelivered',
          fields: [{ var: 'user', type: 'text-single', label: 'From or to (empty: everybody)', value: '' }],
        },
        leadsTo: 'next',
      };
    },
    submit(step) {
      if (step.values.has('action')) return act(step);
      const user = step.values.get('user')?.[0]?.trim() ?? '';
      return list(user === '' ? undefined : parseUser(addresses, user));
    },
  };
}
