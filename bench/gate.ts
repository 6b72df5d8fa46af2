import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { startProsody } from '../tests/support/servers/prosody.ts';
import { COMPONENT, SECRET, SERVED } from './addresses.ts';
import { type Account, ClientSession } from './client.ts';
import type { Goal } from './goals.ts';
import { median, PACE, quantiles, redisCpu, tidyRedis } from './measure.ts';
import { end, launch, type Place, usageOf } from './variant.ts';

/**
 * Chat through a real server with the gate: without a component, so that nothing is held; with one that stores nothing and answers
 * at once (gate-answerer.ts), which is what the server itself loses by asking anybody; and with the product.
 */
export interface GatePlan {
  /** Turns, each of all ways, after one that does not count. */
  readonly rounds: number;
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

/** Pairs of users, and how many messages of each are under way at once: fewer than the gate holds of one sender. */
const PAIRS = 10;
const WINDOW = 20;
const PASSWORD = 'pw';
/** Without an archive: on Prosody's own storage in files that is most of its work, held or not. */
const CONFIG = `modules_enabled = { "roster", "saslauth", "disco", "posix", "ping", "smacks", "carbons", "blocklist", "pep", "receipts_gate" }`;
/** As by default; tests have a shorter one. */
const PINGS = 'receipts_ping_delay = 250\n';
/** us in a tick of /proc. */
const TICK = 10_000;
const DRAIN = 120_000;

/** As bytes, each a character: sessions write no other. */
const TEXTS = [
  'All work and no play makes the relay a dull box; it carries on. Déjà vu, said the café.',
  '我们明天下午三点在老地方见面，好吗？记得带上那本书。',
].map((text) => Buffer.from(text).toString('latin1'));

/** As Gajim, Dino and Conversations write: a chat state, a request, a marker, an id of its own. */
const message = (to: string, id: string, text: string) =>
  `<message to='${to}' type='chat' id='${id}'><body>${text}</body><active xmlns='http://jabber.org/protocol/chatstates'/>` +
  `<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>` +
  `<origin-id xmlns='urn:xmpp:sid:0' id='${id}'/></message>`;
const receipt = (to: string, id: string) =>
  `<message to='${to}' type='chat' id='r-${id}'><received xmlns='urn:xmpp:receipts' id='${id}'/>` +
  `<store xmlns='urn:xmpp:hints'/></message>`;

/** An attribute of a start tag, whichever quotes the server writes. */
function attribute(xml: string, name: string): string {
  const start = xml.indexOf(` ${name}=`) + name.length + 3;
  return xml.slice(start, xml.indexOf(xml.charAt(start - 1), start));
}

/** Somebody who writes, and somebody whose client confirms. */
class Pair {
  readonly #sentAt = new Map<string, number>();
  latencies: number[] = [];
  confirmed = 0;
  stored = 0;
  /** Shown to bob once more. */
  twice = 0;
  #count = 0;
  #flows = false;

  constructor(
    readonly name: string,
    readonly alice: ClientSession,
    readonly bob: ClientSession,
    readonly to: string,
  ) {
    alice.onMessage = (stanza) => {
      if (stanza.includes('<stored ')) this.stored += 1;
      else if (stanza.includes('<received ')) {
        this.confirmed += 1;
        if (this.#flows) this.write();
      }
    };
    bob.onMessage = (stanza) => {
      if (!stanza.includes('<body>')) return;
      const tag = stanza.slice(0, stanza.indexOf('>'));
      const id = attribute(tag, 'id');
      const sentAt = this.#sentAt.get(id);
      if (sentAt === undefined) this.twice += 1;
      else this.latencies.push(performance.now() - sentAt);
      this.#sentAt.delete(id);
      bob.send(receipt(attribute(tag, 'from'), id));
    };
  }

  get written(): number {
    return this.#count;
  }

  write(): void {
    this.#count += 1;
    // Of a length that no client counts to, so that it is no countable id.
    const id = `${this.name}-0d5c2b9e-7a41-4e0f-${String(this.#count).padStart(12, '0')}`;
    this.#sentAt.set(id, performance.now());
    this.alice.send(message(this.to, id, TEXTS[this.#count % TEXTS.length] as string));
  }

  flow(): void {
    this.#flows = true;
    for (let i = 0; i < WINDOW; i += 1) this.write();
  }

  stop(): void {
    this.#flows = false;
  }

  close(): void {
    this.alice.close();
    this.bob.close();
  }
}

async function until(reached: () => boolean, what: () => string): Promise<void> {
  const limit = performance.now() + DRAIN;
  while (!reached()) {
    if (performance.now() > limit) throw new Error(`Waited in vain: ${what()}`);
    await sleep(5);
  }
}

/** us that a process has computed so far. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return TICK * (Number(fields[11]) + Number(fields[12]));
}

async function drained(pairs: readonly Pair[]): Promise<void> {
  for (const pair of pairs) pair.stop();
  const missing = () => pairs.reduce((sum, { written, confirmed }) => sum + written - confirmed, 0);
  await until(
    () => missing() === 0,
    () => `${missing()} messages without a receipt, ${pairs.reduce((sum, { twice }) => sum + twice, 0)} shown twice`,
  );
}

async function one(
  way: GateWay,
  server: GateServer,
  pairs: readonly Pair[],
  place: Place,
  redis: Redis,
  plan: GatePlan,
): Promise<GateRound> {
  const [first] = pairs as [Pair];
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

  await sleep(500);
  for (const pair of pairs) pair.latencies = [];
  const start = performance.now();
  for (let i = 0; performance.now() - start < plan.paced; i += 1) {
    const wait = start + (i * 1000) / PACE - performance.now();
    if (wait > 0) await sleep(wait);
    (pairs[i % pairs.length] as Pair).write();
  }
  await drained(pairs);
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
  const pairs: Pair[] = [];
  for (const [i, [writer, reader]] of server.pairs.entries()) {
    const to = `${reader.name}@${reader.domain}`;
    const alice = await ClientSession.login(writer);
    const bob = await ClientSession.login(reader);
    pairs.push(new Pair(`p${i}`, alice, bob, reader.resource === undefined ? to : `${to}/${reader.resource}`));
  }
  for (let round = 0; round <= plan.rounds; round += 1) {
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
