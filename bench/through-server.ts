import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { openfireOf } from '../tests/support/gate/openfire-process.ts';
import { startProsody } from '../tests/support/servers/prosody.ts';
import { COMPONENT, SECRET, SERVED } from './addresses.ts';
import { type Account, ClientSession } from './client.ts';
import type { Goal } from './goals.ts';
import { median, PACE, quantiles, redisCpu, tidyRedis } from './measure.ts';
import { openfirePairs } from './openfire-pairs.ts';
import { cpuOf, drained, paced, SessionPair, until } from './sessions.ts';
import { turns } from './turns.ts';
import { end, launch, type Place, usageOf } from './variant.ts';

/** Chat between sessions of a real server, each message by way of a component. */
export interface ServerPlan {
  /** Turns, each of all components, after one that does not count. */
  readonly rounds: number;
  /** ms, of all of them. */
  readonly limit: number;
  /** Messages, so that a busy machine measures as many. */
  readonly warmUp: number;
  readonly measured: number;
  /** How long latency is measured, ms. */
  readonly paced: number;
}

export const COMPONENTS = {
  a: { variant: 'plain relay', what: 'relay, stock @xmpp/component, stores nothing' },
  b: { variant: 'regex relay', what: 'regular expressions, one write a chunk, stores nothing' },
  c: { variant: 'c', what: 'this proxy' },
} as const;
type Name = keyof typeof COMPONENTS;
const NAMES = Object.keys(COMPONENTS) as Name[];

export interface ServerRound {
  /** Messages a second that were written, acknowledged, shown and confirmed. */
  readonly perSecond: number;
  /** us a message; of the server also of its busiest thread. */
  readonly cpu: {
    readonly server: number;
    readonly thread: number;
    readonly component: number;
    readonly redis: number;
  };
  readonly busiest: string;
  /** Commands that the component has sent to Redis, a message. */
  readonly commands: number;
  readonly p50: number;
  readonly p99: number;
}

export interface ThroughServer {
  readonly server: string;
  readonly rounds: Readonly<Record<Name, readonly ServerRound[]>>;
}

interface Server {
  readonly name: string;
  readonly componentPort: number;
  readonly secret: string;
  readonly pid: number;
  readonly pairs: readonly (readonly [Account, Account])[];
  stop(): Promise<void>;
}

const PAIRS = 10;
const PASSWORD = 'pw';
/** Without an archive: on Prosody's own storage in files that is most of its work. */
const CONFIG = `modules_enabled = { "roster", "saslauth", "disco", "posix", "ping", "smacks", "carbons", "blocklist", "pep" }`;
const TICK = 10_000;

/** The one that the E2E_ variables name, or a Prosody. */
async function theServer(): Promise<Server> {
  const { E2E_XMPP_HOST, E2E_COMPONENT_PORT = '5275', E2E_COMPONENT_SECRET = '', OPENFIRE_HOME } = process.env;
  if (E2E_XMPP_HOST !== undefined) {
    return {
      name: OPENFIRE_HOME === undefined ? E2E_XMPP_HOST : 'Openfire',
      componentPort: Number(E2E_COMPONENT_PORT),
      secret: E2E_COMPONENT_SECRET,
      pid: OPENFIRE_HOME === undefined ? 0 : (openfireOf(OPENFIRE_HOME) ?? 0),
      pairs: openfirePairs(),
      stop: async () => {},
    };
  }
  const users: Record<string, string> = {};
  for (let i = 0; i < PAIRS; i += 1) for (const name of ['alice', 'bob']) users[`${name}${i}`] = PASSWORD;
  const component = { domain: COMPONENT, secret: SECRET };
  const server = await startProsody({ domain: SERVED, users, component, config: CONFIG });
  const account = (name: string): Account => ({
    port: server.c2sPort,
    domain: SERVED,
    name,
    password: PASSWORD,
    resource: 'bench',
  });
  return {
    name: 'Prosody',
    componentPort: server.componentPort,
    secret: SECRET,
    pid: server.pid,
    pairs: Array.from({ length: PAIRS }, (_, i) => [account(`alice${i}`), account(`bob${i}`)] as const),
    stop: () => server.stop(),
  };
}

/** us that each thread of a process has computed so far, by its number and name. */
function threadsOf(pid: number): Map<string, number> {
  const threads = new Map<string, number>();
  if (pid === 0) return threads;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
      const end = stat.lastIndexOf(') ');
      const fields = stat.slice(end + 2).split(' ');
      const name = stat.slice(stat.indexOf('(') + 1, end);
      threads.set(`${thread} ${name}`, TICK * (Number(fields[11]) + Number(fields[12])));
    } catch {
      // It has ended.
    }
  }
  return threads;
}

async function one(
  name: Name,
  server: Server,
  pairs: readonly SessionPair[],
  place: Place,
  redis: Redis,
  plan: ServerPlan,
) {
  const [first] = pairs as [SessionPair];
  first.answered = false;
  const online = async () => {
    for (; !first.answered; await sleep(100)) first.probe();
  };
  const peer = { port: server.componentPort, secret: server.secret, online: online() };
  const child = await launch(COMPONENTS[name].variant, peer, place);
  const confirmed = () => pairs.reduce((sum, pair) => sum + pair.confirmed, 0);
  const sample = async () => ({
    at: performance.now(),
    confirmed: confirmed(),
    server: server.pid === 0 ? Number.NaN : cpuOf(server.pid),
    threads: threadsOf(server.pid),
    component: await usageOf(child),
    redis: await redisCpu(redis),
  });
  const began = confirmed();
  const reaches = (count: number) =>
    until(
      () => confirmed() >= began + count,
      () => `${count} messages, of which ${confirmed() - began} came`,
    );
  for (const pair of pairs) pair.flow();
  await reaches(plan.warmUp);
  const before = await sample();
  await reaches(plan.warmUp + plan.measured);
  const after = await sample();
  await drained(pairs);
  await paced(pairs, PACE, plan.paced);
  await end(child);
  const count = after.confirmed - before.confirmed;
  const threads = [...after.threads].map(([thread, us]) => [us - (before.threads.get(thread) ?? 0), thread] as const);
  const [most = Number.NaN, busiest = ''] = threads.sort(([x], [y]) => y - x)[0] ?? [];
  return {
    perSecond: (1000 * count) / (after.at - before.at),
    cpu: {
      server: (after.server - before.server) / count,
      thread: most / count,
      component: (after.component.cpu - before.component.cpu) / count,
      redis: (after.redis - before.redis) / count,
    },
    busiest: busiest.slice(busiest.indexOf(' ') + 1),
    commands: (after.component.commands - before.component.commands) / count,
    ...quantiles(pairs.flatMap(({ latencies }) => latencies)),
  } satisfies ServerRound;
}

function inWords({ perSecond, cpu, busiest, commands, p50, p99 }: ServerRound): string {
  const server = `server ${cpu.server.toFixed(0)} (its busiest thread, ${busiest}, ${cpu.thread.toFixed(0)})`;
  const costs = `${server}, component ${cpu.component.toFixed(0)}, Redis ${cpu.redis.toFixed(0)} us a message, ${commands.toFixed(3)} commands`;
  return `${perSecond.toFixed(0)} messages/s; ${costs}; p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)} ms`;
}

/** All components in turn on one server. Who has just started it measures its compiler in the first turn. */
export async function throughServer(
  place: Place,
  redis: Redis,
  plan: ServerPlan,
  say: (text: string) => void,
): Promise<ThroughServer> {
  const server = await theServer();
  const rounds: Record<Name, ServerRound[]> = { a: [], b: [], c: [] };
  const pairs: SessionPair[] = [];
  try {
    if (server.pid === 0 && place.cores !== undefined)
      throw new Error('OPENFIRE_HOME does not say which process the server is');
    place.cores?.server(server.pid);
    for (const [i, [writer, reader]] of server.pairs.entries()) {
      const to = `${reader.name}@${COMPONENT}/${reader.resource}`;
      pairs.push(new SessionPair(`p${i}`, await ClientSession.login(writer), await ClientSession.login(reader), to));
    }
    for (const turn of turns(plan.rounds + 1, plan.limit)) {
      for (const name of turn % 2 === 0 ? NAMES : NAMES.toReversed()) {
        await redis.flushall();
        await tidyRedis(redis);
        const measured = await one(name, server, pairs, place, redis, plan);
        say(`${turn === 0 ? '(to warm up) ' : ''}${name}: ${inWords(measured)}`);
        if (turn > 0) rounds[name].push(measured);
      }
    }
  } finally {
    for (const pair of pairs) pair.close();
    place.cores?.end();
    await server.stop();
  }
  return { server: server.name, rounds };
}

/** Of each round its ratio, of which the median counts. */
function ratio(rounds: ThroughServer['rounds'], name: Name, to: Name): number {
  return median(rounds[name].map(({ perSecond }, i) => perSecond / (rounds[to][i]?.perSecond ?? Number.NaN)));
}

export function serverTable({ rounds }: ThroughServer): string[][] {
  const of = (name: Name, figure: (round: ServerRound) => number) => median(rounds[name].map(figure));
  const row = (name: Name) => [
    name,
    of(name, ({ perSecond }) => perSecond).toFixed(0),
    ratio(rounds, name, 'b').toFixed(2),
    of(name, ({ cpu }) => cpu.server).toFixed(0),
    of(name, ({ cpu }) => cpu.thread).toFixed(0),
    of(name, ({ cpu }) => cpu.component).toFixed(0),
    of(name, ({ cpu }) => cpu.redis).toFixed(0),
    of(name, ({ commands }) => commands).toFixed(3),
    of(name, ({ p50 }) => p50).toFixed(2),
    of(name, ({ p99 }) => p99).toFixed(2),
  ];
  const head = [
    'messages/s',
    'to b',
    'server CPU us',
    'its busiest thread',
    'component',
    'Redis',
    'commands',
    'p50 ms',
    'p99 ms',
  ];
  return [['component', ...head], ...NAMES.map(row)];
}

/** The goal is that of Openfire. */
export function serverGoals({ server, rounds }: ThroughServer): Goal[] {
  const measured = ratio(rounds, 'c', 'b');
  return [
    {
      what: `c/b through ${server}, messages/s`,
      wanted: '>= 0.85',
      measured: measured.toFixed(2),
      pass: measured >= 0.85,
    },
  ];
}
