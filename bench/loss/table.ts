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
    const { lost, unnoticed, twice } = outcome;
    const problems: string[] = [];
    if (unnoticed > 0) problems.push(`${unnoticed} lost that were acknowledged`);
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

/** docs/loss.md */
export function markdown(measured: readonly Measured[], messages: number): string {
  const rows = ROWS.filter((row) => measured.some((one) => one.row === row));
  const columns = COLUMNS.filter((column) => measured.some((one) => one.column === column));
  const find = (row: Row, column: Column) => measured.find((one) => one.row === row && one.column === column)?.outcome;
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const table = [
    line([`of ${messages} messages`, ...columns.map(({ name }) => name)]),
    line(['---', ...columns.map(() => '---:')]),
    ...rows.map((row) => line([row.name, ...columns.map((column) => cell(find(row, column)))])),
  ];
  const server = process.env.E2E_XMPP_HOST ?? 'Prosody, started for it';
  return `# What is lost, measured

Written by \`npm run measure:loss\`; figures as measured. ${new Date().toISOString().slice(0, 10)}, ${server}, Node ${process.versions.node} on ${os.type()}.

**Lost** (in brackets: how many of them the sender believes that somebody has) · seen **once** · seen **twice** or more by
the application.

${table.join('\n')}

${rows.map(({ name, how }) => `- *${name}*: ${how}.`).join('\n')}

Who is cut off comes back at once, and the count is made when nothing more is to come. The clients of (a) to (d) send
nothing again by themselves and show each copy; what could not even be written they write when they are connected again.
(a), (b) and (d) have no stream management, so that each column shows one protection; (e) has all. In (c) the sender
believes what his own server has acknowledged, in (d) and (e) what the proxy has.
`;
}
