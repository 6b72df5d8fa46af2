import os from 'node:os';
import { ROWS, type Row } from './rows.ts';
import type { Column, Outcome } from './stage.ts';

export interface Measured {
  readonly row: Row;
  readonly column: Column;
  readonly outcome: Outcome | undefined;
}

/** What the proxy promises, where a measurement shows otherwise. */
export function wanting(measured: readonly Measured[]): string[] {
  return measured.flatMap(({ row, column, outcome }) => {
    if (outcome === undefined || !column.proxy) return [];
    const { lost, unnoticed, twice, mostNeedless } = outcome;
    const problems: string[] = [];
    if (unnoticed > 0) problems.push(`${unnoticed} lost that were acknowledged`);
    // Each row is one fault.
    if (mostNeedless > 1) problems.push(`${mostNeedless} needless copies of a message`);
    if (column.gate && lost > 0) problems.push(`${lost} lost`);
    if (column.gate && avoidable(outcome) > 0) problems.push(`${avoidable(outcome)} needless copies for no reason`);
    if (column.library && lost > 0) problems.push(`${lost} lost`);
    if (column.library && twice > 0) problems.push(`${twice} seen twice`);
    return problems.map((problem) => `${row.name}, ${column.name}: ${problem}`);
  });
}

function cell(outcome: Outcome | undefined): string {
  if (outcome === undefined) return '–';
  const { lost, once, twice, unnoticed } = outcome;
  const [left, known] = [lost > 0 ? `**${lost}**` : '0', lost > 0 ? ` (${unnoticed})` : ''];
  return `${left}${known} · ${once} · ${twice}`;
}

function needless(outcome: Outcome | undefined): string {
  if (outcome === undefined) return '–';
  return outcome.needless === 0 ? '0' : `${outcome.needless} (${outcome.mostNeedless})`;
}

/** Copies of the proxy's that no rule wants. */
const avoidable = ({ ours, doubted, unconfirmed }: Outcome) => ours - doubted - unconfirmed;

/** The proxy's by why it sent them, and those that the server or the sender's client made. */
function needlessByWhom(outcome: Outcome | undefined): string {
  if (outcome === undefined) return '–';
  const { needless, ours, doubted, unconfirmed } = outcome;
  return `${avoidable(outcome)} · ${doubted} · ${unconfirmed} · ${needless - ours}`;
}

/** What a page says of one server. */
interface Setting {
  readonly measured: readonly Measured[];
  readonly messages: number;
  /** The server, as the page names it. */
  readonly server: string;
}

/** Begins the part of docs/loss.md that is measured on an Openfire, which not everybody has. */
const SERVER_PART = '\n## On Openfire\n';

/** docs/loss.md, with the part that an earlier run on an Openfire has written. */
export function page(setting: Setting, before: string): string {
  const kept = before.indexOf(SERVER_PART);
  return kept < 0 ? ownPart(setting) : ownPart(setting) + before.slice(kept);
}

/** The same with another part for Openfire, which is all that changes. */
export function pageWithServer(setting: Setting, before: string): string {
  const kept = before.indexOf(SERVER_PART);
  return (kept < 0 ? before : before.slice(0, kept)) + serverPart(setting);
}

/** @param others the columns without a gate whose needless copies are counted, by what they are called there */
function table({ measured, messages }: Setting, others: (column: Column) => string | undefined): string {
  const rows = ROWS.filter((row) => measured.some((one) => one.row === row));
  const columns = [...new Set(measured.map(({ column }) => column))];
  const find = (row: Row, column: Column) => measured.find((one) => one.row === row && one.column === column)?.outcome;
  const counted = columns.filter((column) => others(column) !== undefined);
  const transparent = columns.filter(({ gate }) => gate);
  const copies = (row: Row) => [
    ...counted.map((column) => needless(find(row, column))),
    ...transparent.map((column) => needlessByWhom(find(row, column))),
  ];
  const headings = [
    ...counted.map((column) => `needless copies ${others(column)}`),
    ...transparent.map(
      ({ name }) => `in ${name.replace(' transparent, stock clients', '')}: ours · in doubt · unconfirmed · others`,
    ),
  ];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line([`of ${messages} messages`, ...columns.map(({ name }) => name), ...headings]),
    line(['---', ...[...columns, ...headings].map(() => '---:')]),
    ...rows.map((row) => line([row.name, ...columns.map((column) => cell(find(row, column))), ...copies(row)])),
  ].join('\n');
}

const where = (server: string) =>
  `${new Date().toISOString().slice(0, 10)}, ${server}, Node ${process.versions.node} on ${os.type()}`;

function serverPart(setting: Setting): string {
  return `${SERVER_PART}
Written by \`npm run measure:loss -- --server\`; figures as measured. ${where(setting.server)}. The rows and columns are those above.
*Unheld* are the clients of (f) while no component is there: what Openfire does by itself. It ends a session whose connection is reset,
lets nobody resume it, and routes anew what it had not acknowledged, though its client has shown it. Held, such a session waits for its
client like any other. What a client that does not resume had confirmed within \`PROOF_GRACE\` before the end would be
[in doubt](gate-protocol.md#limits), as if it had been killed, and come once more. The last column shows it without that: a
client that confirms and is killed before it has kept what it confirmed loses it then.

${table(setting, ({ proxy }) => (proxy ? undefined : 'unheld'))}
`;
}

function ownPart(setting: Setting): string {
  const rows = ROWS.filter((row) => setting.measured.some((one) => one.row === row));
  return `# What is lost, measured

Written by \`npm run measure:loss\`; figures as measured. ${where(setting.server)}.

**Lost** (in brackets: how many of them the sender believes that somebody has) · seen **once** · seen **twice** or more by
the application. **Needless copies**: those that came though the application had shown the message; in brackets the most of
one message; in (f) those that the proxy sent for none of these reasons: the recipient's client had confirmed them less than
\`PROOF_GRACE\` before its session ended, as one does that is killed (in doubt), or its confirmation was on its way when the session
ended (unconfirmed); and beside these those that the server or the sender's client made (others). Each row is one fault.

${table(setting, ({ proxy, library, gate }) => (proxy && !library && !gate ? 'in (d)' : undefined))}

${rows.map(({ name, how }) => `- *${name}*: ${how}.`).join('\n')}

A client that is disconnected reconnects at once. Messages are counted when no more are to come. The clients of (a) to (d)
and (f) show each copy and send nothing again by themselves, but for stream management in (c) and (f), also after a session that
could not be resumed; what they could not write they write after the reconnect. (a), (b) and (d) have no stream management, so that each column shows one protection;
(e) has all. (f) is what stock clients do today, stream management and receipts, with a gate in the server: they write to each
other's own addresses. In (c) the sender believes that somebody has a message when his own server acknowledges it, in (d) to
(f) when the proxy does. How many (d) loses while the proxy or Redis is down varies from run to run with how fast they are
back; no sender was told that somebody has one of those.
`;
}
