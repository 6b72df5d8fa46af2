import { pause, resume } from '../store/contract.ts';
import { type Command, chosenOption, optionsOf } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { formatTime } from './format.ts';

const ACTIONS = { pause: 'Pause', resume: 'Resume' } as const;

/** Pauses and resumes redelivery in all processes, by a flag in Redis that survives restarts. */
export function pauseRedelivery(context: CommandContext): Command {
  return {
    node: 'pause',
    name: 'Pause and resume redelivery',
    forAdmins: true,
    forms: 1,
    async begin() {
      const paused = await context.queries.paused();
      return {
        form: {
          type: 'form',
          title: 'Pause and resume redelivery',
          instructions:
            (paused === undefined
              ? 'Redelivery goes on.'
              : `Redelivery has been paused since ${formatTime(paused.since)}, by ${paused.by}.`) +
            ' While it is paused, new messages are taken and sent once, senders are told, and nothing is sent again. The ' +
            'life of a message goes on.',
          fields: [
            {
              var: 'action',
              type: 'list-single',
              label: 'What to do',
              required: true,
              value: paused === undefined ? 'pause' : 'resume',
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
      const by = step.requester.bare;
      if (action === 'pause') {
        const before = await context.perform(pause(by, Date.now()));
        if (before !== undefined) return { note: { type: 'info', text: `It was paused already, by ${before.by}.` } };
        context.log.warn({ by }, 'Redelivery is paused');
        return { note: { type: 'info', text: 'Redelivery is paused.' } };
      }
      const before = await context.perform(resume());
      if (before === undefined) return { note: { type: 'info', text: 'It was not paused.' } };
      context.log.info({ by }, 'Redelivery is resumed');
      return { note: { type: 'info', text: 'Redelivery is resumed; what is due is sent within a minute.' } };
    },
  };
}
