import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { Redis } from 'ioredis';
import { startRedis } from '../tests/support/servers/redis.ts';
import { readFlags, wrongUsage } from '../tools/flags.ts';
import { compile, removeCompiled } from './compile.ts';
import { SeparateCores } from './cores.ts';
import { withSection } from './document.ts';
import { fairnessTable, type Goal } from './goals.ts';
import { LIMIT, QUICK, WHOLE } from './plans.ts';
import { aligned, goalReport, surroundings } from './report.ts';
import { type Context, NAMES, SECTIONS, type Section, type SectionName, speedOf } from './sections.ts';
import { serverFairness } from './server-fairness.ts';
import type { Load } from './texts.ts';
import { killVariants, VARIANTS, type VariantName } from './variant.ts';

const ALL = [...Object.keys(VARIANTS), ...NAMES];
const flags = readFlags('npm run bench --', 'measures the component, and judges by its goals', {
  quick: { type: 'boolean', default: false, about: 'a smoke test: short, and writes no results' },
  only: { type: 'string', about: `one of ${ALL.join(', ')}; writes no results` },
  save: { type: 'boolean', default: false, about: 'writes the results of one section, too' },
  load: { type: 'string', default: 'real', about: 'what messages say: bench/texts.ts' },
  server: {
    type: 'boolean',
    default: false,
    about:
      'behind a real server, the one that the E2E_ variables name or a Prosody: three components, or fairness alone',
  },
  apart: {
    type: 'boolean',
    default: false,
    about:
      'with --server: the server and its clients on half of the cores, what stands beside it on the others (Linux)',
  },
  profile: { type: 'string', about: 'a folder for CPU profiles of the variants' },
});
const only = flags.only ?? (flags.server ? 'server' : undefined);
if (flags.apart && only !== 'server') wrongUsage('--apart is for --server alone');
if (only !== undefined && !ALL.includes(only)) wrongUsage(`--only is one of ${ALL.join(', ')}`);

const RESULTS = new URL('./RESULTS.md', import.meta.url);
const say = (text: string) => process.stdout.write(`${text}\n`);
const seconds = (since: number) => Math.round((performance.now() - since) / 1000);

/** Measures a section, and writes at once what it has found. */
async function run(name: SectionName, context: Context, save: boolean): Promise<readonly Goal[]> {
  const section: Section = SECTIONS[name];
  const start = performance.now();
  say(`\n${section.title}`);
  const { text, terminal, goals } = await section.measure(context);
  say(`\n${terminal}\n(${seconds(start)} s)`);
  if (!save) return goals;
  const date = `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  const load = os.loadavg()[0]?.toFixed(1);
  const lines = [
    `${date}, in ${seconds(start)} s; load average at the end ${load}`,
    ...(await surroundings(context.redis)),
  ];
  const when = lines.map((line) => `- ${line}`).join('\n');
  const before = existsSync(RESULTS) ? readFileSync(RESULTS, 'utf8') : '';
  writeFileSync(RESULTS, withSection(before, NAMES, { name, title: section.title, text, when }));
  return goals;
}

/** All sections, one after the other; one that fails does not keep the others from being measured. */
async function whole(context: Context): Promise<void> {
  const start = performance.now();
  const goals: Goal[] = [];
  for (const name of NAMES) {
    const section: Section = SECTIONS[name];
    if (section.alone) continue;
    try {
      goals.push(...(await run(name, context, !flags.quick)));
    } catch (error) {
      if (isEnding) return;
      say(`${name} was not measured: ${(error as Error).stack}`);
      process.exitCode = 1;
      killVariants();
    }
  }
  say(`\n${goalReport(goals)}\n(${seconds(start)} s in all)`);
  if (flags.quick) say('A quick run: too short to judge by, so bench/RESULTS.md is left as it is.');
  else if (goals.some(({ pass }) => !pass)) process.exitCode = 1;
}

const server = await startRedis();
const redis = new Redis(server.url);
let isEnding = false;
const stop = async () => {
  isEnding = true;
  killVariants();
  removeCompiled();
  redis.disconnect();
  await server.stop();
};
process.once('SIGINT', () => void stop().finally(() => process.exit(130)));
process.once('SIGTERM', () => void stop().finally(() => process.exit(143)));
if (only === undefined) {
  setTimeout(() => {
    say(`Ended after ${LIMIT / 60_000} minutes: bench/RESULTS.md has the sections before this one.`);
    void stop().finally(() => process.exit(1));
  }, LIMIT).unref();
}
try {
  const cores = flags.apart ? new SeparateCores() : undefined;
  cores?.beside(server.pid);
  const place = { folder: compile(), redisUrl: server.url, profile: flags.profile, load: flags.load as Load, cores };
  const context: Context = { place, redis, plans: flags.quick ? QUICK : WHOLE, say };
  if (flags.profile !== undefined) mkdirSync(flags.profile, { recursive: true });
  if (only === undefined) await whole(context);
  else if (only === 'fairness' && flags.server) {
    const { fairness: plan } = context.plans;
    say(
      aligned(
        fairnessTable(await serverFairness(place, redis, { ...plan, ...(flags.quick && { flood: 10_000 }) }, say)),
      ),
    );
  } else if (Object.hasOwn(VARIANTS, only)) await speedOf(only as VariantName, context);
  else {
    const goals = await run(only as SectionName, context, flags.save && !flags.quick);
    if (!flags.quick && goals.some(({ pass }) => !pass)) process.exitCode = 1;
  }
} finally {
  await stop();
}
// What a section that failed has left open keeps nobody waiting.
process.exit();
