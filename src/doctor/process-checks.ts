import net from 'node:net';
import type { Config } from '../config/config.ts';
import { isLoopback } from '../config/hosts.ts';
import { type Finding, Findings } from './finding.ts';
import { patient } from './patience.ts';

/** What `/readyz` of a process that runs here says. */
export interface Running {
  readonly ready: boolean;
  readonly problems: readonly string[];
  readonly linkUp: boolean;
  /** Whether a gate holds messages for it; undefined where none is asked for. */
  readonly gateUp: boolean | undefined;
}

/** Of package.json. */
export interface NodeVersions {
  readonly wanted: string;
  readonly found: string;
}

/** A password shorter than this is guessed in a day, at the pace that the dashboard allows. */
const SHORT = 10;
/** ms */
const TIMEOUT = 3000;

export function checkNode({ wanted, found }: NodeVersions): Finding[] {
  const findings = new Findings('Process');
  const [least] = /\d[\d.]*/.exec(wanted) ?? ['0'];
  if (isOlder(found, least)) findings.problem('node', `Node.js ${found} is too old`, `Install ${least} or newer`);
  else findings.ok('node', `Node.js ${found}`);
  return findings.all;
}

/** Whether one version is less than another, by their numbers. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map((part) => Number.parseInt(part, 10) || 0));
  const differs = b?.findIndex((number, i) => number !== (a?.[i] ?? 0)) ?? -1;
  return differs >= 0 && (a?.[differs] ?? 0) < (b?.[differs] ?? 0);
}

/** Who can reach the dashboard, and with what. */
export function checkExposure({ host, password }: Config['http']): Finding[] {
  const findings = new Findings('Process');
  if (!isLoopback(host)) {
    findings.warning(
      'http.exposed',
      `HTTP_HOST=${host}: others reach the dashboard and the metrics, and nothing encrypts the password`,
      'Let a proxy with TLS stand before it, or only trusted machines reach the port',
    );
  }
  if (password === undefined) {
    findings.warning(
      'http.open',
      'The dashboard has no password: every account of this machine can use it',
      'Set DASHBOARD_PASSWORD',
    );
  } else if (password.length < SHORT || /^(change-?me|password|secret)/i.test(password)) {
    findings.warning(
      'http.weak',
      'DASHBOARD_PASSWORD is easily guessed',
      `Set a random one of ${SHORT} characters or more`,
    );
  }
  if (findings.all.length === 0) findings.ok('http', `The dashboard is on ${host} only, with a password`);
  return findings.all;
}

/** Whether a process of ours runs here already, or somebody else has its port. */
export async function checkPort({
  host,
  port,
}: Pick<Config['http'], 'host' | 'port'>): Promise<{ findings: Finding[]; running: Running | undefined }> {
  const findings = new Findings('Process');
  if (port === 0) {
    findings.unknown('http.port', 'HTTP_PORT=0: whether a process runs here cannot be asked', 'Set a fixed port');
    return { findings: findings.all, running: undefined };
  }
  const running = await askRunning(host, port);
  if (running !== undefined) {
    if (running.ready) findings.ok('running', `A process runs here (port ${port}), and is ready`);
    else {
      const why = running.problems.join(' ').replace(/\.$/, '');
      findings.problem('running', `A process runs here (port ${port}), and is not ready: ${why}`);
    }
    return { findings: findings.all, running };
  }
  const error = await listenError(host, port);
  if (error === undefined) findings.ok('http.port', `Port ${port} is free: no process runs here`);
  else if (error === 'EADDRINUSE') {
    findings.problem('http.port', `Another program has port ${port} on ${host}`, 'Set another HTTP_PORT');
  } else {
    findings.problem('http.port', `${host}:${port} cannot be listened on (${error})`, 'Set HTTP_HOST and HTTP_PORT');
  }
  return { findings: findings.all, running: undefined };
}

async function askRunning(host: string, port: number): Promise<Running | undefined> {
  // What listens on all addresses is reached by this one.
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const authority = net.isIPv6(reached) ? `[${reached}]` : reached;
  try {
    const response = await fetch(`http://${authority}:${port}/readyz`, {
      signal: AbortSignal.timeout(patient(TIMEOUT)),
    });
    const said = (await response.json()) as {
      ready?: unknown;
      problems?: string[];
      parts?: Record<'link' | 'redis' | 'gate', { ok?: boolean } | undefined>;
    };
    if (typeof said.ready !== 'boolean' || said.parts?.link === undefined) return undefined;
    return {
      ready: said.ready,
      problems: said.problems ?? [],
      linkUp: said.parts.link.ok === true,
      // Without a link, or a Redis that takes messages, none is wanted of it, and that part has no problem of its own.
      gateUp: said.parts.gate?.ok && said.parts.link.ok === true && said.parts.redis?.ok === true,
    };
  } catch {
    return undefined;
  }
}

/** What listening there fails with. */
function listenError(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}
