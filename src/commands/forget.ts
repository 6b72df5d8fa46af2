import type { AddressPolicy } from '../addressing/address-policy.ts';
import { badPayload, type Command, wanted } from './command.ts';
import type { Desk } from './desk.ts';
import { userNamed } from './people.ts';
import { many } from './words.ts';

/** Erases all that is stored about one user, when that is confirmed. */
export function forgetUser(desk: Desk, addresses: AddressPolicy): Command {
  return {
    node: 'forget',
    name: 'Forget a user',
    forAdmins: true,
    forms: 2,
    async begin() {
      return {
        ask: {
          type: 'form',
          title: 'Forget a user',
          instructions:
            'Erases his messages, those to him, undelivered ones, subscriptions and all else that is stored.',
          fields: [{ var: 'user', type: 'text-single', label: 'Address of the user', required: true }],
        },
        leadsTo: 'next',
      };
    },
    async submit(step) {
      const { values } = step;
      const user = userNamed(addresses, wanted(values, 'user'));
      if (!values.has('confirm')) {
        const { count, all } = await desk.countRecords(user);
        return {
          ask: {
            type: 'form',
            title: 'Forget a user',
            instructions:
              `${all ? '' : 'More than '}${many(count, 'message')} of or to ${user} ${count === 1 ? 'is' : 'are'} stored. ` +
              'Those that wait are not delivered, and nobody is told. This cannot be undone.',
            fields: [
              { var: 'user', type: 'hidden', value: user },
              { var: 'confirm', type: 'boolean', label: `Erase all about ${user}`, required: true, value: '0' },
            ],
          },
          leadsTo: 'complete',
        };
      }
      // XEP-0004 section 3.3: both ways of writing it are allowed.
      if (!['1', 'true'].includes(wanted(values, 'confirm'))) throw badPayload('It is not confirmed');
      await step.once();
      desk.log.warn({ by: step.asker.bare }, 'Forgetting a user');
      const { done, erased } = await desk.forget(user);
      return {
        note: {
          type: 'info',
          text: done
            ? `${many(erased, 'message')} erased; nothing about ${user} is stored any more.`
            : `${many(erased, 'message')} erased so far; it goes on by itself. To see how far it is, do the same again.`,
        },
      };
    },
  };
}
