// Writes what is made from tables in the code: .env.example and, in docs/, configuration, metrics, redelivery, states and
// stanzas. See `npm run docs`.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { GROUPS, type Group, type Setting } from '../src/config/setting.ts';
import { SETTINGS } from '../src/config/settings.ts';
import { DEFINITIONS, type Definition, PREFIX } from '../src/metrics/definitions.ts';
import { redelivery } from './docs-redelivery.ts';
import { states } from './docs-states.ts';
import { readFlags } from './flags.ts';
import { stanzas } from './stanzas.ts';

const WIDTH = 100;

type Entry = readonly [name: string, setting: Setting];

function inGroup(group: Group): Entry[] {
  return Object.entries<Setting>(SETTINGS).filter(([, setting]) => setting.group === group);
}

/** Breaks a text into lines that fit behind a prefix. */
function wrapped(text: string, prefix: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && prefix.length + line.length + 1 + word.length > WIDTH) {
      lines.push(prefix + line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, prefix + line];
}

function envEntry([name, setting]: Entry): string[] {
  const { about, value, example, derived, required } = setting;
  const notes = [
    about.replaceAll('`', '').replaceAll(/\[[^\]]*\]\(([^)]*)\)/g, 'docs/$1'),
    `Takes ${value.description}.`,
    ...(derived === undefined ? [] : [`Default: ${derived}.`]),
    ...(example === undefined ? [] : [`Example: ${example}`]),
  ];
  const line = required ? `${name}=` : `# ${name}=${setting.default ?? ''}`;
  return [...notes.flatMap((note) => wrapped(note, '# ')), line, ''];
}

function envExample(): string {
  const groups = (Object.keys(GROUPS) as Group[]).flatMap((group) => [
    `# --- ${GROUPS[group]} ---`,
    '',
    ...inGroup(group).flatMap(envEntry),
  ]);
  return [
    '# Copy this to .env and set what has no "#" before it; the rest shows its default. Variables of the',
    '# environment count more than this file. A value with "#", quotes or spaces goes into single quotes.',
    '# Made by "npm run docs" from src/config/settings.ts.',
    '',
    ...groups,
  ].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function configurationRow([name, setting]: Entry): string {
  const { about, value, derived, required, example } = setting;
  const byDefault = setting.default === undefined ? (derived ?? '') : `\`${setting.default}\``;
  const given = required ? '**required**' : byDefault;
  const shown = example === undefined ? '' : ` Example: \`${example}\`.`;
  return `| \`${name}\` | ${cell(given)} | ${cell(value.description ?? '')} | ${cell(about)}${shown} |`;
}

function configuration(): string {
  const tables = (Object.keys(GROUPS) as Group[]).flatMap((group) => [
    `## ${GROUPS[group]}`,
    '',
    '| variable | default | takes | what it does |',
    '|---|---|---|---|',
    ...inGroup(group).map(configurationRow),
    '',
  ]);
  return [
    '# Configuration',
    '',
    '<!-- Made by "npm run docs" from src/config/settings.ts. -->',
    '',
    'By environment variables, and by `.env` in the folder where the process is started. The environment takes precedence. An',
    'empty variable is an unset one.',
    '',
    'Durations are a whole number and a unit: `500ms`, `30s`, `2m`, `1h`, `7d`. In `.env`, a value with `#`, quotes or',
    'spaces goes into single quotes.',
    '',
    'When something is wrong, the process lists all faults at once, each with what it got and what it wants, and exits with',
    '78. It points out a variable that looks like a misspelt one of these. Secrets are never shown.',
    '',
    ...tables,
  ].join('\n');
}

function metricsRow([name, { type, help, labels = [] }]: readonly [string, Definition]): string {
  const labelled = labels.length === 0 ? '' : `{${labels.join(', ')}}`;
  return `| \`${PREFIX}${name}${labelled}\` | ${type} | ${cell(help)} |`;
}

function metrics(): string {
  const histograms = Object.entries<Definition>(DEFINITIONS).filter(([, { buckets }]) => buckets !== undefined);
  return [
    '# Metrics',
    '',
    '<!-- Made by "npm run docs" from src/metrics/definitions.ts. -->',
    '',
    'At `/metrics`, in the text format of Prometheus, without a password. There is nothing personal in them.',
    '',
    "Counters are each process's own, and begin at 0 with it: add them up. `pending`, `oldest_pending_age_seconds` and",
    '`undelivered` are of the Redis that all processes share: take the largest. Alert rules are in',
    '[operations.md](operations.md#what-to-alert-on).',
    '',
    '| metric | type | what it tells |',
    '|---|---|---|',
    ...Object.entries<Definition>(DEFINITIONS).map(metricsRow),
    '',
    'Besides those there are the usual figures of a Node.js process (`process_…`, `nodejs_…`): CPU, memory, event loop lag,',
    'garbage collection.',
    '',
    'Buckets, in seconds:',
    '',
    ...histograms.map(([name, { buckets = [] }]) => `- \`${name}\`: ${buckets.join(', ')}`),
    '',
  ].join('\n');
}

/** By path. */
export function documents(): Record<string, string> {
  return {
    '.env.example': envExample(),
    'docs/configuration.md': configuration(),
    'docs/metrics.md': metrics(),
    'docs/redelivery.md': redelivery(),
    'docs/stanzas.md': stanzas(),
    'docs/states.md': states(),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  readFlags('npm run docs --', 'makes the pages of docs that are made from code', {});
  for (const [path, text] of Object.entries(documents())) writeFileSync(new URL(`../${path}`, import.meta.url), text);
}
