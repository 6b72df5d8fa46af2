import { type Command, chosenOption, optionsOf } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { formatTime } from './format.ts';

const ACTIONS = { send: 'Send them again', end: 'End them' } as const;

/** Says what becomes of what was pending in an older copy of the ledger that was restored: nothing does before. */
export function restoredLedger(context: CommandContext): Command {
  return {
    node: 'restored',
    name: 'Restored ledger',
    forAdmins: true,
    forms: 1,
    async begin() {
      const held = await context.restored.state();
      if (held === undefined) return { note: { type: 'info', text: 'No older copy of Redis was restored.' } };
      return {
        form: {
          type: 'form',
          title: 'Restored ledger',
          instructions:
            `An older copy of the data in Redis was found on ${formatTime(held.upto)}. Messages that were pending in it: ` +
            `${held.pending}. Some may have been delivered before. Send them again, or end them: their senders are told ` +
            'that nobody confirmed them.',
          fields: [
            {
              var: 'action',
              type: 'list-single',
              label: 'What to do',
              required: true,
              options: optionsOf(ACTIONS),
            },
          ],
        },
        leadsTo: 'complete',
      };
    },
    async submit(step) {
      const action = chosenOption(step.values, 'action', ACTIONS);
      await step.endSession();
      const { before, ended, done } = await context.restored.say(action, step.requester.bare);
      const text =
        before === undefined
          ? 'Nothing is held back any more.'
          : action === 'send'
            ? 'They are sent again: what is due, within a minute; else when their recipients come.'
            : done
              ? `Ended: ${ended}.`
              : `Ended so far: ${ended}. It goes on.`;
      return { note: { type: 'info', text } };
    },
  };
}
