import { type Command, refuseSubmission } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { countOf, readOnlyField } from './format.ts';

/** Senders that are listed. */
const MAX_ENTRIES = 20;

/** The senders with the most pending messages, for an administrator whose Redis fills up. */
export function heaviestSenders(context: CommandContext): Command {
  return {
    node: 'heaviest',
    name: 'Heaviest senders',
    forAdmins: true,
    forms: 0,
    async begin() {
      const loads = await context.queries.heaviest(MAX_ENTRIES);
      if (loads.length === 0) return { note: { type: 'info', text: 'No message waits for a receipt.' } };
      const fields = loads.map(({ of, messages, bytes }, i) =>
        readOnlyField(
          `sender-${i + 1}`,
          of.startsWith('@') ? `All of ${of.slice(1)}` : of,
          `${countOf(messages, 'message')}, ${Math.ceil(bytes / 1024)} KiB`,
        ),
      );
      return { result: { type: 'result', title: 'Messages that wait for a receipt, by sender', fields } };
    },
    submit: async () => refuseSubmission(),
  };
}
