import type { Command } from './command.ts';
import { refuseSubmission } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { formatTime, readOnlyField } from './format.ts';

/** Whether the component works, for every user. It answers also while Redis does not. */
export function status(context: CommandContext): Command {
  return {
    node: 'status',
    name: 'Status of the proxy',
    forAdmins: false,
    forms: 0,
    async begin({ bare }) {
      const problems = await context.problems();
      const works = problems.length === 0;
      const fields = [
        // Details name hosts and ports and go to the log only. The link works, or this request would not have come.
        readOnlyField('state', 'State', works ? 'Messages are taken' : 'Messages are not taken: no storage'),
      ];
      try {
        const [pause, { total }] = await Promise.all([context.queries.paused(), context.queries.inTrouble(bare, 0)]);
        const paused = pause === undefined ? 'goes on' : `paused since ${formatTime(pause.since)}`;
        fields.push(readOnlyField('redelivery', 'Sending again', paused));
        fields.push(readOnlyField('undelivered', 'Of your messages', `${total} without a receipt`));
      } catch {
        // That Redis does not answer is among the problems.
      }
      fields.push(readOnlyField('version', 'Version', context.version));
      return { result: { type: 'result', title: 'Status of the proxy', fields } };
    },
    submit: async () => refuseSubmission(),
  };
}
