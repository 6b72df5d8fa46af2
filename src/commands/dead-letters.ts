import type { AddressPolicy } from '../addressing/address-policy.ts';
import { type Command, choice, optionsOf, type Stage, type Step } from './command.ts';
import type { Desk } from './desk.ts';
import { listOf, picked, SHOWN } from './lists.ts';
import { nameOf, userNamed } from './people.ts';
import { cancelAll, retryAll, summary } from './undelivered.ts';
import { many } from './words.ts';

const ACTIONS = { retry: 'Send after all', drop: 'Drop' } as const;

/** What has ended undelivered, of all users: to be sent after all, or thrown away. */
export function deadLetters(desk: Desk, addresses: AddressPolicy): Command {
  const list = async (of: string | undefined): Promise<Stage> => {
    const { letters, total } = await desk.deadLetters.list(of, SHOWN);
    if (total === 0) return { note: { type: 'info', text: 'Nothing is undelivered.' } };
    return {
      ask: {
        type: 'form',
        title: 'Retry or drop undelivered',
        instructions:
          'What is sent after all begins a new life. What is dropped cannot be sent any more. Times are UTC, and of the end.',
        fields: [
          ...listOf(
            total > SHOWN ? `The newest ${SHOWN} of ${total}` : many(total, 'message'),
            letters.map(({ id, from, to, ended, why }) => ({
              value: id,
              at: Date.parse(ended),
              who: `${nameOf(addresses, from)} to ${nameOf(addresses, to)}`,
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
  const act = async (step: Step): Promise<Stage> => {
    const action = choice(step.values, 'action', ACTIONS);
    const keys = picked(step.values);
    if (action === 'retry' && (await desk.queries.paused()) !== undefined) {
      return { note: { type: 'warn', text: 'Nothing was sent: redelivery is paused. Resume it first.' } };
    }
    await step.once();
    if (action === 'retry') {
      return { note: summary(await retryAll(desk, keys, undefined)) };
    }
    await cancelAll(desk, keys, undefined, 'an administrator');
    // Also those that the ledger knows nothing of: stanzas that ended the stream.
    for (const key of keys) await desk.deadLetters.remove(key);
    return { note: { type: 'info', text: `${many(keys.length, 'message')} dropped.` } };
  };
  return {
    node: 'dead-letters',
    name: 'Retry or drop undelivered',
    forAdmins: true,
    forms: 2,
    async begin() {
      return {
        ask: {
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
      return list(user === '' ? undefined : userNamed(addresses, user));
    },
  };
}
