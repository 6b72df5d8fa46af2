import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readFlags, wrongUsage } from '../tools/flags.ts';
import { CI_SEED, choice, runnable, runsFor } from './campaign.ts';
import { MODES, type Mode } from './mode.ts';
import { withNotes } from './notes.ts';
import { REDIS_KINDS, type RedisKind } from './redis-kind.ts';
import { explain, figures, rateOf, summary } from './report.ts';
import { type Outcome, type Run, run } from './run.ts';
import { SCENARIOS } from './scenarios.ts';
import { document, FILES, GROUP_FILE, groupPage, kept, nameOf, type Tallied } from './table.ts';

const flags = readFlags('npm run faults --', 'breaks things at random under traffic, and checks each history', {
  seed: { type: 'string', about: 'which decisions; by default a new one, which is printed' },
  mode: { type: 'string', default: 'subdomain', about: `MODE: ${MODES.join(', ')}` },
  redis: { type: 'string', default: 'one', about: `where the ledger is: ${REDIS_KINDS.join(', ')}` },
  scenario: { type: 'string', default: '', about: 'only those whose name has this in it' },
  minutes: { type: 'string', about: 'new seeds, one scenario after the other, for so long; else each once' },
  ci: { type: 'boolean', default: false, about: 'the fixed choice that CI runs, of both modes' },
  rate: {
    type: 'string',
    about:
      'messages a second of all senders together, such as 1000; by default as many as people type. The summary says what was reached',
  },
  jobs: {
    type: 'string',
    about: 'how many at a time; by default one, with --ci three, since most of a run is waiting',
  },
  write: { type: 'boolean', default: false, about: "writes the mode's page in docs" },
  add: {
    type: 'boolean',
    default: false,
    about: 'with --write: leaves the rows of scenarios that were not run as they are',
  },
  keep: { type: 'string', about: 'a folder for the history and the log of each run' },
  list: { type: 'boolean', default: false, about: 'names the scenarios' },
});

const say = (text: string) => process.stdout.write(`${text}\n`);

const mode: Mode = MODES.find((one) => one === flags.mode) ?? wrongUsage(`--mode is one of ${MODES.join(', ')}`);

const redis: RedisKind =
  REDIS_KINDS.find((one) => one === flags.redis) ?? wrongUsage(`--redis is one of ${REDIS_KINDS.join(', ')}`);

if (flags.list) {
  const inCi = choice(SCENARIOS, { mode, redis, ci: true });
  for (const one of choice(SCENARIOS, { mode, redis })) {
    say(`${one.name.padEnd(22)} ${one.about}${inCi.includes(one) ? ' (CI)' : ''}`);
  }
  process.exit(0);
}

const first = flags.ci ? CI_SEED : flags.seed === undefined ? Date.now() % 1_000_000 : Number(flags.seed);
const rate = flags.rate === undefined ? undefined : Number(flags.rate);
if (rate !== undefined && !(rate > 0)) wrongUsage('--rate is a number of messages a second');
const forSoLong = flags.minutes === undefined ? undefined : Number(flags.minutes) * 60_000;

function* allRuns(): Generator<Run> {
  for (const one of flags.ci ? MODES : [mode]) {
    const chosen = choice(SCENARIOS, { mode: one, redis, ci: flags.ci, name: flags.scenario });
    if (chosen.length === 0 && !flags.ci) {
      wrongUsage(`No scenario has "${flags.scenario}" in its name; --list names them`);
    }
    const { scenarios, skipped } = runnable(chosen);
    for (const { name, why } of skipped) say(`${name}: skipped, ${why}`);
    for (const { scenario, seed } of runsFor(scenarios, first, forSoLong))
      yield { scenario, seed, mode: one, redis, rate };
  }
}

const stop = new AbortController();
const end = (code: number) => () => {
  // The second time, in haste: what was started ends with this process all the same.
  if (stop.signal.aborted) process.exit(code);
  process.exitCode = code;
  stop.abort();
};
// A client of ours whose stream ends may reject what nobody waits for any more; the history has what came of it.
process.on('unhandledRejection', (error) =>
  say(`(ignored: ${error instanceof Error ? error.message : String(error)})`),
);
process.on('SIGINT', end(130));
process.on('SIGTERM', end(143));

const tallied: Tallied[] = [];
let failed = 0;

async function take(which: Run): Promise<void> {
  const { scenario, seed } = which;
  let outcome: Outcome;
  try {
    outcome = await run(which, stop.signal);
  } catch (error) {
    if (stop.signal.aborted) return;
    failed += 1;
    say(`${scenario.name} (seed ${seed}) could not be carried out: ${(error as Error).stack}`);
    return;
  }
  tallied.push({
    name: nameOf({ ...which, scenario: scenario.name }),
    figures: figures(outcome),
    ...(rate !== undefined && { reached: rateOf(outcome) }),
  });
  say(summary(outcome));
  if (flags.keep !== undefined) await keep(flags.keep, outcome);
  if (outcome.violations.length === 0) return;
  failed += 1;
  say(explain(outcome).replace(/^/gm, '  '));
}

async function keep(folder: string, outcome: Outcome): Promise<void> {
  const { scenario, seed, redis, history, violations, output } = outcome;
  await mkdir(folder, { recursive: true });
  const { mode } = history.terms;
  const file = path.join(folder, [scenario.name, ...(redis === 'one' ? [] : [redis]), mode, seed].join('-'));
  await writeFile(`${file}.json`, JSON.stringify({ violations, ...history }, undefined, 1));
  await writeFile(`${file}.log`, output);
}

const runs = allRuns();
const worker = async () => {
  for (const one of runs) {
    if (stop.signal.aborted) return;
    await take(one);
  }
};
await Promise.all(Array.from({ length: Number(flags.jobs ?? (flags.ci ? 3 : 1)) }, worker));
say(`${tallied.length} runs, ${failed} failed`);
if (flags.write && !stop.signal.aborted) {
  const page = new URL(`../docs/${redis === 'one' ? FILES[mode] : GROUP_FILE}`, import.meta.url);
  const before = await readFile(page, 'utf8');
  const all = flags.add ? [...kept(before, tallied), ...tallied] : tallied;
  const made = redis === 'one' ? document(mode, SCENARIOS, all) : groupPage(SCENARIOS, all);
  await writeFile(page, withNotes(made, before));
}
if (failed > 0 && !stop.signal.aborted) process.exitCode = 1;
// A connection that nobody could close must not keep it alive.
process.exit(process.exitCode);
