import type { Command } from './command.ts';
import { noForm } from './command.ts';
import type { Desk } from './desk.ts';
import { many, time, told } from './words.ts';

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
        told('state', 'State', works ? 'Messages are taken and delivered' : 'Messages are not taken'),
        ...(works ? [] : [told('problems', 'What is wrong', problems)]),
      ];
      try {
        const [pause, { total }] = await Promise.all([desk.inquiry.paused(), desk.inquiry.inTrouble(bare, 0)]);
        const paused = pause === undefined ? 'goes on' : `paused since ${time(pause.since)}`;
        fields.push(told('redelivery', 'Sending again', paused));
        fields.push(told('undelivered', 'Of your messages', `${many(total, 'message')} without a receipt`));
      } catch {
        // That Redis does not answer is among the problems.
      }
      fields.push(told('version', 'Version', desk.version));
      return { tell: { type: 'result', title: 'Status of the proxy', fields } };
    },
    submit: async () => noForm(),
  };
}
