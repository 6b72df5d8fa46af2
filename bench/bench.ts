import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { startRedis } from '../tests/support/servers/redis.ts';
import { readFlags, wrongUsage } from '../tools/flags.ts';
import { compile, removeCompiled } from './compile.ts';
import { type FairnessPlan, fairness } from './fairness.ts';
import { type GatePlan, gate, gateGoals, gateReport } from './gate.ts';
import { judge, type Round } from './goals.ts';
import { languages } from './languages.ts';
import { latency, type Plan, throughput, tidyRedis } from './measure.ts';
import { type PendingPlan, pending } from './pending.ts';
import { type PresencePlan, presences } from './presence.ts';
import { type QueriesPlan, queriesReport, queryCosts } from './queries.ts';
import {
  fairnessReport,
  goalReport,
  markdownReport,
  pendingReport,
  presenceReport,
  type Results,
  surroundings,
  terminalReport,
  withPresence,
} from './report.ts';
import { serverFairness } from './server-fairness.ts';
import { type ShardsPlan, shardCosts, shardsReport } from './shards.ts';
import type { Load } from './texts.ts';
import { killVariants, type Place, VARIANTS, Variant, type VariantName } from './variant.ts';

const ONE = ['pending', 'languages', 'presence', 'fairness', 'gate', 'queries', 'shards'];
const flags = readFlags('npm run bench --', 'measures the component, and judges by its goals', {
  quick: { type: 'boolean', default: false, about: 'a smoke test: short, and writes no results' },
  only: { type: 'string', about: `one of ${[...Object.keys(VARIANTS), ...ONE].join(', ')}` },
  load: { type: 'string', default: 'real', about: 'what messages say: bench/texts.ts' },
  server: { type: 'string', default: 'peer', about: 'behind what fairness alone is measured: peer or prosody' },
  profile: { type: 'string', about: 'a folder for CPU profiles of the variants' },
});
if (flags.only !== undefined && !ONE.includes(flags.only) && !Object.hasOwn(VARIANTS, flags.only)) {
  wrongUsage(`--only is one of ${[...Object.keys(VARIANTS), ...ONE].join(', ')}`);
}

const PLAN: Plan = flags.quick
  ? { rounds: 1, warmUp: 500, measure: 1000, paced: 1000 }
  : { rounds: 5, warmUp: 3000, measure: 5000, paced: 5000 };
const PENDING: PendingPlan = flags.quick
  ? { rounds: 2, accepted: 10_000, filled: 50_000 }
  : { rounds: 5, accepted: 50_000, filled: 1_000_000 };
/** 10,000 subscriptions, but for a smoke test. */
const PRESENCE: PresencePlan = flags.quick
  ? { users: 100, subscribersEach: 5, changes: 5000 }
  : { users: 1000, subscribersEach: 10, changes: 50_000 };

const FAIRNESS: FairnessPlan = flags.quick
  ? { rounds: 1, flood: 30_000, paced: 2000 }
  : { rounds: 3, flood: 30_000, paced: 5000 };

const GATE: GatePlan = flags.quick
  ? { rounds: 1, warmUp: 1000, measured: 3000, paced: 2000 }
  : { rounds: 5, warmUp: 5000, measured: 10_000, paced: 5000 };

/** 64 pairs: some in each of 16 shards. */
const SHARDS: ShardsPlan = flags.quick
  ? { rounds: 2, warmUp: 2000, measured: 5000, pairs: 64, counts: [1, 16] }
  : { rounds: 10, warmUp: 20_000, measured: 50_000, pairs: 64, counts: [1, 16] };

const QUERIES: QueriesPlan = flags.quick
  ? { filled: 60_000, letters: 500, rounds: 3 }
  : { filled: 200_000, letters: 5000, rounds: 3 };

const RESULTS = new URL('./RESULTS.md', import.meta.url);
const say = (text: string) => process.stdout.write(`${text}\n`);

async function round(name: VariantName, place: Place, redis: Redis): Promise<Round> {
  await redis.flushall();
  await tidyRedis(redis);
  const variant = await Variant.start(name, place);
  const result = { throughput: await throughput(variant, redis, PLAN), latency: await latency(variant, PLAN) };
  await variant.stop();
  const { perSecond, cpu, redisCpu, commands } = result.throughput;
  const costs = `${cpu.toFixed(1)} us, Redis ${redisCpu.toFixed(1)} us and ${commands.toFixed(3)} commands`;
  say(`${name}: ${Math.round(perSecond)} messages/s, a message ${costs}; p50 ${result.latency.p50.toFixed(2)} ms`);
  return result;
}

async function compare(place: Place, redis: Redis): Promise<void> {
  const rounds: Record<VariantName, Round[]> = { a: [], b: [], 'b concurrent': [], c: [] };
  for (let number = 1; number <= PLAN.rounds; number += 1) {
    say(`Round ${number} of ${PLAN.rounds}`);
    for (const name of Object.keys(VARIANTS) as VariantName[]) rounds[name].push(await round(name, place, redis));
  }
  say('Pending messages');
  const figures = await pending(place, PENDING, say);
  say('Fairness');
  const fair = await fairness(place, redis, FAIRNESS, say);
  say('Presence');
  const presence = await presences(place, PRESENCE, say);
  say('Languages');
  const goals = judge(rounds, figures, fair, await languages(place, redis, PLAN, say));
  const results: Results = {
    rounds,
    pending: figures,
    fairness: fair,
    presence,
    goals,
    surroundings: await surroundings(redis),
    plan: PLAN,
    pendingPlan: PENDING,
    fairnessPlan: FAIRNESS,
  };
  say(`\n${terminalReport(results)}\n`);
  if (flags.quick) say('A quick run: too short to judge by, so bench/RESULTS.md is left as it is.');
  else writeFileSync(RESULTS, markdownReport(results));
  if (!flags.quick && goals.some(({ pass }) => !pass)) process.exitCode = 1;
}

const server = await startRedis();
const redis = new Redis(server.url);
const stop = async () => {
  killVariants();
  removeCompiled();
  redis.disconnect();
  await server.stop();
};
process.once('SIGINT', () => void stop().finally(() => process.exit(130)));
process.once('SIGTERM', () => void stop().finally(() => process.exit(143)));
try {
  const place: Place = {
    folder: compile(),
    redisUrl: server.url,
    profile: flags.profile,
    load: flags.load as Load,
  };
  if (flags.profile !== undefined) mkdirSync(flags.profile, { recursive: true });
  if (flags.only === undefined) await compare(place, redis);
  else if (flags.only === 'languages') await languages(place, redis, { ...PLAN, warmUp: 3000 }, say);
  else if (flags.only === 'pending') say(pendingReport(await pending(place, PENDING, say)));
  else if (flags.only === 'presence') {
    const measured = await presences(place, PRESENCE, say);
    say(presenceReport(measured));
    const when = `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`;
    if (!flags.quick) writeFileSync(RESULTS, withPresence(readFileSync(RESULTS, 'utf8'), measured, when));
  } else if (flags.only === 'fairness' && flags.server === 'prosody') {
    // A server takes a multiple of the time.
    const behind = await serverFairness(place, redis, { ...FAIRNESS, ...(flags.quick && { flood: 10_000 }) }, say);
    say(fairnessReport(behind));
  } else if (flags.only === 'fairness') say(fairnessReport(await fairness(place, redis, FAIRNESS, say)));
  else if (flags.only === 'shards') say(shardsReport(await shardCosts(place, redis, SHARDS, say)));
  else if (flags.only === 'queries') {
    const { text, pass } = queriesReport(await queryCosts(QUERIES, say));
    say(text);
    if (!pass) process.exitCode = 1;
  } else if (flags.only === 'gate') {
    const measured = await gate(place, redis, GATE, say);
    say(`${gateReport(measured)}\n${goalReport(gateGoals(measured))}`);
  } else await round(flags.only as VariantName, place, redis);
} finally {
  await stop();
}
