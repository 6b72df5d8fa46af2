import { type Command, noForm } from './command.ts';
import type { Desk } from './desk.ts';
import { time, told } from './words.ts';

/** What `/metrics` and the dashboard show, in short. */
export function figures(desk: Desk): Command {
  return {
    node: 'figures',
    name: 'Queue figures',
    forAdmins: true,
    forms: 0,
    async begin() {
      const [rows, pause] = await Promise.all([desk.figures(), desk.queries.paused()]);
      const fields = rows.map(([name, value], i) => told(`figure-${i + 1}`, name, value));
      fields.push(
        told(
          'redelivery',
          'Redelivery',
          pause === undefined ? 'goes on' : `paused since ${time(pause.since)} by ${pause.by}`,
        ),
      );
      return { tell: { type: 'result', title: 'Queue figures', fields } };
    },
    submit: async () => noForm(),
  };
}
