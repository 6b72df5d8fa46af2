// What the benchmark measures, in order of importance: each section with the text that explains its figures.
import type { Redis } from 'ioredis';
import { fairness } from './fairness.ts';
import { gate, gateGoals, gateReport } from './gate.ts';
import {
  fairnessGoals,
  fairnessTable,
  type Goal,
  goalTable,
  languagesGoals,
  pendingGoals,
  pendingTable,
  type Round,
  speedGoals,
  speedTable,
} from './goals.ts';
import { languages, languagesTable } from './languages.ts';
import { latency, PACE, throughput, tidyRedis, WINDOW } from './measure.ts';
import { pairs } from './peer.ts';
import { pending } from './pending.ts';
import type { Plans } from './plans.ts';
import { presences } from './presence.ts';
import { queriesGoal, queriesReport, queryCosts } from './queries.ts';
import { aligned, markdown, presenceTable } from './report.ts';
import { scale, scaleTables } from './scale.ts';
import { shardCosts, shardsReport } from './shards.ts';
import { COMPONENTS, serverGoals, serverTable, throughServer } from './through-server.ts';
import { turns } from './turns.ts';
import { type Place, VARIANTS, Variant, type VariantName } from './variant.ts';

export interface Context {
  readonly place: Place;
  readonly redis: Redis;
  readonly plans: Plans;
  readonly say: (text: string) => void;
}

/** What a section has found: text for the document, the same for a terminal, and the goals that it judges. */
export interface Found {
  readonly text: string;
  readonly terminal: string;
  readonly goals: readonly Goal[];
}

export interface Section {
  readonly title: string;
  /** Only where it is asked for. */
  readonly alone?: boolean;
  measure(context: Context): Promise<Found>;
}

const count = (value: number) => value.toLocaleString('en');

/** @param about what the figures are of, before the tables */
function found(about: string, tables: readonly string[][][], goals: readonly Goal[], after = ''): Found {
  const all = goals.length > 0 ? [...tables, goalTable(goals)] : tables;
  const text = [about.trim(), ...all.map(markdown), after.trim()].filter((part) => part !== '').join('\n\n');
  return { text, terminal: all.map(aligned).join('\n\n'), goals };
}

/** One round of one variant. */
export async function speedOf(name: VariantName, { place, redis, plans, say }: Context): Promise<Round> {
  await redis.flushall();
  await tidyRedis(redis);
  const variant = await Variant.start(name, place);
  const kind = VARIANTS[name];
  const users = 'pairs' in kind ? pairs(kind.pairs) : undefined;
  const result = {
    throughput: await throughput(variant, redis, plans.speed, users),
    latency: await latency(variant, plans.speed, users),
  };
  await variant.stop();
  const { perSecond, cpu, redisCpu, commands } = result.throughput;
  const costs = `${cpu.toFixed(1)} us, Redis ${redisCpu.toFixed(1)} us and ${commands.toFixed(3)} commands`;
  say(
    `${name}: ${Math.round(perSecond)} messages/s, a message ${costs}; p50 ${result.latency.p50.toFixed(2)}, p99 ${result.latency.p99.toFixed(2)} ms`,
  );
  return result;
}

async function speed(context: Context): Promise<Found> {
  const { rounds: most, limit, warmUp, measure, paced } = context.plans.speed;
  const rounds: Record<VariantName, Round[]> = { a: [], b: [], 'b concurrent': [], c: [], 'c by default': [] };
  for (const turn of turns(most, limit)) {
    for (const name of Object.keys(VARIANTS) as VariantName[]) {
      // For comparison only: once.
      if (name !== 'b concurrent' || turn === 0) rounds[name].push(await speedOf(name, context));
    }
  }
  const each = Object.entries(VARIANTS).map(([name, { what }]) => `- **${name}**: ${what}`);
  const raw = Object.entries(rounds).map(
    ([name, all]) => `- ${name}: ${all.map(({ throughput: { perSecond } }) => Math.round(perSecond)).join(', ')}`,
  );
  const about = `${each.join('\n')}

One message is five stanzas: the message and the receipt in; the acknowledgement, the forward and the receipt out. Each
variant is a process of its own, started anew for each of ${rounds.c.length} rounds, in turn. ${count(WINDOW)} messages of 300 bytes of text in
flight, with what a client adds, half of them in Chinese (\`--load ascii\`: plain ones); ${warmUp / 1000} s to warm up, ${measure / 1000} s measured; then ${paced / 1000} s at ${PACE} messages/s, where the time from writing a message until its
forward arrives is taken. Medians; CPU and commands a message. Redis rewrites its append-only file between rounds only.`;
  const after = `Messages/s in each round:

${raw.join('\n')}

Nothing was lost, doubled or acknowledged out of thin air, or there would be no results.`;
  return found(about, [speedTable(rounds)], speedGoals(rounds), after);
}

export const SECTIONS = {
  speed: { title: 'Speed and cost', measure: speed },
  languages: {
    title: 'Languages',
    async measure({ place, redis, plans, say }) {
      const measured = await languages(place, redis, plans.languages, say);
      const about = `Text and a request for a receipt, nothing else, in turns of a second each of one process; medians, and those of the rounds' ratios.`;
      return found(about, [languagesTable(measured)], languagesGoals(measured));
    },
  },
  scale: {
    title: 'Several processes, shards and Redis servers',
    async measure({ place, plans, say }) {
      const { seen, paper } = scaleTables(await scale(place, plans.scale, say));
      const about = `${count(WINDOW)} messages in flight between 64 pairs of users; the peer deals stanzas to the processes in turn, as Openfire does. us of CPU a
message, and commands sent to Redis; medians of rounds in turn, and of their ratios to the first line. All processes share the machine's cores, so
messages/s say what the sum of their work allows. The cluster has masters alone.`;
      const onPaper = `On paper, from these: what so many carry when each process and each Redis server has a core of its own, and the XMPP server
carries as much. The shards of a cluster lie on as many masters as there are.\n\n${markdown(paper)}`;
      const all = found(about, [seen], [], onPaper);
      return { ...all, terminal: `${all.terminal}\n\n${aligned(paper)}` };
    },
  },
  pending: {
    title: 'Pending messages',
    async measure({ place, plans: { pending: plan }, say }) {
      const measured = await pending(place, plan, say);
      const about = `${count(plan.accepted)} messages at a time that are acknowledged and forwarded and that nobody confirms, with none and with
${count(plan.filled)} pending, in turn; medians. Bytes are the growth of Redis' \`used_memory\` (without
its buffers), indexes included; its allocator rounds a record up (512, 640 ... bytes), so that one character more in an
id may make a step.`;
      return found(about, [pendingTable(measured)], pendingGoals(measured));
    },
  },
  fairness: {
    title: 'Fairness',
    async measure({ place, redis, plans: { fairness: plan }, say }) {
      const measured = await fairness(place, redis, plan, say);
      const about = `${PACE} messages/s of ten users for ${plan.paced / 1000} s, and the same while another writes ${count(plan.flood)} at once, to a recipient of his
own, and as soon as those are complete or refused yet another as many: (c) has the quotas that it has by default. *In turns*:
as a server passes them on that reads its clients in turn, 8 KiB of each at a time, and reads on from one when the component
has taken what was written. *Far ahead*: as one that has written 100 KiB of the flood before anything of the others'. The time
from writing a message until its forward arrives; medians.`;
      return found(about, [fairnessTable(measured)], fairnessGoals(measured));
    },
  },
  gate: {
    title: 'Through a gate, on Prosody',
    async measure({ place, redis, plans, say }) {
      const measured = await gate(place, redis, plans.gate, say);
      const report = gateReport(measured);
      const all = found(
        `[performance.md](../docs/performance.md#through-a-gate) explains the ways.`,
        [],
        gateGoals(measured),
        report,
      );
      return { ...all, terminal: `${report}\n${all.terminal}` };
    },
  },
  presence: {
    title: 'Presence',
    async measure({ place, plans, say }) {
      const measured = await presences(place, plans.presence, say);
      const about = `${count(measured.subscriptions)} subscriptions, each asked for and granted through the proxy; then ${count(measured.changes)} presence stanzas with status and
capabilities, ${count(WINDOW)} in flight, each noted in Redis and relayed; then the link is reset once, and every user with a subscriber is
probed again at the pace that the proxy keeps. One run. Memory of the process is its resident set.`;
      return found(about, [presenceTable(measured)], []);
    },
  },
  queries: {
    title: 'Queries',
    async measure({ plans, say }) {
      const costs = await queryCosts(plans.queries, say);
      const about = `${count(plans.queries.filled)} messages wait, and every page of the console, its API and the commands are asked for.`;
      return found(about, [], [queriesGoal(costs)], queriesReport(costs));
    },
  },
  server: {
    title: 'Through a real server',
    alone: true,
    async measure({ place, redis, plans, say }) {
      const measured = await throughServer(place, redis, plans.server, say);
      const each = Object.entries(COMPONENTS).map(([name, { what }]) => `- **${name}**: ${what}`);
      const about = `Ten pairs of client sessions of ${measured.server} write to each other's proxied addresses, 200 messages under way, as stock clients do, and
confirm them; the components in turn; medians, and those of the rounds' ratios. CPU a message; latency at ${PACE} messages/s.\n\n${each.join('\n')}`;
      return found(about, [serverTable(measured)], serverGoals(measured));
    },
  },
  shards: {
    title: 'Shards on one Redis',
    alone: true,
    async measure({ place, redis, plans, say }) {
      return found('', [], [], shardsReport(await shardCosts(place, redis, plans.shards, say)));
    },
  },
} as const satisfies Record<string, Section>;

export type SectionName = keyof typeof SECTIONS;
export const NAMES = Object.keys(SECTIONS) as SectionName[];
