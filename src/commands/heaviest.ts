import { type Command, noForm } from './command.ts';
import type { Desk } from './desk.ts';
import { many, told } from './words.ts';

/** Those that are shown: a flood has few sources, or more than anybody reads. */
const SHOWN = 20;

/** Who has most waiting, for an administrator whose Redis fills. */
export function heaviestSenders(desk: Desk): Command {
  return {
    node: 'heaviest',
    name: 'Heaviest senders',
    forAdmins: true,
    forms: 0,
    async begin() {
      const loads = await desk.queries.heaviest(SHOWN);
      if (loads.length === 0) return { note: { type: 'info', text: 'No message waits for a receipt.' } };
      const fields = loads.map(({ of, messages, bytes }, i) =>
        told(
          `sender-${i + 1}`,
          of.startsWith('@') ? `All of ${of.slice(1)}` : of,
          `${many(messages, 'message')}, ${Math.ceil(bytes / 1024)} KiB`,
        ),
      );
      return { tell: { type: 'result', title: 'Messages that wait for a receipt, by sender', fields } };
    },
    submit: async () => noForm(),
  };
}
