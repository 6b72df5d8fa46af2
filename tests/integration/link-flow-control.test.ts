import { once } from 'node:events';
import { ReceiptsProxy } from '../../src/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/util/log.ts';
import { Link, type LinkTiming } from '../../src/xmpp/connection/link.ts';
import type { Priority } from '../../src/xmpp/connection/outgoing-stanza.ts';
import { ComponentPeer } from '../support/peer/component-peer.ts';
import { Relay } from '../support/peer/relay.ts';
import { startRedis } from '../support/servers/redis.ts';
import { until } from '../support/time/until.ts';

const message = (body: string) =>
  `<message from="bob@receipts.example.org" to="alice@example.org"><body>${body}</body></message>`;
const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));

/** A server, and links to it. */
class Stage {
  readonly warnings: string[] = [];
  readonly #links: Link<string>[] = [];

  constructor(readonly peer: ComponentPeer) {}

  link(timing: Partial<LinkTiming>, service = this.peer.service): Link<string> {
    const warn = (_: object, text: string) => this.warnings.push(text);
    const one = new Link<string>({
      service,
      domain: 'receipts.example.org',
      secret: 'secret',
      serverDomain: 'example.org',
      log: { debug: () => {}, info: () => {}, warn, error: warn },
      timing: { backoffMin: 10, backoffMax: 40, pingInterval: 100, ...timing },
    });
    this.#links.push(one);
    return one;
  }

  async close(): Promise<void> {
    for (const one of this.#links) one.destroy();
    await this.peer.close();
  }
}

/** What a test does on a stage of its own. */
function staged<T extends unknown[]>(run: (stage: Stage, ...row: T) => Promise<void>): (...row: T) => Promise<void> {
  return async (...row) => {
    const stage = new Stage(await ComponentPeer.listen());
    try {
      await run(stage, ...row);
    } finally {
      await stage.close();
    }
  };
}

async function handedOver(one: Link<string>, count: number): Promise<string[]> {
  const tags: string[] = [];
  one.on('handedOver', (batch) => tags.push(...batch));
  while (tags.length < count) await once(one, 'handedOver');
  return tags;
}

describe('a server that is throttled', () => {
  test(
    'gets each stanza once and keeps its link, though all of it takes longer than a ping may',
    staged(async (stage) => {
      const { peer } = stage;
      peer.perSecond = 40;
      // Alone: of the 3 s an answer takes 2 by itself, so that another test may not take this process for long.
      const one = stage.link({ pingTimeout: 3_000 });
      await one.start();
      const tags = numbers(240);
      const done = handedOver(one, tags.length);
      for (const tag of tags) one.send(message(tag), tag);
      await until(() => peer.bodies.length > 120, { what: 'half of it' });
      expect(one.stats.inFlight).toBeLessThanOrEqual(80);
      expect(one.stats.waiting.normal).toBeGreaterThan(20);
      expect(await done).toEqual(tags);
      expect(peer.bodies).toEqual(tags);
      expect([peer.connections.length, stage.warnings]).toEqual([1, []]);
    }),
  );

  test.concurrent(
    'gets what matters first, in order, and what is withdrawn not at all',
    staged(async (stage) => {
      const { peer } = stage;
      peer.perSecond = 40;
      const one = stage.link({ pingTimeout: 20_000 });
      await one.start();
      const send = (priority: Priority, count: number) =>
        numbers(count).map((i) => one.send(message(`${priority} ${i}`), `${priority} ${i}`, priority));
      const low = send('low', 40);
      send('normal', 40);
      send('high', 40);
      (low[39] as { done: boolean }).done = true;
      await handedOver(one, 119);
      expect(peer.bodies).toHaveLength(119);
      for (const priority of ['high', 'normal', 'low']) {
        const bodies = peer.bodies.filter((body) => body.startsWith(priority));
        expect(bodies).toEqual(numbers(bodies.length).map((i) => `${priority} ${i}`));
      }
      const last = (priority: string) => peer.bodies.findLastIndex((body) => body.startsWith(priority));
      expect(last('high')).toBeLessThan(last('normal'));
      expect(last('normal')).toBeLessThan(last('low'));
      // One of what can wait for eight of what matters more: it is not starved.
      expect(peer.bodies.slice(0, last('high')).filter((body) => body.startsWith('low')).length).toBeLessThan(5);
    }),
  );

  test.concurrent(
    'is not written the same answer twice while the first still waits',
    staged(async (stage) => {
      const { peer } = stage;
      const one = stage.link({ pingTimeout: 20_000 });
      await one.start();
      peer.perSecond = 40;
      for (const i of numbers(60)) one.send(message(i), i);
      const first = one.send(message('answer'), undefined, 'high', 'key');
      const second = one.send(message('answer'), undefined, 'high', 'key');
      expect(second).toBe(first);
      const other = one.send(message('other'), undefined, 'high', 'other key');
      expect(other).not.toBe(first);
      await peer.handled('answer', 'other');
      // What has been written is answered anew.
      expect(one.send(message('answer'), undefined, 'high', 'key')).not.toBe(first);
      await until(() => peer.bodies.length === 63, { what: 'all' });
      expect(peer.bodies.filter((body) => body === 'answer')).toHaveLength(2);
    }),
  );

  test(
    'a storm of resends: each message is forwarded once, and is not answered for each resend',
    staged(async ({ peer }) => {
      const redis = await startRedis();
      peer.perSecond = 40;
      const config = loadConfig({
        XMPP_SERVICE: peer.service,
        XMPP_COMPONENT_DOMAIN: 'receipts.example.org',
        XMPP_COMPONENT_SECRET: 'secret',
        REDIS_URL: redis.url,
        HTTP_PORT: '0',
        LOG_LEVEL: 'silent',
      });
      // Leases that end many times while all of it is on its way.
      const tuning = { lease: 500, sweepEvery: 100, link: { pingInterval: 100, pingTimeout: 3_000 } };
      const proxy = new ReceiptsProxy(config, createLog('silent'), tuning);
      await proxy.start();
      const forwards: string[] = [];
      const acknowledged = new Map<string, number>();
      peer.on('stanza', (stanza) => {
        const id = stanza.getChild('stored')?.attrs.id ?? stanza.getChild('received')?.attrs.id;
        if (stanza.getChild('body') !== undefined) forwards.push(stanza.attrs.id as string);
        else if (id !== undefined) acknowledged.set(id, (acknowledged.get(id) ?? 0) + 1);
      });
      const ids = numbers(120).map((i) => `m-${i}`);
      const storm = ids.map(
        (id) =>
          `<message from="alice@example.org/phone" to="bob@receipts.example.org" type="chat" id="${id}"><body>${id}</body><request xmlns="urn:xmpp:receipts"/></message>`,
      );
      const { current } = peer;
      for (let i = 0; i < 5; i += 1) current.write(storm.join(''));
      await until(() => forwards.length >= ids.length && acknowledged.size >= ids.length);
      expect(forwards).toEqual(ids);
      // Those that were written before the resends came were answered twice.
      expect([...acknowledged.values()].reduce((sum, count) => sum + count, 0)).toBeLessThan(1.5 * ids.length);
      expect([peer.connections.length, proxy.link.stats.reconnects]).toEqual([1, 0]);
      await proxy.stop(2_000);
      await redis.stop();
    }),
  );

  test(
    'after a reconnect is given little until it has shown what it takes',
    staged(async (stage) => {
      const { peer } = stage;
      const one = stage.link({ pingTimeout: 20_000 });
      await one.start();
      const start = one.stats.window;
      const many = numbers(3_000);
      // How soon it is given more hangs on how soon it answers: on a busy machine it has to show it for longer.
      do {
        const done = handedOver(one, many.length);
        for (const tag of many) one.send(message(tag), tag);
        await done;
      } while (one.stats.window <= start);
      peer.onPing = () => 'none';
      peer.current.end({ condition: 'system-shutdown' });
      await once(one, 'offline');
      const online = once(one, 'online');
      for (const tag of many) one.send(message(`again ${tag}`));
      await online;
      await until(() => peer.bodies.includes(`again ${start - 1}`), { what: 'the first window' });
      expect(one.stats).toMatchObject({ window: start, inFlight: start, waiting: { normal: many.length - start } });
    }),
  );
});

describe('signs of life', () => {
  test(
    'a server that answers no ping for long, but writes, is not given up',
    staged(async (stage) => {
      const { peer } = stage;
      let pings = 0;
      peer.onPing = () => {
        pings += 1;
        return 'none';
      };
      const one = stage.link({ pingTimeout: 300 });
      await one.start();
      const { current } = peer;
      const trickle = setInterval(() => current.write(' '), 20);
      one.send(message('a'), 'a');
      // They go every 100 ms: it has had five times as long as one that is silent has.
      await until(() => pings >= 16, { what: 'the pings' });
      expect([one.online, peer.connections.length, stage.warnings]).toEqual([true, 1, []]);
      peer.onPing = () => 'result';
      await handedOver(one, 1);
      clearInterval(trickle);
    }),
  );

  test.each(['near', 'far'] as const)(
    'what the network swallows from the %s end on is found',
    staged(async (stage, end) => {
      const { peer } = stage;
      const relay = await Relay.to(peer.port);
      const one = stage.link({ pingTimeout: 300 }, `xmpp://127.0.0.1:${relay.port}`);
      const proved = once(one, 'proved');
      await one.start();
      await proved;
      const { current } = peer;
      relay.deafen(end);
      // The other direction works, and is used.
      const writing = setInterval(() => current.write('<message/>'), 20);
      one.send(message('a'), 'a');
      const [reason] = await once(one, 'offline');
      expect(reason).toMatch(end === 'far' ? /a ping for 0.3 s$/ : /a ping for 3 s, though it writes/);
      await handedOver(one, 1);
      clearInterval(writing);
      one.destroy();
      await relay.close();
    }),
  );
});

describe('back at once', () => {
  /** The waits that are logged from here on, in s. */
  const waits = ({ warnings }: Stage): number[] => {
    const all: number[] = [];
    const before = warnings.push.bind(warnings);
    warnings.push = (...texts: string[]) => {
      for (const text of texts) all.push(Number(/Next attempt in (\S+) s/.exec(text)?.[1]));
      return before(...texts);
    };
    return all;
  };

  test.concurrent(
    'after each drop of a link that had worked, however many',
    staged(async (stage) => {
      const { peer } = stage;
      const one = stage.link({ backoffMin: 250, backoffMax: 60_000 });
      const delays = waits(stage);
      let proved = once(one, 'proved');
      await one.start();
      for (let i = 0; i < 6; i += 1) {
        await proved;
        proved = once(one, 'proved');
        peer.current.end(i % 2 === 0 ? 'rst' : { condition: 'system-shutdown' });
      }
      await proved;
      expect(delays).toHaveLength(6);
      expect(Math.max(...delays)).toBeLessThanOrEqual(0.3);
    }),
  );

  test.concurrent.each([
    ['answers no ping', undefined],
    ['gives the domain to another', 'conflict'],
  ])(
    'but not where the server %s',
    staged(async (stage, _: string, refusal: string | undefined) => {
      const { peer } = stage;
      const one = stage.link({ backoffMin: 20, backoffMax: 60_000 });
      const delays = waits(stage);
      if (refusal === undefined) peer.onPing = () => 'none';
      peer.on('open', (connection) => {
        if (refusal === undefined) setImmediate(() => connection.end('rst'));
      });
      if (refusal !== undefined) {
        one.on('proved', () => peer.current.end({ condition: refusal }));
      }
      void one.start();
      await until(() => delays.length >= 7, { what: 'seven attempts' });
      expect(delays[6]).toBeGreaterThan(0.5);
    }),
  );
});
