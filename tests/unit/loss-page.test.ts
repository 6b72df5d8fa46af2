// docs/loss.md has two parts, each written by a run of its own.

import { ROWS, type Row } from '../../bench/loss/rows.ts';
import { COLUMNS, type Column, SERVER_COLUMNS } from '../../bench/loss/stage.ts';
import { page, pageWithServer, wanting } from '../../bench/loss/table.ts';

const row = ROWS[0] as Row;
const gate = COLUMNS.find((column) => column.gate) as Column;
const outcome = {
  lost: 0,
  once: 7,
  twice: 3,
  unnoticed: 0,
  needless: 5,
  ours: 4,
  doubted: 2,
  unconfirmed: 1,
  mostNeedless: 1,
};
const run = (server: string, lost = 0) => ({
  measured: [{ row, column: gate, outcome: { ...outcome, lost } }],
  messages: 10,
  server,
});

test('a run on Openfire replaces its own part of the page and nothing else', () => {
  const own = page(run('Prosody'), '');
  const both = pageWithServer(run('Openfire 1', 4), own);
  expect(both.startsWith(own)).toBe(true);
  expect(both).toContain('**4** (0) · 7 · 3 | 1 · 2 · 1 · 1 |');
  const later = pageWithServer(run('Openfire 2'), both);
  expect(later.startsWith(own)).toBe(true);
  expect(later).toContain('Openfire 2');
  expect(later).not.toContain('Openfire 1');
});

test('a run on a server of its own keeps the part of Openfire', () => {
  const before = pageWithServer(run('Openfire 1'), page(run('Prosody 1'), ''));
  const after = page(run('Prosody 2'), before);
  expect(after).toContain('Prosody 2');
  expect(after).not.toContain('Prosody 1');
  expect(after.slice(after.indexOf('## On Openfire'))).toBe(before.slice(before.indexOf('## On Openfire')));
});

test('what the proxy promises is wanting where it made copies', () => {
  expect(wanting(run('Openfire').measured)).toEqual([`${row.name}, ${gate.name}: 1 needless copies for no reason`]);
});

test('on Openfire, what the same clients have there without us stands beside it', () => {
  const [unheld, , withoutGrace] = SERVER_COLUMNS as [Column, Column, Column];
  const measured = [
    { row, column: unheld, outcome: { ...outcome, needless: 8, ours: 0, doubted: 0, unconfirmed: 0, mostNeedless: 2 } },
    { row, column: gate, outcome },
    { row, column: withoutGrace, outcome: { ...outcome, needless: 0, ours: 0, doubted: 0, unconfirmed: 0 } },
  ];
  const text = pageWithServer({ measured, messages: 10, server: 'Openfire' }, page(run('Prosody'), ''));
  const part = text.slice(text.indexOf('## On Openfire'));
  expect(part).toContain('| needless copies unheld | in (f): ours');
  expect(part).toContain('| 8 (2) | 1 · 2 · 1 · 1 | 0 · 0 · 0 · 0 |');
  expect(wanting(measured)).toHaveLength(1);
});
