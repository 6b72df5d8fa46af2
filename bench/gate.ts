import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { startProsody } from '../tests/support/servers/prosody.ts';
import { COMPONENT, SECRET, SERVED } from './addresses.ts';
import { type Account, ClientSession } from './client.ts';
import type { Goal } from './goals.ts';
import { median, PACE, quantiles, redisCpu, tidyRedis } from './measure.ts';
import { cpuOf, drained, paced, SessionPair, until } from './sessions.ts';
import { turns } from './turns.ts';
import { end, launch, type Place, usageOf } from './variant.ts';

/**
 * Chat through a real server with the gate: without a component, so that nothing is held; with one that stores nothing and answers
 * at once (gate-answerer.ts), which is what the server itself loses by asking anybody; and with the product.
 */
export interface GatePlan {
  /** Turns, each of all ways, after one that does not count. */
  readonly rounds: number;
  /** ms, of all of them. */
  readonly limit: number;
  /** Messages, so that a busy machine measures as many. */
  readonly warmUp: number;
  readonly measured: number;
  /** How long latency is measured, ms. */
  readonly paced: number;
}

export interface GateRound {
  /** Messages a second that were written, shown and confirmed. */
  readonly perSecond: number;
  /** us a message, of each process. */
  readonly cpu: { readonly server: number; readonly component: number; readonly redis: number };
  /** ms from writing a message until its recipient has it, at {@link PACE} a second. */
  readonly p50: number;
  readonly p99: number;
}

export const WAYS = ['unheld', 'answered', 'held'] as const;
const BEHIND = { unheld: undefined, answered: 'gate answerer', held: 'transparent' } as const;
export type GateWay = (typeof WAYS)[number];
export type GateRounds = Record<GateWay, GateRound[]>;

/** A server of the domain {@link SERVED} with the gate. */
export interface GateServer {
  readonly componentPort: number;
  readonly secret: string;
  readonly pid: number;
  /** Who writes, and who returns receipts. */
  readonly pairs: readonly (readonly [Account, Account])[];
}

/** Pairs of users. */
const PAIRS = 10;
const PASSWORD = 'pw';
/** Without an archive: on Prosody's own storage in files that is most of its work, held or not. */
const CONFIG = `modules_enabled = { "roster", "saslauth", "disco", "posix", "ping", "smacks", "carbons", "blocklist", "pep", "receipts_gate" }`;
/** As by default; tests have a shorter one. */
const PINGS = 'receipts_ping_delay = 250\n';

async function one(
  way: GateWay,
  server: GateServer,
  pairs: readonly SessionPair[],
  place: Place,
  redis: Redis,
  plan: GatePlan,
): Promise<GateRound> {
  const [first] = pairs as [SessionPair];
  const stored = first.stored;
  const online = async () => {
    for (; first.stored === stored; await sleep(100)) first.write();
  };
  const peer = { port: server.componentPort, secret: server.secret };
  const component = BEHIND[way];
  const child = component && (await launch(component, { ...peer, online: online() }, place));
  const confirmed = () => pairs.reduce((sum, pair) => sum + pair.confirmed, 0);
  const sample = async () => ({
    at: performance.now(),
    confirmed: confirmed(),
    server: cpuOf(server.pid),
    component: child === undefined ? 0 : (await usageOf(child)).cpu,
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
  const count = after.confirmed - before.confirmed;

  await paced(pairs, PACE, plan.paced);
  if (child !== undefined) await end(child);
  return {
    perSecond: (1000 * count) / (after.at - before.at),
    cpu: {
      server: (after.server - before.server) / count,
      component: (after.component - before.component) / count,
      redis: (after.redis - before.redis) / count,
    },
    ...quantiles(pairs.flatMap(({ latencies }) => latencies)),
  };
}

function inWords({ perSecond, cpu, p50, p99 }: GateRound): string {
  const costs = `server ${cpu.server.toFixed(0)}, component ${cpu.component.toFixed(0)}, Redis ${cpu.redis.toFixed(0)} us a message`;
  return `${perSecond.toFixed(0)} messages/s; ${costs}; p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)} ms`;
}

/** All ways in turn, on one Prosody. */
export async function gate(
  place: Place,
  redis: Redis,
  plan: GatePlan,
  say: (text: string) => void,
): Promise<GateRounds> {
  const users: Record<string, string> = {};
  for (let i = 0; i < PAIRS; i += 1) for (const name of ['alice', 'bob']) users[`${name}${i}`] = PASSWORD;
  const component = { domain: COMPONENT, secret: SECRET };
  const server = await startProsody({ domain: SERVED, users, component, gate: PINGS, config: CONFIG });
  const { componentPort, pid } = server;
  const account = (name: string) => ({ port: server.c2sPort, domain: SERVED, name, password: PASSWORD });
  const pairs = Array.from({ length: PAIRS }, (_, i) => [account(`alice${i}`), account(`bob${i}`)] as const);
  try {
    return await gateThrough({ componentPort, secret: SECRET, pid, pairs }, place, redis, plan, say);
  } finally {
    await server.stop();
  }
}

/**
 * All ways in turn, on a server that runs already. Who has just started it measures its compiler in the first turn.
 *
 * @param also what else is to be said of a round, once its processes have ended
 */
export async function gateThrough(
  server: GateServer,
  place: Place,
  redis: Redis,
  plan: GatePlan,
  say: (text: string) => void,
  also: (way: GateWay, messages: number) => Promise<string> = async () => '',
): Promise<GateRounds> {
  const rounds: GateRounds = { unheld: [], answered: [], held: [] };
  const pairs: SessionPair[] = [];
  for (const [i, [writer, reader]] of server.pairs.entries()) {
    const to = `${reader.name}@${reader.domain}`;
    const alice = await ClientSession.login(writer);
    const bob = await ClientSession.login(reader);
    pairs.push(new SessionPair(`p${i}`, alice, bob, reader.resource === undefined ? to : `${to}/${reader.resource}`));
  }
  for (const round of turns(plan.rounds + 1, plan.limit)) {
    for (const way of WAYS) {
      await redis.flushall();
      await tidyRedis(redis);
      const before = pairs.reduce((sum, { written }) => sum + written, 0);
      const measured = await one(way, server, pairs, place, redis, plan);
      const messages = pairs.reduce((sum, { written }) => sum + written, 0) - before;
      say(`${round === 0 ? '(to warm up) ' : ''}${way}: ${inWords(measured)}${await also(way, messages)}`);
      if (round > 0) rounds[way].push(measured);
    }
  }
  for (const pair of pairs) pair.close();
  return rounds;
}

/** What a way costs beside unheld chat: of each round its ratio, of which the median counts. */
function beside(rounds: GateRounds, way: GateWay): { ratio: number; added: number } {
  const pairs = rounds[way].map((one, i) => [one, rounds.unheld[i] as GateRound] as const);
  return {
    ratio: median(pairs.map(([one, other]) => one.perSecond / other.perSecond)),
    added: median(pairs.map(([one, other]) => one.p50 - other.p50)),
  };
}

export function gateReport(rounds: GateRounds): string {
  const rates = WAYS.map(
    (way) => `${way} ${median(rounds[way].map(({ perSecond }) => perSecond)).toFixed(0)} messages/s`,
  );
  const costs = (['answered', 'held'] as const).map((way) => {
    const { ratio, added } = beside(rounds, way);
    return `${way} / unheld ${ratio.toFixed(2)}, latency added, p50: ${added.toFixed(2)} ms`;
  });
  return `${rates.join(', ')}\n${costs.join('\n')}`;
}

/** @param plugin us that the server's plugin itself takes for a message, where it measures that */
export function gateGoals(rounds: GateRounds, plugin?: number): Goal[] {
  const { ratio, added } = beside(rounds, 'held');
  const goals: Goal[] = [
    { what: 'held / unheld, messages/s', wanted: '>= 0.5', measured: ratio.toFixed(2), pass: ratio >= 0.5 },
    {
      what: `Latency added by the gate at ${PACE} messages/s, p50`,
      wanted: '<= 1 ms',
      measured: `${added.toFixed(2)} ms`,
      pass: added <= 1,
    },
  ];
  if (plugin === undefined) return goals;
  const measured = `${plugin.toFixed(1)} us`;
  return [...goals, { what: "The plugin's own time for a message", wanted: '<= 20 us', measured, pass: plugin <= 20 }];
}
