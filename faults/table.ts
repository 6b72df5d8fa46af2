import type { Mode } from './mode.ts';
import { REDIS_KINDS, REPLICAS } from './redis-kind.ts';
import type { Figures } from './report.ts';
import type { Run } from './run.ts';
import type { Scenario } from './scenario.ts';
import { RULES } from './violation.ts';

/** One run of a scenario, counted. */
export interface Tallied {
  /** Of its scenario, with what tells it from others on its page: see {@link nameOf}. */
  readonly name: string;
  readonly figures: Figures;
  /** Messages a second, where a rate was asked for. */
  readonly reached?: number | undefined;
}

const AT = ' --rate ';
/**
 * What a run is called on its page: its scenario, and what else one has to type after `--scenario`. Each mode has a page for the one
 * Redis; all runs on several are on one page.
 */
export function nameOf({ scenario, mode, redis, rate }: Omit<Run, 'scenario' | 'seed'> & { scenario: string }): string {
  const where = redis === 'one' ? '' : ` --redis ${redis}${mode === 'subdomain' ? '' : ` --mode ${mode}`}`;
  return `${scenario}${where}${rate === undefined ? '' : `${AT}${rate}`}`;
}

const COLUMNS = ['runs', 'messages', 'acknowledged', 'delivered', 'told', 'lost', 'copies', 'violations'] as const;

/** Rules of the other mode. */
const OF_A_GATE = ['false proof', 'not passed', 'paused'];

/** In docs. */
export const FILES: Readonly<Record<Mode, string>> = { subdomain: 'faults.md', transparent: 'faults-transparent.md' };

/** A row of a page: its scenario's name, what is done, and the figures of {@link COLUMNS}. */
const ROW = /^\| `([\w-]+(?: --\w+ \w+)*)` \| (.*?) \|((?: [\d,]+ \|){8})$/gm;
const REACHED = /; ([\d,]+)(?: of [\d,]+)? messages a second$/;
const number = (text: string) => Number(text.replaceAll(',', ''));
const REFUSED = /^Of (\d+) messages that were refused .*, (\d+) were delivered all the same\.$/m;
const NOTHING = { told: 0, lost: 0, copies: 0, violations: 0, runs: 0, messages: 0, acknowledged: 0, delivered: 0 };

/** What a page says of scenarios that have not been run anew. Who was refused is said of all runs together, and stays so. */
export function kept(page: string, tallied: readonly Tallied[]): Tallied[] {
  const anew = new Set(tallied.map(({ name }) => name));
  const rows = [...page.matchAll(ROW)].map(([, name = '', about = '', numbers = '']): Tallied => {
    const values = numbers.split('|').map(number);
    const figures = Object.fromEntries(COLUMNS.map((column, i) => [column, values[i] ?? Number.NaN]));
    const [, reached] = REACHED.exec(about) ?? [];
    return {
      name,
      figures: { ...NOTHING, refused: 0, deliveredAfterRefusal: 0, ...figures },
      ...(name.includes(AT) && reached !== undefined && { reached: number(reached) }),
    };
  });
  const [, refused = 0, delivered = 0] = REFUSED.exec(page) ?? [];
  const figures = { ...NOTHING, refused: Number(refused), deliveredAfterRefusal: Number(delivered) };
  return [...rows.filter(({ name }) => !anew.has(name)), { name: '', figures }];
}

/** What was inflicted, and what became of the messages: the page of a mode. */
export function document(mode: Mode, scenarios: readonly Scenario[], tallied: readonly Tallied[]): string {
  const all = total(tallied.map(({ figures }) => figures));
  const table = tableOf(scenarios, tallied);
  return mode === 'transparent' ? transparentPage(scenarios, table) : subdomainPage(table, all);
}

function tableOf(scenarios: readonly Scenario[], tallied: readonly Tallied[]): string {
  const rows = scenarios.flatMap(({ name, about, replaces }) => {
    const names = new Set(tallied.map((run) => run.name).filter((own) => own === name || own.startsWith(`${name} --`)));
    return [...names].sort().map((own) => {
      const runs = tallied.filter((run) => run.name === own);
      const rates = runs.flatMap(({ reached }) => reached ?? []);
      const rate = rates.reduce((sum, one) => sum + one, 0) / rates.length;
      const asked = Number(own.split(AT)[1]).toLocaleString('en');
      const atRate =
        rates.length === 0 ? '' : `; ${Math.round(rate).toLocaleString('en')} of ${asked} messages a second`;
      return row(
        `\`${own}\``,
        `${about}${replaces ? durabilityOf(own) : ''}${atRate}`,
        total(runs.map(({ figures }) => figures)),
      );
    });
  });
  const all = total(tallied.map(({ figures }) => figures));
  return `| scenario | what is done | ${COLUMNS.join(' | ')} |
|---|---|${COLUMNS.map(() => '---:').join('|')}|
${[...rows, row('all', '', all)].join('\n')}`;
}

/** With which level a scenario is run that may replace a server: see run.ts. */
function durabilityOf(name: string): string {
  const redis = REDIS_KINDS.find((kind) => name.includes(` --redis ${kind}`)) ?? 'one';
  return redis === 'one' ? '' : `; DURABILITY=replicas:${REPLICAS[redis]}`;
}

/** In docs: campaigns on other Redis than one. */
export const GROUP_FILE = 'faults-cluster.md';

export function groupPage(scenarios: readonly Scenario[], tallied: readonly Tallied[]): string {
  return `# Faults survived on several Redis

<!-- Made by "npm run faults -- --redis cluster --write --add", also with --redis sentinel, and with --mode transparent. -->

The campaigns of [faults.md](faults.md) and [faults-transparent.md](faults-transparent.md) with the ledger on several Redis: \`--redis cluster\`
is a Redis Cluster of three masters, each with a replica (\`cluster-node-timeout\` 1.5 s), \`--redis sentinel\` a primary and two replicas with
three sentinels. All that hurts links, processes, sessions and the XMPP server is done there as well; in place of what is done to the one Redis
each has scenarios of its own.

\`--rate 1000\` has all senders write 1,000 messages a second together, or as many as the machine carries: the row says how many it were of
those asked for, from the first message to the last and without what senders write again. In one conversation two seconds' worth of messages
may be out without an answer; where it has them, another one is written in. Receipts have longer to come (\`RETRY_SCHEDULE=10s,20s\`,
\`MESSAGE_TTL=60s\`), no quota refuses a message, and Prosody keeps no archive. Servers, users and checker share the machine: most of two
cores, which \`chrt -r 10\` before the command gives them on a machine that has others to serve.
\`CLUSTER_RATE=1000 npm run test:integration -- cluster-failures\` moves a shard while 1,000 messages a second flow to it, and stops and kills
a master at 1,200; what was acknowledged is looked for in the ledger.

A message of these scenarios lives for 25 s. On a machine that has no time for the processes, messages expire while their receipts wait to
be read, which shows as *false failure*; and a Prosody that gets a ninth of a core stands still for 9 s of what it does in one, which shows
as *paused*. Such runs are not in the table.

${tableOf(scenarios, tallied)}
`;
}

function transparentPage(scenarios: readonly Scenario[], table: string): string {
  const leftOut = scenarios.flatMap(({ name, transparent }) =>
    typeof transparent === 'object' ? [`- \`${name}\`: ${transparent.not}`] : [],
  );
  return `# Faults survived in transparent mode

<!-- Made by "npm run faults -- --mode transparent --minutes N --write". -->

The campaign of [faults.md](faults.md) with \`MODE=transparent\`: users write to each other's own addresses, and Prosody holds
their messages by \`mod_receipts_gate\` until the component has stored them. Senders, recipients and faults are the same.

## What was inflicted

*Acknowledged* are those that the component has stored. The others passed unheld (the gate fails open), and the server delivered
them. *Told* counts receipts and failures; of a client that returns no receipts the gate sees that it has a message, which its
sender is not told. *Copies* are those that a client was given beside the first: the one who comes and goes loses messages and
receipts with his connection, and senders without an acknowledgement send again.

${table}

Left out:

${leftOut.join('\n')}

## What is checked

All that is checked in the other mode, and more strictly, as the server routes the originals and it is seen which session has
which:

- what the component did not acknowledge must be delivered, once for each time that it was written, within the gate's timeout;
- no message is refused;
- no fault of the component, of its link or of Redis accounts for a further copy, a lost receipt or another order: only one that
  parts a user from the server does, or stops the server;
- what the gate says a client has, that client was given before.

## Again

\`\`\`sh
npm run faults -- --mode transparent --scenario gate-unloaded --seed 7
\`\`\`
`;
}

function subdomainPage(table: string, all: Figures): string {
  return `# Faults survived

<!-- Made by "npm run faults -- --minutes N --write". -->

\`npm run faults\` runs the proxy as its own processes with a real Redis and a real Prosody, lets users of different temper
write to each other, inflicts faults, and takes down what each side wrote, saw and was told. Then it checks that history,
message by message. A seed decides what is inflicted and when; each run prints its seed. With \`--mode transparent\` it runs
with a gate in Prosody: [faults-transparent.md](faults-transparent.md); with \`--redis cluster\` or \`sentinel\` on several Redis:
[faults-cluster.md](faults-cluster.md).

Five senders: one who never sends again, one who does after 2 s without an acknowledgement, one after 12 s, one 1 s after
an error, and one with the client library. Six recipients: one confirms the first copy only, one each copy, one 0.3 to
3 s late, one on two devices, one never, and one comes and goes.

## What was inflicted

Messages: *acknowledged* to their senders; *delivered* to a client of the recipient, acknowledged or not; *told* are those
of the acknowledged whose senders were told how they ended. *Copies* are those that a client was given beside the first:
nobody is told of a fault before a receipt is missing, and the one who comes and goes loses his receipts with his
connection.

${table}

Of ${all.refused} messages that were refused (an error of type \`wait\`) and never acknowledged, ${all.deliveredAfterRefusal} were delivered all the same.

## What is checked

${Object.entries(RULES)
  .filter(([rule]) => !OF_A_GATE.includes(rule))
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
npm run faults -- --scenario redis-promoted --write --add   # only these rows of it
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
