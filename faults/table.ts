import type { Figures } from './report.ts';
import type { Scenario } from './scenario.ts';
import { RULES } from './violation.ts';

/** One run of a scenario, counted. */
export interface Tallied {
  readonly name: string;
  readonly figures: Figures;
}

const COLUMNS = ['runs', 'messages', 'acknowledged', 'delivered', 'told', 'lost', 'copies', 'violations'] as const;

/** docs/faults.md: what was inflicted, and what became of the messages. */
export function document(scenarios: readonly Scenario[], tallied: readonly Tallied[]): string {
  const rows = scenarios.flatMap(({ name, about }) => {
    const own = tallied.filter((run) => run.name === name).map(({ figures }) => figures);
    return own.length === 0 ? [] : [row(`\`${name}\``, about, total(own))];
  });
  const all = total(tallied.map(({ figures }) => figures));
  return `# Faults survived

<!-- Made by "npm run faults -- --minutes N --write". -->

\`npm run faults\` runs the proxy as its own processes with a real Redis and a real Prosody, lets users of different temper
write to each other, inflicts faults, and takes down what each side wrote, saw and was told. Then it checks that history,
message by message. A seed decides what is inflicted and when; each run prints its seed.

Five senders: one who never sends again, one who does after 2 s without an acknowledgement, one after 12 s, one 1 s after
an error, and one with the client library. Six recipients: one confirms the first copy only, one each copy, one 0.3 to
3 s late, one on two devices, one never, and one comes and goes.

## What was inflicted

Messages: *acknowledged* to their senders; *delivered* to a client of the recipient, acknowledged or not; *told* are those
of the acknowledged whose senders were told how they ended. *Copies* are those that a client was given beside the first:
nobody is told of a fault before a receipt is missing, and the one who comes and goes loses his receipts with his
connection.

| scenario | what is done | ${COLUMNS.join(' | ')} |
|---|---|${COLUMNS.map(() => '---:').join('|')}|
${[...rows, row('all', '', all)].join('\n')}

Of ${all.refused} messages that were refused (an error of type \`wait\`) and never acknowledged, ${all.deliveredAfterRefusal} were delivered all the same.

## What is checked

${Object.entries(RULES)
  .map(([rule, what]) => `- *${rule}*: ${what}`)
  .join('\n')}

What a message may suffer follows from the settings and the faults of its life: its end is told within \`MESSAGE_TTL\`, the
leases of what a dead process had in hand, and a sweep; a recipient is given one copy, one more for each fault, and one for
each step of \`RETRY_SCHEDULE\` that passes before its receipt.

## Again

\`\`\`sh
npm run faults -- --list                        # the scenarios
npm run faults -- --scenario redis-hung --seed 7  # one of them; without a seed a new one
npm run faults -- --minutes 60 --write          # new seeds round after round, and this page
\`\`\`

A run that breaks a promise prints the message with the shortest history, and how to run it again; the exit status is 1.
The seed decides all that is inflicted; how the machine's threads take turns it does not, so that some faults show only in
one run of several. \`--jobs 2\` runs two at a time; \`--keep FOLDER\` keeps histories and logs. The scenarios with
stepped clocks need \`libfaketime\` (Debian: \`apt-get install faketime\`) and are skipped without it.
`;
}

function row(name: string, about: string, figures: Figures): string {
  const numbers = COLUMNS.map((column) => figures[column].toLocaleString('en'));
  return `| ${name} | ${about} | ${numbers.join(' | ')} |`;
}

/** The sums. */
function total(all: readonly Figures[]): Figures {
  const sum = (key: keyof Figures) => all.reduce((total, figures) => total + figures[key], 0);
  return {
    runs: sum('runs'),
    messages: sum('messages'),
    acknowledged: sum('acknowledged'),
    delivered: sum('delivered'),
    told: sum('told'),
    lost: sum('lost'),
    copies: sum('copies'),
    refused: sum('refused'),
    deliveredAfterRefusal: sum('deliveredAfterRefusal'),
    violations: sum('violations'),
  };
}
