import { readFileSync } from 'node:fs';
import os from 'node:os';
import type { Redis } from 'ioredis';
import type { Fairness, FairnessPlan, Way } from './fairness.ts';
import { fairnessTable, type Goal, goalTable, pendingTable, type Rounds, speedTable } from './goals.ts';
import { PACE, type Plan, WINDOW } from './measure.ts';
import type { Pending, PendingPlan } from './pending.ts';
import type { Presences } from './presence.ts';
import { VARIANTS } from './variant.ts';

const PACKAGES = ['@xmpp/component', '@xmpp/xml', 'ioredis', 'bullmq'];

function version(name: string): string {
  const manifest = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

/** What it ran on and with, in lines. */
export async function surroundings(redis: Redis): Promise<string[]> {
  const info = await redis.info('server');
  const field = (name: string) => info.match(new RegExp(`^${name}:(.*?)\\r?$`, 'm'))?.[1] ?? 'unknown';
  const setting = async (name: string) => ((await redis.config('GET', name)) as string[])[1] || '""';
  const settings = ['appendonly', 'appendfsync', 'save'].map(async (name) => `${name} ${await setting(name)}`);
  const cpus = os.cpus();
  return [
    `Date: ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    `Machine: ${cpus[0]?.model.trim()}, ${cpus.length} cores, ${Math.round(os.totalmem() / 2 ** 30)} GiB; ${os.type()} ${os.release()}`,
    `Load, variant and Redis shared these cores; load average at the end ${os.loadavg()[0]?.toFixed(1)}`,
    `Node ${process.versions.node}, Redis ${field('redis_version')} (${(await Promise.all(settings)).join(', ')})`,
    `Packages: ${PACKAGES.map((name) => `${name} ${version(name)}`).join(', ')}`,
  ];
}

function aligned(table: readonly string[][]): string {
  const widths = (table[0] as string[]).map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  const line = (row: string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  return table.map(line).join('\n');
}

function markdown([head, ...rows]: readonly string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = (head as string[]).map((_, i) => (i === 0 ? '---' : '---:'));
  return [line(head as string[]), line(rule), ...rows.map(line)].join('\n');
}

/** All that a run has found. */
export interface Results {
  readonly rounds: Rounds;
  readonly pending: Pending;
  readonly fairness: Record<Way, Fairness>;
  readonly presence: Presences;
  readonly goals: readonly Goal[];
  readonly surroundings: readonly string[];
  readonly plan: Plan;
  readonly pendingPlan: PendingPlan;
  readonly fairnessPlan: FairnessPlan;
}

function presenceTable({ perSecond, cpu, redisCpu, bytes, resident, probing }: Presences): string[][] {
  const [none, subscribed, changed] = resident.map((MiB) => MiB.toFixed(0));
  return [
    ['presence', 'figure'],
    ['presences relayed a second', Math.round(perSecond).toLocaleString('en')],
    ['own CPU us, a presence', cpu.toFixed(1)],
    ['Redis CPU us, a presence', redisCpu.toFixed(1)],
    ['bytes in Redis a subscription, sessions included', bytes.toFixed(0)],
    [
      'memory of the process, MiB: before, with the subscriptions, after the changes',
      `${none}, ${subscribed}, ${changed}`,
    ],
    ['seconds that the probes take after the link was down', probing.seconds.toFixed(1)],
    ['most probes in any second', probing.most.toFixed(0)],
    ['sessions shown as gone although they were not', probing.flapped.toFixed(0)],
  ];
}

/** Presence alone, for a terminal. */
export function presenceReport(presence: Presences): string {
  return aligned(presenceTable(presence));
}

/** What messages take in Redis alone, for a terminal. */
export function pendingReport(pending: Pending): string {
  return aligned(pendingTable(pending));
}

/** Fairness alone, for a terminal. */
export function fairnessReport(fairness: Readonly<Record<string, Fairness>>): string {
  return aligned(fairnessTable(fairness));
}

/** For a terminal. */
export function terminalReport({ rounds, pending, fairness, presence, goals }: Results): string {
  return [speedTable(rounds), pendingTable(pending), fairnessTable(fairness), presenceTable(presence), goalTable(goals)]
    .map(aligned)
    .join('\n\n');
}

/** Of what is measured by itself. */
export const goalReport = (goals: readonly Goal[]): string => aligned(goalTable(goals));

const PRESENCE_TITLE = '## Presence\n';

/** @param when when it was measured, if that was by itself */
function presenceSection(presence: Presences, when: string): string {
  return `${PRESENCE_TITLE}
${when}${presence.subscriptions.toLocaleString('en')} subscriptions, each asked for and granted through the proxy; then ${presence.changes.toLocaleString('en')} presence stanzas with status and
capabilities, ${WINDOW.toLocaleString('en')} in flight, each noted in Redis and relayed; then the link is reset once, and every user with a subscriber is
probed again at the pace that the proxy keeps. One run. Memory of the process is its resident set.

${markdown(presenceTable(presence))}
`;
}

/** The same document with its last section, on presence, measured anew by itself. */
export function withPresence(document: string, presence: Presences, when: string): string {
  const start = document.indexOf(PRESENCE_TITLE);
  const before = start === -1 ? `${document.trimEnd()}\n\n` : document.slice(0, start);
  return before + presenceSection(presence, `Measured by itself (\`npm run bench -- --only presence\`), ${when}.\n\n`);
}

/** For bench/RESULTS.md. */
export function markdownReport(results: Results): string {
  const { rounds, pending, fairness, presence, goals, surroundings, plan, pendingPlan, fairnessPlan } = results;
  const each = Object.entries(VARIANTS).map(([name, { what }]) => `- **${name}**: ${what}`);
  const raw = Object.entries(rounds).map(
    ([name, all]) => `- ${name}: ${all.map(({ throughput }) => Math.round(throughput.perSecond)).join(', ')}`,
  );
  const failed = goals.filter(({ pass }) => !pass).length;
  return `# Results of \`npm run bench\`

Written by the benchmark; figures as measured. ${failed === 0 ? 'All goals are met.' : `**${failed} of ${goals.length} goals are not met in this run.**`}

${surroundings.map((line) => `- ${line}`).join('\n')}

## Goals

${markdown(goalTable(goals))}

## Speed and cost

${each.join('\n')}

One message is five stanzas: the message and the receipt in; the acknowledgement, the forward and the receipt out. Each
variant is a process of its own, started anew for each of ${plan.rounds} rounds, in turn. ${WINDOW.toLocaleString('en')} messages of 300 bytes of text in
flight, with what a client adds, half of them in Chinese (\`--load ascii\`: plain ones); ${plan.warmUp / 1000} s to warm up, ${plan.measure / 1000} s measured; then ${plan.paced / 1000} s at ${PACE} messages/s, where the time from writing a message until its
forward arrives is taken. Medians; CPU and commands a message. Redis rewrites its append-only file between rounds only.

${markdown(speedTable(rounds))}

Messages/s in each round:

${raw.join('\n')}

Nothing was lost, doubled or acknowledged out of thin air, or there would be no results.

## Pending messages

${pendingPlan.accepted.toLocaleString('en')} messages at a time that are acknowledged and forwarded and that nobody confirms, with none and with
${pendingPlan.filled.toLocaleString('en')} pending, in turn; medians of ${pendingPlan.rounds}. Bytes are the growth of Redis' \`used_memory\` (without
its buffers), indexes included; its allocator rounds a record up (512, 640 ... bytes), so that one character more in an
id may make a step.

${markdown(pendingTable(pending))}

## Fairness

${PACE} messages/s of ten users for ${fairnessPlan.paced / 1000} s, and the same while another writes ${fairnessPlan.flood.toLocaleString('en')} at once, to a recipient of his
own, and as soon as those are complete or refused yet another as many: (c) has the quotas that it has by default. *In turns*:
as a server passes them on that reads its clients in turn, 8 KiB of each at a time, and reads on from one when the component
has taken what was written. *Far ahead*: as one that has written 100 KiB of the flood before anything of the others'. The time
from writing a message until its forward arrives; medians of ${fairnessPlan.rounds} rounds.

${markdown(fairnessTable(fairness))}

${presenceSection(presence, '')}`;
}
