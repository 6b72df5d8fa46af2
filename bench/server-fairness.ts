import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { type ProsodyServer, startProsody } from '../tests/support/servers/prosody.ts';
import { BODY, COMPONENT, SECRET, SERVED } from './addresses.ts';
import { ClientSession } from './client.ts';
import { type Fairness, type FairnessPlan, inWords, type Round, summary } from './fairness.ts';
import { PACE, quantiles, tidyRedis } from './measure.ts';
import { turns } from './turns.ts';
import { end, launch, type Place } from './variant.ts';

const NAMES = ['plain relay', 'c'] as const;
/** Pairs of users who write at an ordinary pace. */
const PAIRS = 10;
const PASSWORD = 'pw';
/** Between two attempts to reach the component, ms. */
const TRY_EVERY = 100;
/** How long what is left of a flood, or of the others' messages, may take, ms. */
const DRAIN = 120_000;

/** What a server does that has no limits, and no modules that are not needed: archives and carbons would be most of its work. */
const CONFIG = `modules_enabled = { "roster", "saslauth", "disco", "posix", "ping" }`;

const message = (to: string, id: string) =>
  `<message to='${to}@${COMPONENT}' type='chat' id='${id}'><body>${BODY}</body><request xmlns='urn:xmpp:receipts'/></message>`;

/** An attribute as Prosody writes it. */
function attribute(xml: string, name: string): string {
  const start = xml.indexOf(` ${name}='`) + name.length + 3;
  return xml.slice(start, xml.indexOf("'", start));
}

/** Somebody who writes, and somebody who confirms. */
class Pair {
  /** When each that is on its way was written, by its id. */
  readonly #sentAt = new Map<string, number>();
  latencies: number[] = [];
  /** Of what he wrote: confirmed by its recipient, or refused. */
  delivered = 0;
  refused = 0;

  private constructor(
    readonly recipient: string,
    readonly writes: ClientSession,
    readonly confirms: ClientSession,
  ) {
    writes.onMessage = (stanza) => {
      if (stanza.includes('<stored ')) return;
      if (stanza.includes(" type='error'")) this.refused += 1;
      else if (stanza.includes('<received ')) this.delivered += 1;
    };
    confirms.onMessage = (stanza) => {
      if (!stanza.includes('<body>')) return;
      const id = attribute(stanza.slice(0, stanza.indexOf('>')), 'id');
      const sentAt = this.#sentAt.get(id);
      if (sentAt !== undefined) this.latencies.push(performance.now() - sentAt);
      this.#sentAt.delete(id);
      const to = attribute(stanza.slice(0, stanza.indexOf('>')), 'from');
      confirms.send(
        `<message to='${to}' type='chat' id='r-${id}'><received xmlns='urn:xmpp:receipts' id='${id}'/></message>`,
      );
    };
  }

  static async of(server: ProsodyServer, sender: string, recipient: string): Promise<Pair> {
    const account = (name: string) => ({ port: server.c2sPort, domain: SERVED, name, password: PASSWORD });
    const confirms = await ClientSession.login(account(recipient));
    return new Pair(recipient, await ClientSession.login(account(sender)), confirms);
  }

  get waiting(): number {
    return this.#sentAt.size;
  }

  write(id: string): void {
    this.#sentAt.set(id, performance.now());
    this.writes.send(message(this.recipient, id));
  }

  /** All at once, in one write. */
  flood(ids: string, count: number): void {
    let all = '';
    for (let number = 0; number < count; number += 1) all += message(this.recipient, `${ids}-${number}`);
    this.writes.send(all);
  }
}

async function until(reached: () => boolean, what: string): Promise<void> {
  const limit = performance.now() + DRAIN;
  while (!reached()) {
    if (performance.now() > limit) throw new Error(`Waited in vain: ${what}`);
    await sleep(5);
  }
}

/** At {@link PACE} a second in all; gives what each took until its forward arrived, ms. */
async function paced(pairs: readonly Pair[], ids: string, goesOn: (elapsed: number) => boolean): Promise<number[]> {
  for (const pair of pairs) pair.latencies = [];
  const start = performance.now();
  for (let count = 0; goesOn(performance.now() - start); count += 1) {
    const wait = start + (count * 1000) / PACE - performance.now();
    if (wait > 0) await sleep(wait);
    (pairs[count % pairs.length] as Pair).write(`${ids}-${count}`);
  }
  await until(() => pairs.every(({ waiting }) => waiting === 0), 'messages of others');
  return pairs.flatMap(({ latencies }) => latencies);
}

async function one(
  server: ProsodyServer,
  name: (typeof NAMES)[number],
  place: Place,
  plan: FairnessPlan,
): Promise<Round> {
  const pairs: Pair[] = [];
  for (let number = 0; number < PAIRS; number += 1) pairs.push(await Pair.of(server, `alice${number}`, `bob${number}`));
  // Each has the whole of his burst.
  const warmer = await Pair.of(server, 'warmer', 'warmed');
  const mallory = await Pair.of(server, 'mallory', 'eve');
  const first = pairs[0] as Pair;
  // It is there when it answers; what was refused before that counts for nothing.
  const online = (async () => {
    for (let number = 0; first.delivered === 0; number += 1) {
      first.writes.send(message(first.recipient, `first-${number}`));
      await sleep(TRY_EVERY);
    }
  })();
  const child = await launch(name, { port: server.componentPort, online }, { ...place, hasQuotas: true });
  const over = (pair: Pair) => pair.delivered + pair.refused;
  // Once before, so that neither is measured while code is compiled.
  warmer.flood('warm', plan.flood / 2);
  await until(() => over(warmer) >= plan.flood / 2, 'the first flood');
  const without = quantiles(await paced(pairs, 'q', (elapsed) => elapsed < plan.paced));
  const start = performance.now();
  mallory.flood('flood', plan.flood);
  const during = quantiles(await paced(pairs, 'f', () => over(mallory) < plan.flood));
  const perSecond = (1000 * plan.flood) / (performance.now() - start);
  await end(child);
  for (const { writes, confirms } of [...pairs, warmer, mallory]) {
    writes.close();
    confirms.close();
  }
  return { without, during, perSecond };
}

/** The same through a real server: with this proxy behind it, and with a relay that does nothing but map addresses. */
export async function serverFairness(
  place: Place,
  redis: Redis,
  plan: FairnessPlan,
  say: (text: string) => void,
): Promise<Record<(typeof NAMES)[number], Fairness>> {
  const users: Record<string, string> = {};
  for (const name of ['mallory', 'eve', 'warmer', 'warmed']) users[name] = PASSWORD;
  for (let number = 0; number < PAIRS; number += 1)
    for (const name of ['alice', 'bob']) users[`${name}${number}`] = PASSWORD;
  const component = { domain: COMPONENT, secret: SECRET };
  const rounds: Record<(typeof NAMES)[number], Round[]> = { 'plain relay': [], c: [] };
  for (const _ of turns(plan.rounds, plan.limit)) {
    for (const name of NAMES) {
      await redis.flushall();
      await tidyRedis(redis);
      const server = await startProsody({ domain: SERVED, users, component, config: CONFIG });
      try {
        const measured = await one(server, name, place, plan);
        rounds[name].push(measured);
        say(`${name}: ${inWords(measured)}`);
      } finally {
        await server.stop();
      }
    }
  }
  return { 'plain relay': summary(plan, rounds['plain relay']), c: summary(plan, rounds.c) };
}
