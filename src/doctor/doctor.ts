import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { VERSION } from '../version.ts';
import { checkClients } from './client-checks.ts';
import type { Finding } from './finding.ts';
import { checkExposure, checkNode, checkPort, type Running } from './process-checks.ts';
import { checkRedis } from './redis-checks.ts';
import { checkServer } from './server-checks.ts';
import type { Account } from './user-client.ts';

export interface DoctorOptions {
  /** To compare Redis' memory with. */
  readonly messagesADay?: number | undefined;
  readonly account?: Account | undefined;
}

/** package.json of the package, which the compiled code is a folder deeper in. */
function wantedNode(): string {
  for (const place of ['../../package.json', '../../../package.json']) {
    const { engines } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as {
      engines?: { node: string };
    };
    if (engines !== undefined) return engines.node;
  }
  return '';
}

/** Looks at everything around the component. It takes nothing from a process that runs, and changes no setting. */
export async function examine(config: Config, { messagesADay, account }: DoctorOptions = {}): Promise<Finding[]> {
  const findings: Finding[] = [...checkNode({ wanted: wantedNode(), found: process.versions.node })];
  findings.push(...checkExposure(config.http));
  const [port, redis] = await Promise.all([checkPort(config.http), checkRedis(config, messagesADay)]);
  findings.push(...port.findings, ...redis.findings);
  const isHeld = (redis.processes ?? 0) > 0 || port.running?.linkUp === true;
  const { findings: server, software } = await checkServer(config, isHeld);
  findings.push(...server);
  if (config.gate.mode !== 'subdomain' && !server.some(({ area }) => area === 'Gate')) {
    findings.push(gateOf(port.running));
  }
  findings.push(...(await checkClients(config, { account, isHeld, software })));
  return findings;
}

/** The gate answers nobody but the component: where that could not ask, the process that runs may know. */
function gateOf(running: Running | undefined): Finding {
  const base = { area: 'Gate', id: 'gate' } as const;
  if (running?.gateUp === true) {
    return { ...base, level: 'ok', text: 'The gate holds messages for the process that runs here' };
  }
  const advice = 'See "gate" in /readyz of the process that runs';
  return { ...base, level: 'unknown', text: 'The gate answers nobody but the component, which could not ask', advice };
}

/** What a check of the set-up ends with: 0 when all is well, as far as it can be seen; else 1. */
export function exitStatus(findings: readonly Finding[]): 0 | 1 {
  return findings.some(({ level }) => level === 'problem' || level === 'warning') ? 1 : 0;
}

/** For programs. */
export function asJson(findings: readonly Finding[]): string {
  return `${JSON.stringify({ version: VERSION, status: exitStatus(findings), findings }, null, 2)}\n`;
}
