import { readFileSync } from 'node:fs';
import os from 'node:os';
import type { Redis } from 'ioredis';
import { type Goal, goalTable } from './goals.ts';
import type { Presences } from './presence.ts';

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
    `Machine: ${cpus[0]?.model.trim()}, ${cpus.length} cores, ${Math.round(os.totalmem() / 2 ** 30)} GiB; ${os.type()} ${os.release()}`,
    `Load, variant and Redis shared these cores`,
    `Node ${process.versions.node}, Redis ${field('redis_version')} (${(await Promise.all(settings)).join(', ')})`,
    `Packages: ${PACKAGES.map((name) => `${name} ${version(name)}`).join(', ')}`,
  ];
}

/** A table for a terminal. */
export function aligned(table: readonly string[][]): string {
  const widths = (table[0] as string[]).map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  const line = (row: string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  return table.map(line).join('\n');
}

/** The same for a document. */
export function markdown([head, ...rows]: readonly string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = (head as string[]).map((_, i) => (i === 0 ? '---' : '---:'));
  return [line(head as string[]), line(rule), ...rows.map(line)].join('\n');
}

/** For a terminal. */
export const goalReport = (goals: readonly Goal[]): string => aligned(goalTable(goals));

export function presenceTable({ perSecond, cpu, redisCpu, bytes, resident, probing }: Presences): string[][] {
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
