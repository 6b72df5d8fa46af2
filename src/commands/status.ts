import type { Command } from './command.ts';
import { noForm } from './command.ts';
import type { Desk } from './desk.ts';
import { time, told } from './words.ts';

/** Whether the proxy works, for everybody. It answers when Redis does not, since it is asked then. */
export function status(desk: Desk): Command {
  return {
    node: 'status',
    name: 'Status of the proxy',
    forAdmins: false,
    forms: 0,
    async begin({ bare }) {
      const problems = await desk.problems();
      const works = problems.length === 0;
      const fields = [
        // What exactly is wrong is for the log: it names hosts and ports. The link works, or this would not be asked.
        told('state', 'State', works ? 'Messages are taken' : 'Messages are not taken: no storage'),
      ];
      try {
        const [pause, { total }] = await Promise.all([desk.queries.paused(), desk.queries.inTrouble(bare, 0)]);
        const paused = pause === undefined ? 'goes on' : `paused since ${time(pause.since)}`;
        fields.push(told('redelivery', 'Sending again', paused));
        fields.push(told('undelivered', 'Of your messages', `${total} without a receipt`));
      } catch {
        // That Redis does not answer is among the problems.
      }
      fields.push(told('version', 'Version', desk.version));
      return { tell: { type: 'result', title: 'Status of the proxy', fields } };
    },
    submit: async () => noForm(),
  };
}
