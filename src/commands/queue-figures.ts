import { type Command, refuseSubmission } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { formatTime, readOnlyField } from './format.ts';

/** What `/metrics` and the dashboard show, in short. */
export function figures(context: CommandContext): Command {
  return {
    node: 'figures',
    name: 'Queue figures',
    forAdmins: true,
    forms: 0,
    async begin() {
      const [rows, pause] = await Promise.all([context.figures(), context.queries.paused()]);
      const fields = rows.map(([name, value], i) => readOnlyField(`figure-${i + 1}`, name, value));
      fields.push(
        readOnlyField(
          'redelivery',
          'Redelivery',
          pause === undefined ? 'goes on' : `paused since ${formatTime(pause.since)} by ${pause.by}`,
        ),
      );
      return { result: { type: 'result', title: 'Queue figures', fields } };
    },
    submit: async () => refuseSubmission(),
  };
}
