import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { CI_SEED, runnable, runsFor } from './campaign.ts';
import { explain, figures, summary } from './report.ts';
import { type Outcome, run } from './run.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';
import { document, type Tallied } from './table.ts';

const { values: flags } = parseArgs({
  options: {
    /** Which decisions; by default a new one, which is printed. */
    seed: { type: 'string' },
    /** Only those whose name has this in it. */
    scenario: { type: 'string', default: '' },
    /** New seeds, one scenario after the other, for so long; else each once. */
    minutes: { type: 'string' },
    /** The fixed choice that CI runs. */
    ci: { type: 'boolean', default: false },
    /** How many at a time; by default one, in CI four, since most of a run is waiting. */
    jobs: { type: 'string' },
    /** Writes docs/faults.md. */
    write: { type: 'boolean', default: false },
    /** A folder for the history and the log of each run. */
    keep: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});

const say = (text: string) => process.stdout.write(`${text}\n`);

if (flags.list) {
  for (const { name, about, ci } of SCENARIOS) say(`${name.padEnd(22)} ${about}${ci ? ' (CI)' : ''}`);
  process.exit(0);
}

const exactly = SCENARIOS.filter(({ name }) => name === flags.scenario);
const chosen = (exactly.length > 0 ? exactly : SCENARIOS).filter(
  ({ name, ci }) => name.includes(flags.scenario) && (!flags.ci || ci),
);
if (chosen.length === 0) {
  process.stderr.write(`No scenario has "${flags.scenario}" in its name; --list names them\n`);
  process.exit(64);
}
const { scenarios, skipped } = runnable(chosen);
for (const { name, why } of skipped) say(`${name}: skipped, ${why}`);

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

async function take(scenario: Scenario, seed: number): Promise<void> {
  let outcome: Outcome;
  try {
    outcome = await run(scenario, seed, stop.signal);
  } catch (error) {
    if (stop.signal.aborted) return;
    failed += 1;
    say(`${scenario.name} (seed ${seed}) could not be carried out: ${(error as Error).stack}`);
    return;
  }
  tallied.push({ name: scenario.name, figures: figures(outcome) });
  say(summary(outcome));
  if (flags.keep !== undefined) await keep(flags.keep, outcome);
  if (outcome.violations.length === 0) return;
  failed += 1;
  say(explain(outcome).replace(/^/gm, '  '));
}

async function keep(folder: string, { scenario, seed, history, violations, output }: Outcome): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `${scenario.name}-${seed}`);
  await writeFile(`${file}.json`, JSON.stringify({ violations, ...history }, undefined, 1));
  await writeFile(`${file}.log`, output);
}

const first = flags.ci ? CI_SEED : flags.seed === undefined ? Date.now() % 1_000_000 : Number(flags.seed);
const runs = runsFor(scenarios, first, flags.minutes === undefined ? undefined : Number(flags.minutes) * 60_000);
const worker = async () => {
  for (const { scenario, seed } of runs) {
    if (stop.signal.aborted) return;
    await take(scenario, seed);
  }
};
await Promise.all(Array.from({ length: Number(flags.jobs ?? (flags.ci ? 4 : 1)) }, worker));
say(`${tallied.length} runs, ${failed} failed`);
if (flags.write && !stop.signal.aborted) {
  await writeFile(new URL('../docs/faults.md', import.meta.url), document(SCENARIOS, tallied));
}
if (failed > 0 && !stop.signal.aborted) process.exitCode = 1;
// A connection that nobody could close must not keep it alive.
process.exit(process.exitCode);
