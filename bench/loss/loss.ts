import { readFileSync, writeFileSync } from 'node:fs';
import { NO_OPENFIRE } from '../../tests/support/gate/openfire-gate.ts';
import { OWN_SERVER } from '../../tests/support/stages/world.ts';
import { readFlags, wrongUsage } from '../../tools/flags.ts';
import { ROWS } from './rows.ts';
import { COLUMNS, SERVER_COLUMNS, Stage } from './stage.ts';
import { type Measured, page, pageWithServer, wanting } from './table.ts';

const flags = readFlags('npm run measure:loss --', 'what is lost, with the component and without', {
  messages: { type: 'string', default: '100', about: 'how many messages a cell' },
  row: { type: 'string', about: 'only the rows whose name has this in it; then nothing is written' },
  column: { type: 'string', about: 'only the columns whose name has this in it; then nothing is written' },
  server: {
    type: 'boolean',
    default: false,
    about:
      'column (f), and its clients without us, on the Openfire that the E2E_ variables and OPENFIRE_HOME name, with the plugin in it',
  },
});
if (flags.server && NO_OPENFIRE !== undefined) wrongUsage(`Wanted: ${NO_OPENFIRE}`);

const messages = Number(flags.messages);
const rows = ROWS.filter(({ name }) => name.includes(flags.row ?? ''));
// A gate has to be in the server.
const possible = flags.server ? SERVER_COLUMNS : COLUMNS.filter(({ gate = false }) => OWN_SERVER || !gate);
const columns = possible.filter(({ name }) => name.includes(flags.column ?? ''));
const say = (text: string) => process.stdout.write(`${text}\n`);

// A server that somebody else set up: with STARTTLS, as a rule, and a certificate of its own.
if (!OWN_SERVER) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
const open = new Map<boolean, Stage>();
/** On that server each is measured where the gate is. */
const isWithGate = ({ gate = false }: (typeof columns)[0]) => gate || flags.server;
for (const gate of new Set(columns.map(isWithGate))) open.set(gate, await Stage.open(gate));
const stop = () => Promise.all([...open.values()].map((stage) => stage.close()));
process.once('SIGINT', () => void stop().finally(() => process.exit(130)));
process.once('SIGTERM', () => void stop().finally(() => process.exit(143)));
const measured: Measured[] = [];
let server = 'Prosody, started for it';
try {
  if (!OWN_SERVER) server = (await [...open.values()][0]?.serverName()) ?? '';
  for (const row of rows) {
    say(row.name);
    for (const column of columns) {
      const outcome = await open.get(isWithGate(column))?.measure(row, column, messages);
      measured.push({ row, column, outcome });
      if (outcome === undefined) continue;
      const { lost, unnoticed, once, twice, needless, ours, doubted, unconfirmed } = outcome;
      const copies = `${needless} needless copies, ${ours} of them ours, of these ${doubted} in doubt, ${unconfirmed} unconfirmed`;
      say(`  ${column.name}: ${lost} lost (${unnoticed} unnoticed), ${once} once, ${twice} twice; ${copies}`);
    }
  }
} finally {
  await stop();
}
const file = new URL('../../docs/loss.md', import.meta.url);
const text = (flags.server ? pageWithServer : page)({ measured, messages, server }, readFileSync(file, 'utf8'));
const isWhole = flags.row === undefined && flags.column === undefined;
if (isWhole && (OWN_SERVER || flags.server)) writeFileSync(file, text);
else say(`\n${text}`);
for (const failure of wanting(measured)) {
  say(`NOT MET: ${failure}`);
  process.exitCode = 1;
}
