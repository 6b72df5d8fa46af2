import os from 'node:os';
import { ROWS, type Row } from './rows.ts';
import { COLUMNS, type Column, type Outcome } from './stage.ts';

export interface Measured {
  readonly row: Row;
  readonly column: Column;
  readonly outcome: Outcome | undefined;
}

/** What the proxy promises, where a measurement shows otherwise. */
export function wanting(measured: readonly Measured[]): string[] {
  return measured.flatMap(({ row, column, outcome }) => {
    if (outcome === undefined || !column.proxy) return [];
    const { lost, unnoticed, twice, mostNeedless, ours } = outcome;
    const problems: string[] = [];
    if (unnoticed > 0) problems.push(`${unnoticed} lost that were acknowledged`);
    // Each row is one fault.
    if (mostNeedless > 1) problems.push(`${mostNeedless} needless copies of a message`);
    if (column.gate && lost > 0) problems.push(`${lost} lost`);
    if (column.gate && ours > 0) problems.push(`${ours} needless copies that the server did not make`);
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

/** The proxy's, and beside them those that the server or the sender's client made. */
function needlessByWhom(outcome: Outcome | undefined): string {
  return outcome === undefined ? '–' : `${outcome.ours} · ${outcome.needless - outcome.ours}`;
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

function table({ measured, messages }: Setting): string {
  const rows = ROWS.filter((row) => measured.some((one) => one.row === row));
  const columns = COLUMNS.filter((column) => measured.some((one) => one.column === column));
  const find = (row: Row, column: Column) => measured.find((one) => one.row === row && one.column === column)?.outcome;
  const stock = columns.find(({ proxy, library, gate }) => proxy && !library && !gate);
  const transparent = columns.find(({ gate }) => gate);
  const copies = (row: Row) => [
    ...(stock === undefined ? [] : [needless(find(row, stock))]),
    ...(transparent === undefined ? [] : [needlessByWhom(find(row, transparent))]),
  ];
  const headings = [
    ...(stock ? ['needless copies in (d)'] : []),
    ...(transparent ? ['needless copies in (f): ours · others'] : []),
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
Openfire ends a session whose connection is reset, and nothing is resumed there. What its client confirmed within \`PROOF_GRACE\`
before that is [in doubt](gate-protocol.md#limits), as if the client had been killed, and comes once more: copies of ours.

${table(setting)}
`;
}

function ownPart(setting: Setting): string {
  const rows = ROWS.filter((row) => setting.measured.some((one) => one.row === row));
  return `# What is lost, measured

Written by \`npm run measure:loss\`; figures as measured. ${where(setting.server)}.

**Lost** (in brackets: how many of them the sender believes that somebody has) · seen **once** · seen **twice** or more by
the application. **Needless copies**: those that came though the application had shown the message; in brackets the most of
one message; in (f) those that the proxy sent, and beside them those that the server or the sender's client made. Each row is
one fault.

${table(setting)}

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
