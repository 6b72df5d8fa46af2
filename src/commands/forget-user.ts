import type { AddressPolicy } from '../addressing/address-policy.ts';
import { badPayload, type Command, requiredValue } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { countOf } from './format.ts';
import { parseUser } from './user-names.ts';

/** Erases everything that is stored about one user, after a confirmation. */
export function forgetUser(context: CommandContext, addresses: AddressPolicy): Command {
  return {
    node: 'forget',
    name: 'Forget a user',
    forAdmins: true,
    forms: 2,
    async begin() {
      return {
        form: {
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
      const user = parseUser(addresses, requiredValue(values, 'user'));
      if (!values.has('confirm')) {
        const { count, all } = await context.countRecords(user);
        return {
          form: {
            type: 'form',
            title: 'Forget a user',
            instructions:
              `${all ? '' : 'More than '}${countOf(count, 'message')} of or to ${user} ${count === 1 ? 'is' : 'are'} stored. ` +
              'Those that wait are not delivered, and nobody is told. This cannot be undone.',
            fields: [
              { var: 'user', type: 'hidden', value: user },
              { var: 'confirm', type: 'boolean', label: `Erase all about ${user}`, required: true, value: '0' },
            ],
          },
          leadsTo: 'complete',
        };
      }
      // XEP-0004 section 3.3 allows both forms.
      if (!['1', 'true'].includes(requiredValue(values, 'confirm'))) throw badPayload('It is not confirmed');
      await step.endSession();
      context.log.warn({ by: step.requester.bare }, 'Forgetting a user');
      const { done, erased } = await context.forget(user);
      return {
        note: {
          type: 'info',
          text: done
            ? `${countOf(erased, 'message')} erased; nothing about ${user} is stored any more.`
            : `${countOf(erased, 'message')} erased so far; it goes on by itself. To see how far it is, do the same again.`,
        },
      };
    },
  };
}
