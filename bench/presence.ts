import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { COMPONENT, SERVED } from './addresses.ts';
import { redisCpu, redisMemory, tidyRedis, WINDOW } from './measure.ts';
import { end, launch, type Place, usageOf } from './variant.ts';

export interface PresencePlan {
  readonly users: number;
  /** Subscriptions are so many times the users. */
  readonly subscribersEach: number;
  /** Presence stanzas. */
  readonly changes: number;
}

export interface Presences {
  readonly subscriptions: number;
  readonly changes: number;
  /** Presence stanzas a second. */
  readonly perSecond: number;
  /** us a stanza. */
  readonly cpu: number;
  readonly redisCpu: number;
  /** Bytes in Redis a subscription, the sessions included. */
  readonly bytes: number;
  /** MiB that the process took before all, with the subscriptions, and after the changes. */
  readonly resident: readonly [none: number, subscribed: number, changed: number];
  /** After the link was down: seconds that the probes took, the most in any second, and sessions that flapped. */
  readonly probing: { readonly seconds: number; readonly most: number; readonly flapped: number };
}

const HEADER = `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='bench' from='${COMPONENT}'>`;
const CAPS = `<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://gajim.org' ver='TVlQVTG6rKX/ZQWCI/M7MvVUZ4o='/>`;
/** How long a wait may take, ms: then what has not come counts as lost. */
const LIMIT = 120_000;

const served = (user: number) => `u${user}@${SERVED}`;
const proxied = (user: number) => `u${user}@${COMPONENT}`;

function attribute(xml: string, name: string): string {
  const at = xml.indexOf(` ${name}="`);
  if (at === -1) return '';
  const start = at + name.length + 3;
  return xml.slice(start, xml.indexOf('"', start));
}

/** A server with users who are subscribed to each other: it speaks XEP-0114, grants each request, and answers each probe. */
class PresencePeer {
  /** Stanzas that came, by their type. */
  readonly counts: Record<string, number> = {};
  /** When each probe came since the link was {@link cut}, ms, and who asked after whom. */
  readonly probes: number[] = [];
  readonly #asked = new Set<string>();
  readonly #server: net.Server;
  #socket: net.Socket | undefined;
  #rest = '';
  #out = '';
  #handshaken = false;
  #connected!: () => void;
  #onProgress: (() => void) | undefined;
  readonly online: Promise<void>;

  private constructor(server: net.Server) {
    this.#server = server;
    this.online = new Promise((resolve) => {
      this.#connected = resolve;
    });
    server.on('connection', (socket) => {
      this.#socket = socket;
      this.#rest = '';
      this.#handshaken = false;
      socket.setEncoding('latin1');
      socket.on('error', () => {});
      socket.on('data', (chunk) => this.#data(chunk as unknown as string));
    });
  }

  static async listen(): Promise<PresencePeer> {
    const server = net.createServer({ noDelay: true });
    const peer = new PresencePeer(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return peer;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  count(type: string): number {
    return this.counts[type] ?? 0;
  }

  /** Gives stanzas to the proxy, a window at a time; each brings one of that type in the end. */
  async give(stanzas: Iterable<string>, type: string): Promise<void> {
    const before = this.count(type);
    let given = 0;
    for (const stanza of stanzas) {
      this.#out += stanza;
      given += 1;
      if (given % 100 !== 0) continue;
      this.#flush();
      await this.until(() => this.count(type) - before > given - WINDOW);
    }
    this.#flush();
    await this.until(() => this.count(type) - before >= given);
  }

  /** @throws when it takes too long: something is lost */
  async until(reached: () => boolean): Promise<void> {
    if (reached()) return;
    await new Promise<void>((resolve, reject) => {
      const fail = () => reject(new Error(`Waited in vain: ${JSON.stringify(this.counts)}`));
      const timer = setTimeout(fail, LIMIT);
      this.#onProgress = () => {
        if (!reached()) return;
        clearTimeout(timer);
        this.#onProgress = undefined;
        resolve();
      };
    });
  }

  cut(): void {
    this.probes.length = 0;
    this.#asked.clear();
    this.#socket?.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.#socket?.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #data(chunk: string): void {
    const text = this.#rest + chunk;
    if (this.#handshaken) this.#rest = this.#stanzas(text);
    else if (text.includes('</handshake>')) {
      this.#rest = '';
      this.#out += '<handshake/>';
      this.#handshaken = true;
      this.#connected();
    } else {
      this.#rest = text;
      if (text.trimEnd().endsWith('>')) {
        this.#rest = '';
        this.#out += HEADER;
      }
    }
    this.#flush();
    this.#onProgress?.();
  }

  /** Handles whole stanzas, and gives back what is left. */
  #stanzas(text: string): string {
    let at = 0;
    for (;;) {
      const startEnds = text.indexOf('>', at);
      if (startEnds === -1) break;
      const name = text.startsWith('<iq', at) ? 'iq' : 'presence';
      const closes = `</${name}>`;
      const empty = text[startEnds - 1] === '/';
      const closed = empty ? startEnds : text.indexOf(closes, startEnds);
      if (closed === -1) break;
      const end = empty ? closed + 1 : closed + closes.length;
      this.#stanza(name, text.slice(at, end));
      at = end;
    }
    return text.slice(at);
  }

  #stanza(name: string, stanza: string): void {
    const [from, to] = [attribute(stanza, 'from'), attribute(stanza, 'to')];
    if (name === 'iq') {
      if (stanza.includes('urn:xmpp:ping'))
        this.#out += `<iq type='result' id='${attribute(stanza, 'id')}' from='${to}' to='${from}'/>`;
      return;
    }
    const type = attribute(stanza.slice(0, stanza.indexOf('>')), 'type') || 'available';
    this.counts[type] = this.count(type) + 1;
    if (type === 'subscribe') this.#out += `<presence from='${to}' to='${from}' type='subscribed'/>`;
    if (type !== 'probe') return;
    // The link that was cut may have had one of those that follow, from asking at the start.
    if (!this.#asked.has(from + to)) this.probes.push(performance.now());
    this.#asked.add(from + to);
    this.#out += `<presence from='${to}/desk' to='${from}'>${CAPS}</presence>`;
  }

  #flush(): void {
    if (this.#out === '') return;
    const out = this.#out;
    this.#out = '';
    this.#socket?.write(out, 'latin1');
  }
}

/** The most events in any `ms` in a row. */
function mostWithin(times: readonly number[], ms: number): number {
  let most = 0;
  let first = 0;
  for (const [i, time] of times.entries()) {
    while (time - (times[first] as number) > ms) first += 1;
    most = Math.max(most, i - first + 1);
  }
  return most;
}

/** What subscriptions take, how fast presence is relayed, and how it is taken up again after the link was down. */
export async function presences(place: Place, plan: PresencePlan, say: (text: string) => void): Promise<Presences> {
  const { users, subscribersEach, changes } = plan;
  const redis = new Redis(place.redisUrl);
  const peer = await PresencePeer.listen();
  const relations: [contact: number, subscriber: number][] = [];
  for (let user = 0; user < users; user += 1) {
    for (let i = 1; i <= subscribersEach; i += 1) relations.push([user, (user + i) % users]);
  }
  const one = ([contact, subscriber]: [number, number], words: string) =>
    `<presence from='${served(contact)}/desk' to='${proxied(subscriber)}'>${words}${CAPS}</presence>`;
  const MiB = async () => (await usageOf(child)).resident / 2 ** 20;
  await redis.flushall();
  await tidyRedis(redis);
  const child = await launch('c', peer, place);
  try {
    // Once round, so that what the first stanzas of all make is not taken for theirs.
    await peer.give([`<presence from='x@${SERVED}' to='y@${COMPONENT}' type='unavailable'/>`], 'unavailable');
    const [none, before] = [await MiB(), await redisMemory(redis)];
    const asks = relations.map(
      ([contact, subscriber]) => `<presence from='${served(subscriber)}' to='${proxied(contact)}' type='subscribe'/>`,
    );
    await peer.give(asks, 'subscribed');
    await peer.give(
      relations.map((it) => one(it, '')),
      'available',
    );
    // What tells a repeated call from the first is kept for a minute, and is no part of a subscription.
    const notes = await redis.keys('*:done:*');
    for (let at = 0; at < notes.length; at += 1000) await redis.del(...notes.slice(at, at + 1000));
    const bytes = ((await redisMemory(redis)) - before) / relations.length;
    const subscribed = await MiB();
    const sample = async () => ({ ...(await usageOf(child)), redis: await redisCpu(redis), at: performance.now() });
    const start = await sample();
    await peer.give(
      Array.from({ length: changes }, (_, i) =>
        one(relations[i % relations.length] as [number, number], `<show>away</show><status>Change ${i}</status>`),
      ),
      'available',
    );
    const stop = await sample();
    const perSecond = (1000 * changes) / (stop.at - start.at);
    say(`${Math.round(perSecond)} presences/s; ${Math.round(bytes)} bytes a subscription`);
    const changed = await MiB();
    const unavailable = peer.count('unavailable');
    peer.cut();
    await peer.until(() => peer.probes.length >= relations.length);
    const { probes } = peer;
    const seconds = ((probes.at(-1) as number) - (probes[0] as number)) / 1000;
    // Longer than an answer may take: who was heard of must not be shown as gone.
    await sleep(12_000);
    const flapped = peer.count('unavailable') - unavailable;
    const most = mostWithin(probes, 1000);
    say(`${probes.length} probes in ${seconds.toFixed(1)} s, at most ${most} in any second; ${flapped} flapped`);
    if (probes.length !== relations.length || flapped > 0) throw new Error('Presence was not taken up as it should be');
    return {
      subscriptions: relations.length,
      changes,
      perSecond,
      cpu: (stop.cpu - start.cpu) / changes,
      redisCpu: (stop.redis - start.redis) / changes,
      bytes,
      resident: [none, subscribed, changed],
      probing: { seconds, most, flapped },
    };
  } finally {
    await peer.close();
    await end(child);
    await redis.flushall();
    redis.disconnect();
  }
}
