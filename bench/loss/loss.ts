import { writeFileSync } from 'node:fs';
import { OWN_SERVER } from '../../tests/support/stages/world.ts';
import { readFlags } from '../../tools/flags.ts';
import { ROWS } from './rows.ts';
import { COLUMNS, Stage } from './stage.ts';
import { type Measured, markdown, wanting } from './table.ts';

const flags = readFlags('npm run measure:loss --', 'what is lost, with the component and without', {
  messages: { type: 'string', default: '100', about: 'how many messages a cell' },
  row: { type: 'string', about: 'only the rows whose name has this in it; then nothing is written' },
  column: { type: 'string', about: 'only the columns whose name has this in it; then nothing is written' },
});

const messages = Number(flags.messages);
const rows = ROWS.filter(({ name }) => name.includes(flags.row ?? ''));
// A gate has to be in the server.
const columns = COLUMNS.filter(({ name, gate }) => name.includes(flags.column ?? '') && (OWN_SERVER || !gate));
const say = (text: string) => process.stdout.write(`${text}\n`);

// A server that somebody else set up: with STARTTLS, as a rule, and a certificate of its own.
if (!OWN_SERVER) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
const stages = { plain: await Stage.open(), gate: await Stage.open(true) };
const stop = () => Promise.all([stages.plain.close(), stages.gate.close()]);
process.once('SIGINT', () => void stop().finally(() => process.exit(130)));
process.once('SIGTERM', () => void stop().finally(() => process.exit(143)));
const measured: Measured[] = [];
try {
  for (const row of rows) {
    say(row.name);
    for (const column of columns) {
      const outcome = await (column.gate ? stages.gate : stages.plain).measure(row, column, messages);
      measured.push({ row, column, outcome });
      if (outcome === undefined) continue;
      const { lost, unnoticed, once, twice } = outcome;
      say(`  ${column.name}: ${lost} lost (${unnoticed} unnoticed), ${once} once, ${twice} twice`);
    }
  }
} finally {
  await stop();
}
const page = markdown(measured, messages);
if (OWN_SERVER && flags.row === undefined && flags.column === undefined) {
  writeFileSync(new URL('../../docs/loss.md', import.meta.url), page);
} else say(`\n${page}`);
for (const failure of wanting(measured)) {
  say(`NOT MET: ${failure}`);
  process.exitCode = 1;
}
